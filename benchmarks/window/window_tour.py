"""Tour of every screen while the arm moves and the window is measured: part of `--role=window`.

On each screen the arm is jogged, the theme is switched and the window is resized; an episode is recorded, found and
watched, and a motion is requested, watched, approved and run. Nothing here stops the arm, so every stop is unintended.
"""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from PySide6.QtCore import QObject

from benchmarks.window.ui_driver import UiDriver
from foundation import xarm7
from foundation.errors import KnownError
from gui.app import Program
from gui.arm.hand_control import Direction
from gui.calibrate.steps import CalibrateStep
from gui.rehearse.ask_bar import DEMONSTRATOR
from gui.rehearse.steps import Step
from gui.runtime.stall_monitor import StallMonitor
from robot.state import ArmState

_SIZES = ((1024, 700), (1280, 800), (1920, 1060))
_STILL_GOING = (ArmState.HOLDING, ArmState.JOGGING, ArmState.FOLLOWING, ArmState.PAUSED, ArmState.PREPARING)
_ENDED = (ArmState.STOPPED, ArmState.STOPPING, ArmState.ERROR, ArmState.DISCONNECTED)
_INSTRUCTION = "reach the red cube"
_TRIES = 8
_LOOK_EVERY = 0.5  # s
_NEAR = 0.4  # rad from the home position
_WORST = 25  # number of stretches in the result


class Stops(QObject):
    """Records unintended stops of the arm with their messages."""

    def __init__(self, program: Program):
        super().__init__()
        self.sentences: list[str] = []
        self._program, self._went = program, False
        program.connection.pulled.connect(self._look)

    def _look(self) -> None:
        state, status = self._program.connection.arm_state, self._program.connection.status
        if self._went and state in _ENDED:
            self.sentences.append((status.fault if status else "") or f"The arm is {state}.")
        if state in _ENDED or state in _STILL_GOING:
            self._went = state in _STILL_GOING


