"""Presenter of the Rehearse screen: everything that waits is a job, everything that moves the arm needs a press."""

import contextlib
import logging
import time
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from cameras.health import State
from foundation.errors import KnownError
from gui.live.overlay import LiveOverlay
from gui.rehearse.asking import RehearseAsking
from gui.rehearse.facts import LOOK, RUN
from gui.rehearse.shown_motion import ShownMotion
from gui.rehearse.steps import Step
from gui.runtime.connection import Connection
from gui.runtime.jobs import Jobs
from gui.runtime.open_library import OpenLibrary
from gui.view3d.lab_objects import lab_objects
from robot.service.client import RobotClient
from simulation.errors import SimulationError
from workflows.camera_watchdog import CameraWatchdog
from workflows.rehearsal.rehearsal import FIRST_SPEED

_log = logging.getLogger(__name__)


class HeldMotion:
    """Enabling button of a hold-to-run motion.

    Its state is sent to the robot process at 30 Hz, which monitors it: a window that stalls counts as a release.
    """

    def __init__(self):
        self._held = False
        self._presses = 0  # a motion whose button was released does not continue by itself

    @property
    def held(self) -> bool:
        return self._held

    def take(self, held: bool) -> None:
        """Set whether the button is held."""
        self._presses += held and not self._held
        if held is not self._held:
            _log.info("press: the hand %s the button", "holds" if held else "lets go of")
        self._held = held

    def tell(self, robot: RobotClient | None) -> None:
        """Report to the robot process that the button is held, if it is."""
        if self._held and robot is not None and not robot.lost:
            with contextlib.suppress(KnownError):  # the status reports it
                robot.hold(self._presses)


_LOOK_EVERY = 2.0  # s between checks of the scene while an approval waits
_WORDS_EVERY = 6  # pulls of the connection: texts at 5 Hz, images at 30 Hz
_BEGUN_WITHIN = 5.0  # s: timeout for the robot process to report whether a run starts
_SETTLE = 0.4  # s between the end of a motion and the lab's verdict: released objects come to rest


