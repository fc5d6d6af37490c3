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
from window_hands import click, key, until_ripe

from gui.rehearse.ask_bar import DEMONSTRATOR, MODEL, REPLAY, AskBar
from gui.rehearse.presenter import RehearsePresenter
from gui.rehearse.steps import Step
from robot.planning.plan import Plan
from robot.state import ArmState
from workflows.proposals.trajectory_file import save_trajectory
from workflows.rehearsal.files import read_record

SECOND = 1000
PICTURE_PX = (160, 120)
# Legitimate messages, answered by a retry, of a machine that is too busy: late frames, a silent arm.
TOO_BUSY = ("The camera ", "does not say where it is", "does not answer", "did not answer", "went silent")
INSTRUCTION = "reach the red cube"


def too_busy(problem: str) -> bool:
    return any(words in problem for words in TOO_BUSY)


class Hands:
    """The Rehearse screen and its user."""

    def __init__(self, program, qtbot):
        self.program, self.qtbot = program, qtbot
        self.screen, self.presenter = program.shell.screens["rehearse"], program.rehearse

    @property
    def step(self) -> Step:
        return self.presenter.step

    @property
    def staged(self) -> str:
        """The digest of the plan that the robot process holds."""
        return self.program.connection.robot.status.staged

    @property
    def page(self):
        page = self.screen.page_of[self.step]
        self.qtbot.waitUntil(lambda: self.screen.pages.currentWidget() is page, timeout=5 * SECOND)
        return page

    def until(self, what, seconds: float = 30.0) -> None:
        self.qtbot.waitUntil(what, timeout=round(seconds * SECOND))

    def until_step(self, step: Step, seconds: float = 60.0) -> None:
        self.until(lambda: self.step is step and not self.presenter.busy, seconds)
        assert self.page.isVisible()

    def ask(self, instruction: str = INSTRUCTION) -> None:
        """Type and press."""
        self.until(lambda: self.presenter.can_ask and self.screen.ask_bar.instruction.isEnabled())
        bar = self.screen.ask_bar
        if bar.source.currentData() == MODEL:  # these tests are about what comes after the request
            bar.source.setCurrentIndex(bar.source.findData(DEMONSTRATOR))
        field = bar.instruction
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, instruction)
        click(self.screen.ask_bar.show_me)

    def watch(self, instruction: str = INSTRUCTION) -> None:
        """Watch the motion; asks again when a busy machine's cameras were too late, as a user would."""
        for _ in range(5):
            self.ask(instruction)
            self.until(lambda: not self.presenter.busy and self.step in (Step.WATCH, Step.ASK), 60)
            if self.step is Step.WATCH or not too_busy(self.presenter.problem):
                break
        assert self.step is Step.WATCH, self.presenter.problem
        assert self.page.isVisible()

    def approve(self) -> None:
        self.screen.player.go_to(self.screen.player.timeline.maximum())
        for _ in range(5):
            click(self.page.approve)
            self.until(lambda: not self.presenter.busy, 60)
            if self.step is Step.APPROVED or not too_busy(self.presenter.problem):
                break
        assert self.step is Step.APPROVED, self.presenter.problem

    def begin(self) -> None:
        """Reset: nothing asked, nothing approved, nothing moving, wherever the last test ended."""
        presenter = self.presenter
        ways = {
            Step.WORKING: presenter.cancel,
            Step.WATCH: lambda: presenter.reject(""),
            Step.APPROVED: lambda: presenter.reject(""),
            Step.RUNNING: presenter.stop,
            Step.OUTCOME: lambda: presenter.finish(False, ""),
            Step.SAVED: presenter.begin_new,
        }
        for _ in range(6):
            self.until(lambda: not presenter.busy and (self.step is not Step.OUTCOME or presenter.can_judge), 60)
            if (step := self.step) is Step.ASK:
                break
            ways[step]()
            self.until(lambda step=step: self.step is not step and not presenter.busy, 60)
        self.until_step(Step.ASK)

    def make_ready(self) -> None:
        page = self.screen.approved_page
        while self.step is Step.APPROVED and self.program.connection.arm_state is not ArmState.HOLDING:
            step = self.presenter.next_recovery
            if step is None:
                self.qtbot.wait(50)
                continue
            self.until(lambda: page.ready.isVisible() or self.step is not Step.APPROVED)
            if self.step is not Step.APPROVED:
                return
            click(page.ready)
            done = lambda step=step: self.presenter.next_recovery is not step or self.step is not Step.APPROVED  # noqa: E731
            self.until(lambda done=done: done() and not self.presenter.busy)
            self.until(lambda: self.program.connection.arm_state is not ArmState.PREPARING)
        self.until(lambda: self.step is not Step.APPROVED or (page.run.isEnabled() and self.presenter.can_run))

    def start(self, pct: int, *, hold: bool = False) -> None:
        """Press Run, or begin to hold it; repeat once the approval is lost.

        It is lost where a machine is too busy for the window's heartbeat.
        """
        page = self.screen.approved_page
        for _ in range(12):
            self.make_ready()
            if self.step is Step.APPROVED:
                click(page.speeds.button(pct))
                self.until(lambda: page.run.text() == ("Hold to move" if hold else f"Run at {pct} %"))
                if hold:
                    until_ripe(page.run)
                    QTest.mousePress(page.run, Qt.MouseButton.LeftButton)
                else:
                    click(page.run)
                self.until(lambda: self.step is not Step.APPROVED or bool(self.presenter.problem))
                self.until(lambda: not self.presenter.busy)
            if self.step in (Step.RUNNING, Step.OUTCOME):
                return
            if self.step is Step.WATCH:
                self.approve()
        said = [message.sentence for message in self.program.messages.log]
        raise AssertionError(f"it could not be run: {self.presenter.problem} {said}")

    def run_to_its_end(self) -> None:
        """Run at full speed; repeat where the machine is too busy for the window's heartbeat and the arm stops."""
        for _ in range(4):
            self.start(100)
            self.until(lambda: self.step is Step.OUTCOME or self.screen.player.grid.pictures[0].drawing is not None)
            self.until(lambda: self.step is Step.OUTCOME or self.presenter.paused, 60)
            if self.presenter.paused:
                self.presenter.stop()
            self.until_step(Step.OUTCOME)
            fault = self.presenter.rehearsal.current_run.fault
            if not fault:
                return
            click(self.page.failure)
            self.until_step(Step.SAVED)
            self.watch()
            self.approve()
        raise AssertionError(f"no run came to its end; the last: {fault}")

    def record(self) -> dict:
        return read_record(self.presenter.rehearsal.folder)


@pytest.fixture
def hands(program, qtbot):
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


def test_from_typing_to_a_stored_outcome(hands):
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
    hands.until(lambda: hands.step is not Step.RUNNING or hands.presenter.frame_now >= 1)
    if hands.step is Step.RUNNING:
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
        for _ in range(5):
            presenter.ask(INSTRUCTION, MODEL)
            hands.until(lambda: not presenter.busy and presenter.step is not Step.WORKING, 100)
            if not too_busy(presenter.problem):
                break
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