class Tour:
    """Goes from screen to screen until `seconds` have passed, at least once through all of them."""

    def __init__(self, program: Program, *, looking: bool = False):
        self._program, self._shell = program, program.shell
        self._person = UiDriver(program)
        self._stalls, self._stops = StallMonitor(looking=looking), Stops(program)
        self._sign, self._resized = 1, 0

    def go(self, seconds: float) -> dict[str, Any]:
        """Run the tour and return its figures.

        `stops`, `stall_s` in wall time, `work_s` in CPU time of the GUI thread, `rounds`, and the longest stretches
        with the code that ran in them.
        """
        person = self._person
        self._ready()
        person.wait(1.0)
        self._stalls.begin()
        began, rounds = time.monotonic(), 0
        try:
            while rounds == 0 or time.monotonic() - began < seconds:
                self._round()
                rounds += 1
        finally:
            self._stalls.close()
        longest = sorted(self._stalls.stretches, key=lambda each: (each.work, each.wall), reverse=True)
        return {
            "stops": self._stops.sentences,
            "stall_s": self._stalls.longest,
            "work_s": self._stalls.longest_work,
            "rounds": rounds,
            "long_stretches": len(longest),
            "longest": [vars(each) for each in longest[:_WORST]],
        }

    # --- stations ---

    def _round(self) -> None:
        for name in ("set up", "arm"):
            self._open(name)
            self._use(name)
        for station in (self._calibrate, self._record, self._library, self._rehearse, self._history, self._log):
            with contextlib.suppress(_Interrupted):
                station()

    def _calibrate(self) -> None:
        presenter, screen = self._program.screens.calibrate, self._open("calibrate")
        self._use("calibrate")
        while presenter.step in (CalibrateStep.OVERVIEW, CalibrateStep.PRINT):
            before = presenter.step
            self._doing(f"calibrate {before}")
            self._person.press(screen.page_of[before].main)
            self._until(lambda before=before: presenter.step is not before, "the next step")
            self._person.wait(0.5)
        self._use("calibrate lenses")
        while presenter.step is not CalibrateStep.OVERVIEW:
            self._person.press(screen.back)
            self._person.wait(0.3)

    def _record(self) -> None:
        presenter, screen = self._program.record, self._open("record")
        self._until(lambda: presenter.recorder is not None and not presenter.busy, "the library is open")
        self._use("record")
        self._person.type(screen.task_card.line, _INSTRUCTION, enter=True)
        teach = screen.teach_card
        self._person.press(teach.choice.button(2))
        self._person.type(teach.count.lineEdit(), "1", enter=True)
        self._ready()
        self._doing("record: demonstrating")
        self._until(lambda: self._person.can_press(teach.demonstrate), "a demonstration can begin")
        self._person.press(teach.demonstrate)
        self._until(lambda: presenter.busy, "it begins")
        self._look_again("record: demonstrating")
        self._person.until(lambda: not presenter.busy, "it is recorded")

    def _library(self) -> None:
        screen = self._open("library")
        self._until(lambda: screen.view is not None and not screen.view.presenter.model.busy, "it lists")
        self._use("library")
        view = screen.view
        if view.presenter.model.rowCount():
            view.list.setFocus()
            view.list.choose_row(0)
            self._doing("library: a film")
            self._person.wait(1.5)
            self._use("library: a film")

    def _rehearse(self) -> None:
        presenter, screen = self._program.rehearse, self._open("rehearse")
        self._finish()
        self._until(lambda: presenter.can_ask, "an instruction can be given")
        self._use("rehearse")
        self._ready()
        self._ask()
        self._doing("rehearse: watching")
        self._look_again("rehearse: watching")
        self._until(lambda: presenter.watched, "it was watched")
        for _ in range(_TRIES):
            self._doing("rehearse: approving")
            if presenter.step is Step.WATCH and not presenter.busy:
                self._person.press(screen.decide_page.approve)
            self._until(lambda: not presenter.busy, "it is approved")
            if presenter.step is Step.APPROVED:
                page = screen.approved_page
                self._person.press_until(
                    page.ready, lambda: presenter.can_run or presenter.step is not Step.APPROVED, "ready"
                )
            if presenter.step is Step.APPROVED and presenter.can_run:
                self._person.press(screen.approved_page.run)
                self._until(lambda: presenter.step is not Step.APPROVED or bool(presenter.problem), "it runs")
            if presenter.step in (Step.RUNNING, Step.OUTCOME):
                break
        self._run()

    def _ask(self) -> None:
        presenter, screen = self._program.rehearse, self._shell.screens["rehearse"]
        bar = screen.ask_bar
        self._person.type(bar.instruction, _INSTRUCTION)
        self._person.choose(bar.source, DEMONSTRATOR)
        for _ in range(_TRIES):
            self._doing("rehearse: asking")
            self._person.press(bar.show_me)
            self._until(lambda: not presenter.busy, "a motion is there")
            self._person.wait(0.2)
            if presenter.can_approve:
                return
        raise _Interrupted(presenter.problem)

    def _run(self) -> None:
        presenter = self._program.rehearse
        self._doing("rehearse: running")
        if presenter.step is Step.RUNNING:
            self._look_again("rehearse: running")
        for name in ("history", "library", "log", "rehearse"):
            if presenter.step is Step.RUNNING:
                self._open(name)
                self._person.wait(0.4)
        self._open("rehearse")
        self._finish()

    def _finish(self) -> None:
        """Finish what was begun on the Rehearse screen, so that another motion can be requested."""
        presenter, screen = self._program.rehearse, self._shell.screens["rehearse"]
        while presenter.step is Step.RUNNING:
            if presenter.paused:  # a camera was slow; this may recur beside other load
                self._person.press(screen.presses.run)
            self._person.wait(_LOOK_EVERY)
        if presenter.step is Step.OUTCOME:
            self._doing("rehearse: outcome")
            self._person.until(lambda: not presenter.busy, "the lab has looked")
            self._person.press(screen.outcome_page.success)
            self._person.until(lambda: presenter.step is Step.SAVED and not presenter.busy, "the outcome is stored")
        if presenter.step is Step.SAVED:
            self._person.press(screen.saved_page.next)

    def _history(self) -> None:
        screen = self._open("history")
        self._until(lambda: screen.view is not None and bool(screen.view.presenter.rows), "the history is listed")
        screen.view.list.setFocus()
        screen.view.list.setCurrentRow(0)
        self._doing("history: a film")
        self._person.wait(1.5)
        self._use("history: a film")

    def _log(self) -> None:
        self._open("log")
        self._use("log")

    # --- actions on every screen ---

    def _open(self, name: str) -> Any:
        self._doing(f"opening {name}")
        screen = self._person.open(name)
        self._person.wait(0.3)
        return screen

    def _use(self, name: str) -> None:
        """Jog, switch the theme and resize the window, as simultaneously as a person could."""
        with self._jogging():
            self._doing(f"{name}: jogging")
            self._person.wait(0.7)
            self._look_again(name)

    def _look_again(self, name: str) -> None:
        """Switch the theme twice, so that it is restored, and resize the window."""
        for _ in range(2):
            self._doing(f"{name}: other looks")
            dark = self._program.theme.dark
            while self._program.theme.dark is dark:
                self._person.press(self._shell.appearance)
            self._person.wait(0.5)
        self._resized += 1
        self._doing(f"{name}: other size")
        self._shell.resize(*_SIZES[self._resized % len(_SIZES)])
        self._person.wait(0.4)

    @contextlib.contextmanager
    def _jogging(self) -> Iterator[None]:
        self._go_home()
        self._sign = -self._sign
        direction = Direction(1, self._sign)
        self._program.control.press(direction)
        try:
            yield
        finally:
            self._program.control.release(direction)
            self._person.wait(0.3)

    def _go_home(self) -> None:
        """Move the arm home, high above the bench, where jogging to and fro hits nothing."""
        self._ready()
        status = self._program.connection.status
        if status is not None and np.abs(status.position - xarm7.HOME).max() > _NEAR:
            self._doing("driving home")
            self._program.control.go_home()
            self._person.wait(_LOOK_EVERY)
            self._person.until(lambda: self._program.connection.arm_state is not ArmState.FOLLOWING, "the arm is home")
            self._ready()

    def _ready(self) -> None:
        """Make the arm ready, after an unintended stop too, as a person would."""
        self._doing("making ready")

        def done() -> bool:
            if self._person.arm_ready:
                return True
            if self._program.connection.arm_state is not ArmState.PREPARING:
                self._program.arm.recover()
            return False

        self._person.until(done, "the arm is ready")

    def _doing(self, words: str) -> None:
        self._stalls.during = words

    def _until(self, so, what: str) -> None:
        """Wait like the driver, but a stop of the arm meanwhile ends the station and not the tour."""
        stops = len(self._stops.sentences)
        try:
            self._person.until(so, what, 60.0)
        except KnownError:
            if len(self._stops.sentences) == stops:
                raise
            raise _Interrupted(what) from None


class _Interrupted(Exception):
    """The arm was stopped, so that a station did not reach what it waited for."""
