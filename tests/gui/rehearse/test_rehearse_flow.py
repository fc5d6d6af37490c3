"""From typing an instruction to a stored outcome, with real clicks and a real lab, and possible interruptions."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton
from rehearse_hands import INSTRUCTION, Hands
from window_hands import click, key

from gui.rehearse.ask_bar import DEMONSTRATOR, MODEL, REPLAY, AskBar
from gui.rehearse.presenter import RehearsePresenter
from gui.rehearse.steps import Step
from robot.planning.plan import Plan
from workflows.proposals.trajectory_file import save_trajectory


@pytest.fixture
def hands(virtual_program, qtbot):
    """In virtual time."""
    yield from at_the_screen(virtual_program, qtbot)


@pytest.fixture
def real_hands(program, qtbot):
    """In the real lab, with its arm and cameras."""
    yield from at_the_screen(program, qtbot)


def at_the_screen(program, qtbot):
    hands = Hands(program, qtbot)
    program.shell.resize(1000, 700)
    program.shell.show_screen("rehearse")
    hands.begin()
    yield hands
    hands.begin()


def primary_buttons(hands) -> list[str]:
    """Return the highlighted buttons."""
    places = (hands.page, hands.screen.presses)
    shown = [*(each for place in places for each in place.findChildren(QPushButton)), hands.screen.ask_bar.show_me]
    return [b.text() for b in shown if b.isVisible() and b.isEnabled() and b.property("look") == "primary"]


def test_from_typing_to_a_stored_outcome(real_hands):
    hands = real_hands
    program, screen = hands.program, hands.screen
    at_rest = program.connection.status.position
    assert "Nothing moves before you approve" in screen.strip.safety.text()
    hands.watch()
    assert screen.player.film is not None and len(screen.player.grid.pictures) == 2
    assert screen.player.playing and primary_buttons(hands) == []  # first it has to be watched
    screen.player.go_to(screen.player.timeline.maximum())
    hands.until(lambda: primary_buttons(hands) == ["Approve"])
    shown = hands.presenter.shown.plan.digest
    hands.approve()
    hands.until(lambda: hands.staged == shown)
    assert "Nothing moves before you press Run" in screen.strip.safety.text()
    hands.make_ready()
    assert np.abs(program.connection.status.position - at_rest).max() < 1e-3  # rad: nothing has moved
    assert primary_buttons(hands) == ["Run at 25 %"]
    hands.run_to_its_end()
    assert hands.presenter.verdict is not None
    assert "mm" in hands.page.facts.findChild(QLabel, "Off the plan").text()
    hands.until(lambda: primary_buttons(hands) == ["It worked"])
    QTest.keyClicks(hands.page.note, "straight to it")
    click(hands.page.success)
    hands.until_step(Step.SAVED)
    record = hands.record()
    assert record["outcome"]["success"] is True and record["outcome"]["note"] == "straight to it"
    assert record["plan"]["digest"] == record["approval"]["digest"] == hands.presenter.shown.plan.digest
    assert record["tracking_error_p95_mm"] < 10.0
    assert (hands.presenter.rehearsal.folder / "run-1.npz").exists()
    assert primary_buttons(hands) == ["Next instruction"]
    click(hands.page.next)
    hands.until_step(Step.ASK)
    assert screen.player.film is None and screen.ask_bar.instruction.text() == INSTRUCTION


def test_completion_offers_what_the_lab_understands(hands):
    completer = hands.screen.ask_bar.instruction.completer()
    completer.setCompletionPrefix("up the red")
    offered = [completer.completionModel().index(i, 0).data() for i in range(completer.completionCount())]
    assert "pick up the red cube" in offered
    suggestion = hands.screen.ask_page.suggestions[-1]
    click(suggestion)
    assert hands.screen.ask_bar.instruction.text() == suggestion.text()


def test_cancelling_leaves_nothing_behind(hands):
    library = hands.program.session.settings.library_folder / "rehearsals"
    before = set(library.iterdir()) if library.exists() else set()
    hands.ask()
    hands.until(lambda: hands.screen.working_page.cancel.isVisible())
    click(hands.screen.working_page.cancel)
    hands.until_step(Step.ASK)
    assert hands.screen.player.film is None
    assert (set(library.iterdir()) if library.exists() else set()) == before


def test_what_is_not_understood_is_said_where_it_was_typed(hands):
    hands.ask("make me a coffee")
    hands.until(lambda: hands.step is Step.ASK and hands.screen.ask_page.problem.isVisible())
    assert "make me a coffee" in hands.screen.ask_page.problem.words.text()


def test_rejecting_stores_the_reason_and_stages_nothing(hands):
    hands.watch()
    folder = hands.presenter.rehearsal.folder
    click(hands.page.reject)
    hands.page.reason.setCurrentText("It looks unsafe")
    click(hands.page.confirm)
    hands.until_step(Step.ASK)
    record = json.loads((folder / "rehearsal.json").read_text())
    assert record["rejected"] == "It looks unsafe" and record["approval"] is None
    hands.until(lambda: hands.staged == "")
    assert "rejected" in hands.screen.ask_page.words.text()


def test_findings_and_keys_lead_to_their_frame(hands):
    hands.watch()
    player, shell = hands.screen.player, hands.program.shell
    for row in hands.screen.findings.rows:
        if row.finding.frame is not None:
            click(row.button)
            assert player.frame == row.finding.frame
    player.go_to(7)
    hands.page.reject.setFocus()  # not the timeline
    shell.activateWindow()
    hands.until(shell.isActiveWindow)
    key(shell, Qt.Key.Key_Right)
    assert player.frame == 8
    key(shell, Qt.Key.Key_Left)
    key(shell, Qt.Key.Key_Left)
    assert player.frame == 6
    key(shell, Qt.Key.Key_End)
    assert player.frame == player.timeline.maximum()
    hands.screen.ask_bar.instruction.setFocus()
    key(shell, Qt.Key.Key_Home)  # moves the text cursor, not the film
    assert player.frame == player.timeline.maximum()


def test_an_approval_can_be_taken_back_and_given_again(hands):
    hands.watch()
    hands.approve()
    click(hands.page.take_back)
    hands.until_step(Step.WATCH)
    hands.until(lambda: hands.staged == "")
    hands.approve()
    hands.until(lambda: hands.staged == hands.presenter.shown.plan.digest)


@pytest.mark.parametrize("how", ["stop", "forgotten", "another plan"])
def test_an_approval_that_is_no_longer_good_is_said_and_cannot_run(hands, how):
    hands.watch()
    hands.approve()
    hands.make_ready()
    robot = hands.program.connection.robot
    before = robot.status.position
    if how == "stop":
        click(hands.program.shell.stop)
    elif how == "forgotten":  # as after ten minutes
        robot.revoke("The approval was older than 10 minutes.")
    else:
        plan = hands.presenter.shown.plan
        other = Plan.of_motion(plan.motion, period=0.5)
        robot.stage(other.to_bytes())
        assert other.digest != plan.digest
    hands.until(lambda: hands.step is Step.WATCH and not hands.presenter.busy)
    hands.until(lambda: "no longer good" in hands.page.problem.words.text())
    hands.presenter.run(0.25)  # whatever is pressed
    hands.qtbot.wait(300)
    assert hands.step is Step.WATCH
    assert np.abs(robot.status.position - before).max() < 1e-3  # rad
    if robot.status.staged:
        robot.revoke()


def test_stop_during_a_run_ends_in_an_outcome(hands):
    hands.watch("reach the bowl")
    hands.approve()
    hands.start(25)
    hands.until(lambda: hands.presenter.frame_now >= 1)
    assert hands.step is Step.RUNNING
    click(hands.screen.running_page.stop)
    hands.until_step(Step.OUTCOME)
    assert "ended early" in hands.page.heading.text()
    hands.until(hands.page.failure.isEnabled)
    assert primary_buttons(hands) == []  # nothing is proposed after a stop
    click(hands.page.failure)
    hands.until_step(Step.SAVED)
    record = hands.record()
    assert record["outcome"]["success"] is False and record["run"]["fault"] and record["run"]["speed"] == 0.25


def test_a_stored_motion_is_replayed(hands, tmp_path):
    hands.watch("reach the bowl")
    path = tmp_path / "reach.json"
    save_trajectory(path, hands.presenter.shown.plan.intended, "reach the bowl")
    bar = hands.screen.ask_bar
    bar.source.setCurrentIndex(bar.source.findData(REPLAY))
    assert not bar.show_me.isEnabled()  # a file is needed
    bar.choose_path(str(path))
    hands.watch("reach the bowl")
    assert hands.presenter.shown.proposal.source == "replay" and hands.presenter.can_approve
    path.write_text("{}")
    click(hands.page.again)
    hands.until(lambda: hands.step is Step.ASK and hands.screen.ask_page.problem.isVisible())
    assert str(path) in hands.screen.ask_page.problem.words.text()
    bar.source.setCurrentIndex(0)


def test_the_model_is_offered_and_what_an_untrained_one_says_cannot_be_approved(hands, tmp_path, monkeypatch):
    script = Path(__file__).parents[2] / "model" / "tiny_pipeline.py"
    environment = {**os.environ, "PYTHONPATH": str(script.parents[2])}
    subprocess.run([sys.executable, str(script), str(tmp_path / "tiny")], check=True, env=environment)
    monkeypatch.setattr("workflows.proposals.model_asker.embedded_weights", lambda: tmp_path / "tiny")
    program, bar = hands.program, AskBar()
    presenter = RehearsePresenter(program.connection, program.jobs)
    try:
        bar.show_sources(presenter.sources)
        assert bar.source.currentData() == MODEL and presenter.sources == (MODEL, DEMONSTRATOR, REPLAY)
        presenter.ask(INSTRUCTION, MODEL)
        hands.until(lambda: not presenter.busy and presenter.step is not Step.WORKING, 100)
        assert presenter.step is Step.WATCH, presenter.problem
        assert presenter.shown.proposal.source == "model" and len(presenter.shown.film) == 5
        assert not presenter.can_approve and not presenter.rehearsal.plan.executable
        presenter.ask(INSTRUCTION, MODEL)
        presenter.cancel()
        hands.until(lambda: not presenter.busy, 60)
        assert presenter.step is Step.ASK and presenter.shown is None
    finally:
        presenter.close()
        presenter.deleteLater()
        bar.deleteLater()
