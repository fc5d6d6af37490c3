"""Whoever sits before the Rehearse screen: asks, watches, approves and runs by real presses."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from window_hands import click, until_ripe

from gui.rehearse.ask_bar import DEMONSTRATOR, MODEL
from gui.rehearse.steps import Step
from robot.state import ArmState
from workflows.rehearsal.files import read_record

SECOND = 1000
INSTRUCTION = "reach the red cube"


class Hands:
    """The Rehearse screen and whoever sits before it."""

    def __init__(self, program, qtbot):
        self.program, self.qtbot = program, qtbot
        self.screen, self.presenter = program.shell.screens["rehearse"], program.rehearse

    @property
    def step(self) -> Step:
        return self.presenter.step

    @property
    def staged(self) -> str:
        """The digest of what the robot process holds."""
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
        if bar.source.currentData() == MODEL:  # what these tests are about is what comes after the question
            bar.source.setCurrentIndex(bar.source.findData(DEMONSTRATOR))
        field = bar.instruction
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, instruction)
        click(self.screen.ask_bar.show_me)

    def watch(self, instruction: str = INSTRUCTION) -> None:
        self.ask(instruction)
        self.until(lambda: not self.presenter.busy and self.step in (Step.WATCH, Step.ASK), 60)
        assert self.step is Step.WATCH, self.presenter.problem
        assert self.page.isVisible()

    def approve(self) -> None:
        self.screen.player.go_to(self.screen.player.timeline.maximum())
        click(self.page.approve)
        self.until(lambda: not self.presenter.busy, 60)
        assert self.step is Step.APPROVED, self.presenter.problem

    def begin(self) -> None:
        """Return to nothing asked, nothing approved, nothing moving, wherever the last test ended."""
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
        """Press Run, or begin to hold it."""
        page = self.screen.approved_page
        self.make_ready()
        assert self.step is Step.APPROVED, self.presenter.problem
        click(page.speeds.button(pct))
        self.until(lambda: page.run.text() == ("Hold to move" if hold else f"Run at {pct} %"))
        if hold:
            until_ripe(page.run)
            QTest.mousePress(page.run, Qt.MouseButton.LeftButton)
        else:
            click(page.run)
        self.until(lambda: self.step is not Step.APPROVED or bool(self.presenter.problem))
        self.until(lambda: not self.presenter.busy)
        said = [message.sentence for message in self.program.messages.log]
        assert self.step in (Step.RUNNING, Step.OUTCOME), f"it could not be run: {self.presenter.problem} {said}"

    def run_to_its_end(self) -> None:
        """Run it at full speed."""
        self.start(100)
        self.until(lambda: self.step is Step.OUTCOME or self.screen.player.grid.pictures[0].drawing is not None)
        self.until(lambda: self.step is Step.OUTCOME or self.presenter.paused, 60)
        self.until_step(Step.OUTCOME)
        assert not self.presenter.rehearsal.current_run.fault

    def record(self) -> dict:
        return read_record(self.presenter.rehearsal.folder)
