"""Hand control of the arm (jogging): held buttons and keys, exact steps, gripper, home, hand guiding.

A held direction is a velocity command that is renewed while it is held; the robot process drops it after 0.2 s without
renewal. A step is renewed in the same way and passes the same limiter; the robot process knows its target, so that its
length is exact however busy the window is.
"""

import logging
import math
import time
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from PySide6.QtCore import QObject, Signal

from foundation import xarm7
from foundation.errors import KnownError
from foundation.poses import from_rotation_vector
from gui.runtime.connection import Connection
from gui.runtime.jobs import Jobs
from gui.widgets.deliberate_press import RIPE_AFTER
from robot.control.jog_step import JogStep
from robot.service.client import RobotClient
from robot.service.status import RobotStatus
from robot.state import ArmState

_log = logging.getLogger(__name__)

STEP_SIZES: tuple[tuple[str, float, float], ...] = (  # name, mm, deg; 0: moves while held
    ("While held", 0.0, 0.0),
    ("1 mm · 1°", 1.0, 1.0),
    ("5 mm · 5°", 5.0, 5.0),
    ("20 mm · 15°", 20.0, 15.0),
)
SLOWEST_MM_S, FASTEST_MM_S = 10, 150
_TURN_PER_MM = 0.004  # rad/s of rotation per mm/s of translation: 0.6 rad/s at 150 mm/s
_GIVE_UP = 1.5  # s without coming nearer


class Frame(StrEnum):
    """Reference frame of the directions."""

    BASE = "base"
    TOOL = "tool"


@dataclass(frozen=True)
class Direction:
    """One of twelve directions: `axis` 0..2 translates along x, y, z, 3..5 rotates about them; `sign` is 1 or -1."""

    axis: int
    sign: int

    @property
    def turns(self) -> bool:
        return self.axis >= 3

    @property
    def unit(self) -> np.ndarray:
        """Twist (6,) of 1 m/s or 1 rad/s."""
        twist = np.zeros(6)
        twist[self.axis] = self.sign
        return twist


@dataclass
class _Step:
    """Step in progress; `best` is the smallest distance left (m, or rad of a rotation), reached at `improved`."""

    to: JogStep
    turns: bool
    best: float
    improved: float


