"""Waypoint moved by hand, and a task in parts: what is shown, what approval requires, and what the arm does."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from rehearse_hands import Hands
from window_hands import click

from gui.rehearse.ask_bar import DEMONSTRATOR
from gui.rehearse.steps import Step
from workflows.rehearsal.files import read_record


@pytest.fixture
def hands(fresh_virtual_program, qtbot):
    hands = Hands(fresh_virtual_program, qtbot)
    fresh_virtual_program.shell.resize(1280, 800)
    fresh_virtual_program.shell.show_screen("rehearse")
    bar = hands.screen.ask_bar
    bar.source.setCurrentIndex(bar.source.findData(DEMONSTRATOR))
    yield hands
    hands.begin()


def test_a_moved_waypoint_is_checked_and_has_to_be_approved_anew(hands):
    hands.watch()
    screen, before = hands.screen, hands.presenter.shown
    last = screen.player.timeline.maximum()
    was = before.plan.intended.base_from_tool[last, 2, 3]
    screen.player.go_to(last)
    click(screen.decide_page.adjust)
    assert screen.adjusting and not screen.adjust.apply.isEnabled()
    lifted = screen.adjust.offsets[2]
    lifted.setFocus()
    lifted.selectAll()
    QTest.keyClicks(lifted, "40")
    QTest.keyClick(lifted, Qt.Key.Key_Return)
    assert screen.scene.handle.point[2] == pytest.approx(
        before.plan.intended.base_from_tool[last, 2, 3] + 0.04, abs=1e-6
    )
    hands.until(screen.adjust.apply.isEnabled)
    click(screen.adjust.apply)
    hands.until(lambda: not hands.presenter.busy and hands.presenter.shown is not before, 60)
    hands.until_step(Step.WATCH)
    after = hands.presenter.shown
    assert (
        not screen.adjusting and after.proposal.source == "edited" and after.proposal.begun_from == before.proposal.id
    )
    assert after.plan.digest != before.plan.digest and hands.staged == ""
    rise = after.plan.intended.base_from_tool[-1, 2, 3] - was
    assert rise == pytest.approx(0.04, abs=2e-3)
    hands.approve()
    hands.until(lambda: hands.staged == after.plan.digest)


def test_further_parts_are_run_under_the_approval_of_the_first_and_then_it_is_over(hands):
    screen, presenter = hands.screen, hands.presenter
    bar = screen.ask_bar
    click(bar.more)
    bar.fold.parts.setValue(2)
    hands.watch()
    page = hands.page
    assert "Part 1 of at most 2" in page.heading.text() and page.cover.isVisible()
    QTest.mouseClick(page.cover, Qt.MouseButton.LeftButton, pos=QPoint(8, page.cover.height() // 2))
    assert page.cover.isChecked()
    hands.approve()
    first = presenter.rehearsal.folder
    assert presenter.cover is not None
    hands.start(25)
    hands.until(lambda: presenter.parts is None or presenter.parts.number == 2 or hands.step is Step.OUTCOME, 90)
    hands.until(lambda: not presenter.busy and hands.step in (Step.OUTCOME, Step.WATCH, Step.ASK), 120)
    assert hands.step is Step.OUTCOME and presenter.rehearsal.folder != first, presenter.problem
    assert presenter.rehearsal.part is not None
    assert presenter.rehearsal.part.number == 2
    records = [read_record(folder) for folder in (first, presenter.rehearsal.folder)]
    assert records[0]["covered_by"] and records[0]["covered_by"] == records[1]["covered_by"]
    assert records[1]["part"]["first"] == records[0]["id"] and records[0]["outcome"]["note"] == "part 1 of 2"
    assert np.isfinite(presenter.rehearsal.tracking.error_mm).all()
