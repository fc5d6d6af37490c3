"""Real-time thread of the robot loop: 100 ticks a second, commands in between, samples buffered for the window."""

import gc
import logging
import math
import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from foundation.arm import JointReading
from foundation.clocks import Clock, suspended
from foundation.errors import KnownError
from foundation.log import SHOWN
from robot.control.change_log import ChangeLog
from robot.control.loop import RobotLoop
from robot.limiter import PERIOD
from robot.state import Activity, Facts

_log = logging.getLogger(__name__)

_KEPT_SAMPLES = 1000  # 10 s, in case the window does not take them
_COLLECT_EVERY = 1000  # ticks, and only while the program does not move the arm
_ASLEEP = 1.0  # s of tolerance between the clocks, which are never read simultaneously


@dataclass(frozen=True, slots=True)
class Command:
    """Command for the loop's thread: `act` to execute, `answer` to call with '' or the error, and the result.

    The result is plain data. `stops` is the number of presses of Stop known when it was given, at `given` s of the
    loop's clock.
    """

    act: Callable[[RobotLoop], Any]
    answer: Callable[[str, Any], None]
    stops: int
    given: float = math.inf


@dataclass(frozen=True, eq=False, slots=True)
class Sample:
    """One measurement of the arm.

    `joints` and `commanded` (7,) are in rad, or None; so are `openness` and the commanded one. `moment` is in s of the
    motion's own time, None if no trajectory was followed. `codes` are the controller's mode, state, error and warning,
    -1 before its first report.
    """

    joints: JointReading
    commanded: np.ndarray | None
    openness: float | None
    commanded_openness: float | None
    moment: float | None
    codes: tuple[int, int, int, int]


@dataclass(frozen=True, eq=False, slots=True)
class Snapshot:
    """State of the loop at the end of a tick. Within a tick, facts pass through transient states."""

    facts: Facts
    staged: str  # digest of the plan that waits for its nonce, or ''
    done: int  # commands executed or refused so far