class ArmControlPresenter(QObject):
    """Owner of the held inputs; all end with `release_all`, with Stop, and when the arm is no longer ready."""

    changed = Signal()  # the settings of this screen, or what is permitted
    failed = Signal(KnownError)
    note = Signal(str)  # why the motion does not continue, '' when it does

    def __init__(self, connection: Connection, jobs: Jobs, parent: QObject | None = None):
        super().__init__(parent)
        self._connection, self._jobs, self.clock = connection, jobs, connection.clock
        self.frame, self.step_index, self.speed_mm_s = Frame.BASE, 0, 50
        self.gamepad = ""  # name of the device, '' without one
        self._held: dict[Direction, None] = {}
        self._pushed = np.zeros(6)  # shares of full speed, from a gamepad's sticks
        self._sticks_rested = True  # sticks released since the arm could last not be moved: only a new push moves it
        self._able_since = -math.inf  # s by the clock: when jogging became possible
        self._step: _Step | None = None
        self._busy = False
        self._gripper_next: float | None = None  # requested while another command was running
        self._note = ""
        self._state = ArmState.DISCONNECTED
        self._was_moving = False
        connection.pulled.connect(self._pulled)
        connection.stop_pressed.connect(self.release_all)

    # --- state ---

    @property
    def state(self) -> ArmState:
        return self._state

    @property
    def can_jog(self) -> bool:
        return self._state in (ArmState.HOLDING, ArmState.JOGGING) or (
            self._state is ArmState.PREPARING and self.moving
        )

    @property
    def can_press(self) -> bool:
        """Whether home and hand guiding may be started."""
        return self._state is ArmState.HOLDING and not self._busy

    @property
    def can_grip(self) -> bool:
        """Whether the gripper may be moved; also during hand guiding, which cannot pick up an object without it."""
        return (self.can_jog or self.guiding) and self._connection.session.settings.arm.gripper

    @property
    def guiding(self) -> bool:
        return self._state is ArmState.HAND_GUIDING

    @property
    def held(self) -> tuple[Direction, ...]:
        return tuple(self._held)

    @property
    def moving(self) -> bool:
        return bool(self._held) or self._step is not None or bool(self._pushed.any())

    # --- settings ---

    def choose_frame(self, frame: Frame) -> None:
        self.release_all()
        self.frame = frame
        self.changed.emit()

    def choose_step(self, index: int) -> None:
        self.release_all()
        self.step_index = index
        self.changed.emit()

    def choose_speed(self, speed_mm_s: int) -> None:
        self.speed_mm_s = min(max(speed_mm_s, SLOWEST_MM_S), FASTEST_MM_S)
        self.changed.emit()

    # --- actions ---

    def press(self, direction: Direction) -> None:
        """Handle a button or key press: start moving, or take one step."""
        status = self._connection.status
        if not self.can_jog or status is None:
            return
        self._say("")
        _, step_mm, step_deg = STEP_SIZES[self.step_index]
        if step_mm == 0.0:
            self._held[direction] = None
        elif self._step is None:
            self._step = self._begin_step(direction, step_deg if direction.turns else step_mm, status)
        self._renew()

    def release(self, direction: Direction) -> None:
        """Handle a button or key release: a held direction ends, a step continues to its target."""
        if direction in self._held:
            del self._held[direction]
            self._renew()

    def push(self, shares: np.ndarray) -> None:
        """Set the stick deflection: shares (6,) of full speed in [-1, 1], zeros when released."""
        if not np.any(shares):
            self._sticks_rested = True
        able = self.can_jog and self._step is None and (self.pad_counts or self._pushed.any())
        counts, before = able and self._sticks_rested, self._pushed.any()
        if not counts and np.any(shares):
            self._sticks_rested = False
        self._pushed = np.array(shares, float) if counts else np.zeros(6)  # releasing always counts
        if counts and (before or self._pushed.any()):
            self._renew()

    @property
    def pad_counts(self) -> bool:
        """Whether jogging has been possible long enough that a gamepad's input was decided on since."""
        return self.clock.now() - self._able_since >= RIPE_AFTER

    def push_gripper(self, openness: float) -> None:
        """Handle a press of a gamepad's gripper button."""
        if self.pad_counts:
            self.gripper(openness)

    def show_gamepad(self, name: str) -> None:
        self.gamepad = name
        self.changed.emit()

    def release_all(self) -> None:
        """Release all inputs; a step ends where it is."""
        self._gripper_next = None
        self._sticks_rested = self._sticks_rested and not self._pushed.any()
        if self.moving:
            self._forget()
            self._renew()

    def _forget(self) -> None:
        self._held, self._step, self._pushed = {}, None, np.zeros(6)

    def gripper(self, openness: float) -> None:
        """Move the gripper: 0 is closed, 1 is open. During another command, only the last request is kept."""
        if self.can_grip and self._busy:
            self._gripper_next = openness
        elif self.can_grip:
            self._command(lambda robot: robot.move_gripper(openness), f"gripper to {100 * openness:.0f} %")

    def go_home(self) -> None:
        self.release_all()
        self._command(lambda robot: robot.home(), "home")

    def toggle_guiding(self) -> None:
        self.release_all()
        self._command(RobotClient.release if self.guiding else RobotClient.hand_guide, "hand guiding")

    # --- the motion ---

    def _pulled(self) -> None:
        state = self._connection.arm_state
        if state is not self._state:
            could, self._state = self.can_jog, state
            if self.can_jog and not could:
                self._able_since = self.clock.now()
            if not self.can_jog and self.moving:
                self._forget()
            self.changed.emit()
        self._log_moving()
        if self.moving:
            self._renew()

    def _log_moving(self) -> None:
        if self.moving is not self._was_moving:
            self._was_moving = self.moving
            _log.info("hand control %s", "begins" if self.moving else "ends")

    def _renew(self) -> None:
        self._log_moving()
        robot, status = self._connection.robot, self._connection.status
        if robot is None or status is None:
            return
        if self._step is not None and self._ended(self._step, status):
            self._step = None
        try:
            if self._step is not None:
                robot.jog_to(self._step.to)
            else:
                robot.jog(self._twist(), tool_frame=self.frame is Frame.TOOL)
        except KnownError as error:
            self._forget()
            self.failed.emit(error)
        self._say(f"It goes no further this way: {status.limited}." if status.limited and self.moving else "")

    def _twist(self) -> np.ndarray:
        """Return the velocity (6,) of all held and pushed inputs; zeros without any."""
        twist = np.clip(sum((direction.unit for direction in self._held), self._pushed), -1.0, 1.0)
        twist[:3] *= self.speed_mm_s / 1000.0
        twist[3:] *= self.speed_mm_s * _TURN_PER_MM
        return twist

    def _begin_step(self, direction: Direction, size: float, status: RobotStatus) -> _Step:
        start = xarm7.forward(status.position)
        unit = direction.unit
        if self.frame is Frame.TOOL:
            unit = np.concatenate([start[:3, :3] @ unit[:3], start[:3, :3] @ unit[3:]])
        target = start.copy()
        target[:3, 3] += 0.0 if direction.turns else size / 1000.0 * unit[:3]
        if direction.turns:
            target[:3, :3] = from_rotation_vector(np.deg2rad(size) * unit[3:]) @ start[:3, :3]
        step = JogStep(target, self.speed_mm_s / 1000.0, self.speed_mm_s * _TURN_PER_MM)
        return _Step(step, direction.turns, np.inf, time.monotonic())

    @staticmethod
    def _ended(step: _Step, status: RobotStatus) -> bool:
        """Return whether the step has reached its target, or stopped approaching it."""
        way, turn = step.to.left(status.position)
        left, now = float(np.linalg.norm(turn if step.turns else way)), time.monotonic()
        if left < 0.97 * step.best:
            step.best, step.improved = left, now
        return step.to.reached(status.position) or now - step.improved > _GIVE_UP

    def _command(self, act, name: str) -> None:
        robot = self._connection.robot
        if robot is None or self._busy:
            return
        _log.info("press: %s", name)
        self._busy = True
        self._jobs.run(lambda token, report: act(robot), name=name).on(failed=self.failed.emit, ended=self._commanded)
        self.changed.emit()

    def _commanded(self) -> None:
        self._busy = False
        self.changed.emit()
        openness, self._gripper_next = self._gripper_next, None
        if openness is not None:
            self.gripper(openness)

    def _say(self, sentence: str) -> None:
        if sentence != self._note:
            self._note = sentence
            self.note.emit(sentence)
