"""Jobs: whatever happens in the thread, its end reaches the GUI thread."""

import threading

import pytest

from foundation.errors import KnownError
from gui.runtime.jobs import Jobs


@pytest.fixture
def jobs(qapp):
    jobs = Jobs()
    yield jobs
    jobs.close()


def test_the_result_and_progress_come_in_the_gui_thread(jobs, qtbot):
    seen = []

    def work(token, report):
        report("half", 0.5)
        return threading.current_thread()

    job = jobs.run(work, name="try")
    job.on(
        done=lambda thread: seen.append(("done", thread, threading.current_thread())),
        progress=lambda words, share: seen.append((words, share, threading.current_thread())),
        ended=lambda: seen.append("ended"),
    )
    qtbot.waitUntil(lambda: "ended" in seen)
    assert seen[0] == ("half", 0.5, threading.main_thread())
    name, worker, here = seen[1]
    assert name == "done" and worker is not here is threading.main_thread() and worker.name == "job: try"
    assert seen[2:] == ["ended"] and not jobs.running


def test_a_known_error_goes_to_who_asked_or_to_the_banner(jobs, qtbot):
    taken, shown, ended = [], [], []

    def fail(token, report):
        raise KnownError("Nobody is there. Ring again.")

    jobs.failed.connect(shown.append)
    jobs.run(fail, name="mine").on(failed=taken.append, ended=lambda: ended.append(1))
    jobs.run(fail, name="nobody's").on(ended=lambda: ended.append(1))
    qtbot.waitUntil(lambda: len(ended) == 2)
    assert [str(error) for error in taken] == [str(error) for error in shown] == ["Nobody is there. Ring again."]


def test_cancelling_ends_a_job_that_looks(jobs, qtbot):
    seen = []

    def wait(token, report):
        report("waiting", 0.0)
        token.wait(60.0)

    job = jobs.run(wait, name="long")
    job.on(progress=lambda *_: job.cancel(), cancelled=lambda: seen.append("cancelled"), failed=seen.append)
    qtbot.waitUntil(lambda: bool(seen))
    assert seen == ["cancelled"]


def test_a_bug_in_a_job_is_raised_in_the_gui_thread(jobs, qtbot):
    def stumble(token, report):
        return [][1]

    with qtbot.captureExceptions() as caught:
        ended = []
        jobs.run(stumble, name="bug").on(ended=lambda: ended.append(1))
        qtbot.waitUntil(lambda: bool(ended))
    assert [kind for kind, _, _ in caught] == [IndexError]


def test_closing_waits_for_every_thread(qapp):
    jobs = Jobs()
    for _ in range(3):
        jobs.run(lambda token, report: token.wait(60.0), name="long")
    jobs.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("job:")]