class LoopThread:
    """Owner of the loop and its thread. Every method except `close` returns at once; any thread may call it."""

    def __init__(self, loop: RobotLoop, clock: Clock, suspended: Callable[[], float] = suspended):
        self._loop, self._clock = loop, clock
        self._suspended, self._suspended_before = suspended, suspended()
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._samples: deque[Sample] = deque(maxlen=_KEPT_SAMPLES)
        self._stops, self._lock = 0, threading.Lock()
        self._beat = -math.inf  # when the newest heartbeat was sent, s of the loop's clock
        self._hand: tuple[int, float, float] | None = None
        self._awake = clock.now()  # when this thread was last known to run
        self._held_up_until = -math.inf  # commands given before are void
        self._halt: str | None = None
        self.halted = False  # whether `halt` has been executed
        self._ended = threading.Event()
        self.done = 0  # commands executed or refused
        self._snapshot = Snapshot(loop.facts, loop.staged, 0)
        self._changes = ChangeLog()
        self.wrong_messages = 0  # messages that the loop cannot execute
        self.late_ticks = 0  # ticks that began more than a period late
        self.bug = ""
        self._thread = threading.Thread(target=self._run, name="robot-loop", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def snapshot(self) -> Snapshot:
        """State at the end of the newest tick."""
        return self._snapshot

    @property
    def stops(self) -> int:
        """Number of presses of Stop."""
        return self._stops

    def note_stop(self, presses: int) -> None:
        """Register the `presses`th press of Stop: commands given before are refused, motions end."""
        with self._lock:
            self._stops = max(self._stops, presses)
            self._loop.note_stop()

    def heartbeat(self, sent: float = math.inf) -> None:
        """Register a heartbeat of the window, sent at `sent` s."""
        self._beat = max(self._beat, min(sent, self._clock.now()))

    def hold(self, press: int, began: float = math.inf, sent: float = math.inf) -> None:
        """Register that the button is held, for the `press`th time, since `began`."""
        self._hand = (press, began, min(sent, self._clock.now()))

    def give(self, command: Command) -> None:
        self._commands.put(command)

    def halt(self, sentence: str) -> None:
        """Come to rest and stop: the window is gone."""
        self._halt = sentence

    def take_samples(self) -> list[Sample]:
        """Return the measurements since the last call, oldest first."""
        return [self._samples.popleft() for _ in range(len(self._samples))]

    def close(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        gc.collect()
        gc.freeze()
        gc.disable()  # a garbage collection would disturb a motion
        try:
            next_tick = self._clock.now()
            ticks = 0
            while not self._ended.is_set():
                self._turn()
                ticks += 1
                if ticks % _COLLECT_EVERY == 0 and self._loop.resting:
                    gc.collect(1)
                next_tick += PERIOD
                if self._clock.now() > next_tick + PERIOD:
                    self.late_ticks += 1
                    next_tick = self._clock.now()  # never send two targets at once to catch up
                self._clock.sleep_until(next_tick)
        except BaseException as bug:
            self.bug = f"{type(bug).__name__}: {bug}"
            raise
        finally:
            gc.unfreeze()
            gc.enable()

    def _turn(self) -> None:
        self._notice_gap()
        self._loop.heartbeat(self._beat)
        hand, self._hand = self._hand, None
        if hand is not None and hand[2] >= self._held_up_until:
            self._loop.hold(*hand)
        if self._halt is not None:
            self._loop.halt(self._halt)
            self._halt, self.halted = None, True
        self._do_commands()
        self._loop.heartbeat(self._beat)  # heartbeats that arrived while a command was executed
        if self._loop.resting or self._loop.facts.activity is Activity.PREPARING:
            self._awake = self._clock.now()  # the controller may take its time over a command
        before, commanded, moment = self._loop.facts.joints, self._loop.commanded, self._loop.moment
        self._loop.tick()
        facts = self._loop.facts
        if facts.joints is not None and facts.joints is not before:
            # The target sent before this measurement: the newest one goes out after it.
            gripper = facts.openness, facts.commanded_openness
            self._samples.append(Sample(facts.joints, commanded, *gripper, moment, _codes(facts)))
        self._snapshot = Snapshot(facts, self._loop.staged, self.done)
        self._changes.note(facts, self._snapshot.staged)

    def _notice_gap(self) -> None:
        """Detect that this thread stalled for longer than the watchdog timeout, or that the computer was asleep.

        Then no earlier state is valid: a motion would continue at its old speed from where the arm no longer is, queued
        presses would be executed against the operator's present intention, and queued heartbeats would count as a
        living window.
        """
        now, suspended = self._clock.now(), self._suspended()
        asleep = suspended - self._suspended_before
        gap = now - self._awake + (asleep if asleep > _ASLEEP else 0.0)
        self._awake, self._suspended_before = now, suspended
        if gap > self._loop.patience or asleep > _ASLEEP:
            self._held_up_until = now
            _log.warning("the loop was held up for %.2f s, asleep %.1f s", gap, asleep, extra=SHOWN)
            self._loop.held_up(gap, asleep=asleep > _ASLEEP)

    def _do_commands(self) -> None:
        for _ in range(self._commands.qsize()):
            command = self._commands.get_nowait()
            error, value = self._done(command)
            self.done += 1
            command.answer(error, value)

    def _done(self, command: Command) -> tuple[str, Any]:
        """Execute a command; return '' or the reason why it was refused, and its result."""
        with self._lock:  # every stop either precedes this press and is over, or follows it and prevails
            if command.stops != self._stops:
                return "Stop was pressed. Press again when the arm may move.", None
            if self.halted:
                return "The window has gone.", None
            if command.given < self._held_up_until:
                return "The computer held this program up. Press again.", None
            if self._clock.now() > command.given + self._loop.settings.deadlines.command:
                return "This press came too late: the computer is too busy. Press again.", None
            self._loop.forget_stop()
        self._loop.heartbeat(command.given)  # a press is also a sign of life
        try:
            return "", command.act(self._loop)
        except KnownError as error:
            return str(error), None


def _codes(facts: Facts) -> tuple[int, int, int, int]:
    status = facts.status
    return (-1, -1, -1, -1) if status is None else (status.mode, status.state, status.error, status.warning)