class RehearsePresenter(RehearseAsking):
    """Sequence of rehearsals: adds approval, runs, further parts and outcome to `RehearseFacts` and `RehearseAsking`.

    Only one job runs at a time. A press during the periodic check of the scene is deferred until that ends.
    """

    hold_chosen = Signal(bool)  # hold-to-run was switched on or off, for the settings

    def __init__(
        self,
        connection: Connection,
        jobs: Jobs,
        parent: QObject | None = None,
        *,
        library: OpenLibrary | None = None,
    ):
        super().__init__(connection, jobs, parent, library)
        self._speed = FIRST_SPEED
        self._hand = HeldMotion()
        self._watching = contextlib.ExitStack()
        self._looked, self._pulls = 0.0, 0
        connection.pulled.connect(self._pulled)
        connection.changed.connect(self._connection_changed)

    def end_run(self, reason: str) -> None:
        """Stop the running motion and store that it ended this way; blocks, so only when the window closes."""
        if self._work.name == RUN:  # stopped already: the robot process refuses to start
            self._work.join(_BEGUN_WITHIN)
        try:
            self.rehearsal.abandon(reason)
        except KnownError as error:
            _log.warning("%s", error)

    def close(self) -> None:
        """End watchdog, rehearsal and model; blocks, so only when the window closes."""
        self._watching.close()
        self.rehearsal.close()
        self.model.close()

    # --- presses without motion ---

    def approve(self, *, further_parts: bool = False) -> None:
        """Stage exactly the motion on display.

        The arm does not move. `further_parts`: include later parts as in `allowance`.
        """
        if not self.can_approve:
            return
        _log.info("press: Approve%s", ", further parts too" if further_parts else "")
        self._looked = time.monotonic()
        rehearsal, allowance = self.rehearsal, self.allowance(further_parts)

        def work(*_: Any) -> None:
            if allowance is not None and self.cover is None:
                self.cover = rehearsal.allow(allowance)
            rehearsal.approve(self.cover)

        job = self._work.begin(work, "approve")
        job.on(done=lambda _: self._run_covered(), failed=lambda _: self._uncover())

    def take_back(self) -> None:
        """Revoke the approval, also that of further parts; the motion stays on display."""
        if self.step is Step.APPROVED:
            _log.info("press: take the approval back")
            self.cover = None
            work = lambda *_: self.rehearsal.revoke("The approval was taken back.")  # noqa: E731
            self._work.when_free(lambda: self._work.begin(work, "take back"))

    def make_ready(self) -> None:
        """Execute the next recovery step; none of them moves the arm."""
        robot, step = self.connection.robot, self.next_recovery
        if robot is not None and step is not None:
            _log.info("press: %s", step)
            self._work.when_free(lambda: self._work.begin(lambda *_: robot.recover(step), "make ready"))

    def choose_hold(self, hold: bool) -> None:
        if self.step is Step.APPROVED and hold != self.hold_to_run:
            self.hold_chosen.emit(hold)
            self.changed.emit()

    def finish(self, success: bool, note: str, keep: bool = False) -> None:
        """Store the outcome once the arm stands still; with `keep` the run becomes a demonstration in the library."""
        if self.can_judge:
            _log.info("press: judge the run, success %s, keep %s", success, keep)
            self._work.begin(lambda *_: self.rehearsal.finish(success, note, keep=keep), "store")

    # --- presses that start or end motion ---

    def run(self, speed: float) -> None:
        """Start the approved motion at this share of its planned speed."""
        if self.can_run and not self.hold_to_run:
            _log.info("press: Run at %.0f %% of the speed", 100 * speed)
            self._speed = speed
            self._work.when_free(lambda: self._start(speed))

    def pause(self) -> None:
        """Pause on the path. Does not wait for any other job."""
        robot = self.connection.robot
        if robot is not None and self.step is Step.RUNNING:
            _log.info("press: Pause")
            self._jobs.run(lambda *_: robot.pause(), name="pause")

    def go_on(self) -> None:
        """Resume after a pause."""
        robot = self.connection.robot
        if robot is not None and self.step is Step.RUNNING and self.paused and not self.held_run:
            _log.info("press: go on")
            self._work.when_free(lambda: self._work.begin(lambda *_: robot.resume(), "go on"))

    def hold(self, held: bool, speed: float = FIRST_SPEED) -> None:
        """Press or release the enabling button of a hold-to-run motion, which the robot process monitors.

        The first press starts the approved motion at this share of its planned speed and counts as held.
        """
        if held and self.step is Step.APPROVED:
            if not (self.can_run and self.hold_to_run):
                return
            self._speed = speed
            self._hand.take(True)
            self._work.when_free(lambda: self._start(speed) if self._hand.held else None)
            return
        self._hand.take(held)
        self._tell_hand()

    def stop(self) -> None:
        self.connection.stop()

    # --- a run ---

    def _start(self, speed: float) -> None:
        robot, rehearsal = self.connection.robot, self.rehearsal
        assert robot is not None and self.shown is not None
        session = self.connection.session
        self._overlay = LiveOverlay(session, self.shown.plan.intended)
        hold, self.held_run = self.hold_to_run, self.hold_to_run
        watch = CameraWatchdog(robot, {session.names[each]: capture for each, capture in session.captures.items()})

        def work(*_: Any) -> None:
            rehearsal.run(speed, hold=hold)
            self._watching.enter_context(watch)

        self._watch, self.things = watch, ()
        self._work.begin(work, RUN)

    def _tell_hand(self) -> None:
        if self.step is Step.RUNNING:
            self._hand.tell(self.connection.robot)

    def _pulled(self) -> None:
        self._pulls += 1
        self._tell_hand()
        if self._work.free:
            self._update()
        self.live_changed.emit()
        if self._pulls % _WORDS_EVERY == 0:
            self.changed.emit()

    def _update(self) -> None:
        """Process the robot process's reports; check the scene periodically."""
        before = self.rehearsal.state
        try:
            self.rehearsal.update()
        except KnownError as error:
            self._work.problem = str(error)
        if self.rehearsal.state is not before:
            self._state_changed()
        elif self._look_is_due:
            self._looked = time.monotonic()
            self._work.begin(lambda *_: self.rehearsal.look(), LOOK)

    @property
    def _look_is_due(self) -> bool:
        """Whether the scene should be compared again with the images shown; with a slow camera, only Run compares."""
        due = self.step is Step.APPROVED and time.monotonic() - self._looked > _LOOK_EVERY
        captures = self.connection.session.captures.values()
        return due and all(capture.state is State.LIVE for capture in captures)

    def _state_changed(self) -> None:
        """React to a change by itself: a motion ended, or an approval became invalid."""
        if self.step is Step.WATCH:
            self.cover = None  # what invalidated this motion also invalidates further parts
        if self.step is Step.OUTCOME:
            lab, proposal = self.connection.session.lab, self.rehearsal.proposal

            def work(token, report) -> None:
                self._watching.close()
                token.wait(_SETTLE)
                self.rehearsal.end_recording()
                self.things = () if lab is None else lab_objects(lab)
                with contextlib.suppress(
                    SimulationError
                ):  # a replay may have an instruction that the lab has no checker for
                    self.verdict = None if lab is None or proposal is None else lab.judge(proposal.instruction)

            self._work.begin(work, "judge").on(done=lambda _: self._go_on())
        self.changed.emit()

    def _connection_changed(self) -> None:
        self._overlay = LiveOverlay(self.connection.session)
        self.changed.emit()

    # --- further parts ---

    def _proposed(self, shown: ShownMotion) -> None:
        super()._proposed(shown)
        if self.cover is not None and shown.plan.executable:
            self._work.afterwards(self.approve)  # the robot process decides whether the approval covers it

    def _run_covered(self) -> None:
        """Run a further part that was approved together with the first, at the same speed."""
        if self.cover is not None and self.parts is not None and self.parts.number > 1:
            self._hand.take(False)  # a button still held was pressed for the previous part
            self._work.afterwards(lambda: self._start(self._speed) if self.can_run else None)

    def _uncover(self) -> None:
        """Drop the approval of further parts: it does not cover this one, which needs an approval of its own."""
        self.cover = None

    def _go_on(self) -> None:
        """Request the next part of the task, once this one is stored."""
        run, parts = self.rehearsal.current_run, self.parts
        if run is not None and run.fault:
            self.cover = None  # the robot process has dropped it too
        done = self.verdict is not None and self.verdict.success
        if parts is None or run is None or run.fault or done or parts.number >= parts.most:
            return
        self.parts = replace(parts, number=parts.number + 1)
        rehearsal, note = self.rehearsal, f"part {parts.number} of {parts.most}"

        def store() -> None:
            work = lambda *_: rehearsal.finish(None, note)  # noqa: E731
            self._work.begin(work, "store").on(done=lambda _: self._work.afterwards(self._next_part))

        self._work.afterwards(store)

    def _next_part(self) -> None:
        instruction, source, file = self._question
        self._propose(instruction, self._source(source, file))
