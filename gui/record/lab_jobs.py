"""Work of the simulated lab for the Record screen, to be run as jobs: random benches and its demonstrator."""

import secrets
from typing import TYPE_CHECKING

from gui.record.tasks import RecordTasks
from gui.runtime.jobs import Work
from workflows.cancellation import Cancellation, Report
from workflows.recording.facts import RecordRequest

if TYPE_CHECKING:
    from workflows.recording.recorder import Recorder
    from workflows.session import Session

_BENCHES = 1_000_000


def ready_bench(session: "Session", recorder: "Recorder", instruction: str) -> Work:
    """Return a job that prepares the next episode; in the lab with a new bench, after the arm has moved home."""

    def work(token: Cancellation, report: Report) -> None:
        if session.lab is not None:
            from workflows.recording.demonstrations import Demonstrations

            Demonstrations(session, recorder).new_bench(instruction, secrets.randbelow(_BENCHES), token)
        recorder.bench_is_ready()

    return work


def demonstrations(
    session: "Session", recorder: "Recorder", tasks: RecordTasks, request: RecordRequest, count: int
) -> Work:
    """Return a job in which the lab's demonstrator does the task `count` times, each on a new bench; all are kept."""

    def work(token: Cancellation, report: Report) -> None:
        from workflows.recording.demonstrations import Demonstrations

        tasks.store(request)
        shown = Demonstrations(session, recorder)
        shown.record(request, count, seed=secrets.randbelow(_BENCHES), report=report, token=token)

    return work
