"""History: approvals and outcomes, planned against executed motion, and a video to share."""

import time

import av
import numpy as np
import pytest
from history_pieces import BESIDE, store
from PySide6.QtWidgets import QLabel

from gui.history.presenter import HistoryPresenter
from gui.history.view import HistoryView
from gui.runtime.jobs import Jobs
from storage.library import Library
from workflows.rehearsal.facts import THIS_PROGRAM


@pytest.fixture
def view(qtbot, tmp_path):
    """The screen over three rehearsals, and the folder of the library."""
    store(tmp_path, "open the drawer", rejected="it comes too close")
    store(tmp_path, "push the ball")
    store(tmp_path, "pick up the red cube", ran=True)
    jobs = Jobs()
    with Library(tmp_path) as library:
        shown = HistoryView(HistoryPresenter(library, jobs))
        qtbot.addWidget(shown)
        shown.resize(1200, 760)
        shown.show()
        shown.enter()
        qtbot.waitUntil(lambda: shown.list.count() == 3, timeout=30_000)
        yield shown
        shown.leave()
        deadline = time.monotonic() + 30.0
        while jobs.running and time.monotonic() < deadline:
            qtbot.wait(20)
        jobs.close()


def choose(view, qtbot, instruction: str) -> None:
    item = next(i for i in range(view.list.count()) if instruction in view.list.item(i).text())
    view.list.setCurrentRow(item)
    qtbot.waitUntil(lambda: view.presenter.review is not None and not view.presenter.busy, timeout=30_000)


def test_it_says_who_approved_what_and_how_it_ended(view, qtbot):
    texts = {view.list.item(i).text() for i in range(3)}
    assert texts == {"pick up the red cube, Success", "push the ball, Watched only", "open the drawer, Rejected"}
    choose(view, qtbot, "pick up")
    facts = view.detail.facts
    assert "by Grace" in facts.findChild(QLabel, "Approved").text()
    assert "slow but sure" in facts.findChild(QLabel, "Outcome").text()
    assert view.presenter.review.plan.digest[:16] in facts.findChild(QLabel, "Exactly this plan").text()
    choose(view, qtbot, "drawer")
    assert "it comes too close" in facts.findChild(QLabel, "Rejected").text()
    assert facts.findChild(QLabel, "Approved").text() == "by nobody"
    assert "not run" in view.detail.curve.words.text()


@pytest.mark.parametrize(
    ("program", "word", "sentence"),
    [
        ("another one", "Not finished", "Begun; the program ended before the motion was finished."),
        (THIS_PROGRAM, "Running", "It has not ended yet."),
    ],
    ids=("another program", "this program"),
)
def test_a_run_without_an_end_is_not_one_that_was_never_run(view, qtbot, program, word, sentence):
    """Check the history of a window that is started after the previous one was killed."""
    store(view.presenter.library.folder, "reach the bowl", begun_by=program)
    view.enter()
    qtbot.waitUntil(lambda: view.list.count() == 4, timeout=30_000)
    assert "reach the bowl, " + word in {view.list.item(i).text() for i in range(4)}
    choose(view, qtbot, "bowl")
    assert view.detail.facts.findChild(QLabel, "Ended").text() == sentence
    assert "was begun" in view.detail.curve.words.text() and "not run" not in view.detail.curve.words.text()


def test_the_figures_are_those_that_the_outcome_said(view, qtbot):
    choose(view, qtbot, "pick up")
    off = view.presenter.review.tracking.off_the_plan
    words = view.detail.curve.words.text()
    assert f"{off.p95_mm:.1f} or less for 95 %" in words and f"{off.most_mm:.1f} at most" in words
    assert f"{off.p95_mm:.1f} mm or less" in view.detail.facts.findChild(QLabel, "Off the plan").text()


def test_what_was_done_is_compared_with_what_was_meant_moment_by_moment(view, qtbot):
    choose(view, qtbot, "pick up")
    review, detail = view.presenter.review, view.detail
    known = review.error_mm[np.isfinite(review.error_mm)]
    assert len(known) > 10 and np.abs(known - 1000 * BESIDE).max() < 0.2
    assert "3.0 in the middle" in detail.curve.words.text()
    _, drawn = detail.curve.curve.getData()
    assert np.nanmax(np.abs(drawn - review.error_mm)) < 1e-9
    detail.player.go_to(len(review.moments) // 2)
    assert detail.curve.line.value() == pytest.approx(review.moments[len(review.moments) // 2], abs=1e-6)
    drawing = detail.player.grid.pictures[0].drawing
    assert len(drawing.trail) == len(review.moments) // 2 + 1
    detail.curve.asked.emit(float(review.moments[-1]))
    assert detail.player.frame == len(review.moments) - 1


def test_searching_finds_by_words_and_people(view, qtbot):
    view.search.setText("ball ada")
    qtbot.waitUntil(lambda: view.list.count() == 1, timeout=10_000)
    assert "push the ball" in view.list.item(0).text()
    view.search.setText("zzz")
    qtbot.waitUntil(lambda: view.list.count() == 0, timeout=10_000)
    assert "Nothing fits" in view.nothing.text()


def test_a_film_of_it_can_be_shared(view, qtbot, tmp_path):
    choose(view, qtbot, "pick up")
    path = tmp_path / "film.mp4"
    view.detail.export_to(str(path))
    qtbot.waitUntil(lambda: not view.presenter.exporting, timeout=60_000)
    assert str(path) in view.detail.exported.text()
    with av.open(str(path)) as film:
        pictures = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    assert len(pictures) >= 10 * view.presenter.review.plan.motion.duration
    height, width, _ = pictures[0].shape
    assert width == 2 * 480 and height > 360
    captions = pictures[-1][364:]
    assert (captions.max(axis=-1) > 180).sum() > 200  # there is text
    assert np.abs(pictures[0][:360].astype(int) - pictures[-1][:360].astype(int)).max() > 60  # and something moves
    assert not list(tmp_path.glob("*.part"))


def test_the_motion_can_be_rehearsed_again(view, qtbot):
    choose(view, qtbot, "push")
    with qtbot.waitSignal(view.presenter.replay_asked) as asked:
        view.detail.replay.click()
    assert asked.args[0] == "push the ball" and view.presenter.row is not None
    assert asked.args[1].endswith(str(view.presenter.row.id))
