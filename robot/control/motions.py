"""Motions of the loop, tick by tick: from the measurements to the next command. Nothing here sends."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from foundation import xarm7
from foundation.arm import ArmStatus, JointReading, Mode
from foundation.deadlines import PRODUCTION
from robot.control.follower import Follower
from robot.control.jog import JogLimiter
from robot.limiter import PERIOD, Limiter
from robot.state import Activity

STANDING = 0.01  # rad/s of the fastest joint: above the measurement noise
_SETTLED = 0.05  # rad/s below which a mode change of the arm counts as settled
_GIVE_UP = 1.0  # s at rest in front of a target that the limiter refuses
_REST_WITHIN = 3.0  # s after which a braking arm that still vibrates is stopped all the same
_LAG = 25  # ticks by which the arm may lag behind its commands
_BESIDE = 0.02  # rad outside the range of all commands within _LAG: more than gravity and friction cause
_STRAYS = np.array([0.04] * 3 + [0.3] * 3)  # m/s, rad/s outside the range of all commands within _LAG
_STRAYS_FOR = 4  # ticks

Wanted = Callable[[np.ndarray], np.ndarray]
"""From the measured joints (7,) rad to the tool's velocity (6,) m/s, rad/s in base."""


@dataclass(frozen=True, eq=False, slots=True)
class Outcome:
    """Result of one tick.

    A joint target (7,) or a tool velocity (6,) to send, the gripper's new openness, what is shown in the facts, and the
    next activity when this one is over, with a message if it failed.
    """

    position: np.ndarray | None = None
    twist: np.ndarray | None = None
    openness: float | None = None
    progress: float = 0.0
    limited: str = ""
    then: Activity | None = None
    fault: str = ""
    stop: bool = False  # the controller is to be stopped now: the arm is at rest


@dataclass(frozen=True, slots=True)
class Preparing:
    """Mode change in progress; `next` begins once the controller confirms it, between `settled` and `deadline` (s)."""

    mode: Mode
    next: Activity
    settled: float
    deadline: float

    def step(self, reading: JointReading, status: ArmStatus, now: float) -> Outcome:
        standing = np.abs(reading.velocity).max() < _SETTLED
        if now >= self.settled and status.can_move and status.mode == self.mode and standing:
            return Outcome(then=self.next)
        if now > self.deadline:
            return Outcome(
                then=Activity.NOTHING,
                fault=f"The controller did not get ready (mode {status.mode}, state {status.state}). Press it again.",
            )
        return Outcome()


class Following:
    """Motion along a trajectory, through the follower and the limiter."""

    def __init__(self, follower: Follower, limiter: Limiter):
        self.follower, self.limiter = follower, limiter
        self._behind, self._stuck = 0.0, 0.0
        self._commanded = deque([limiter.state.position], maxlen=_LAG)
        self._strange, self._compared = 0, -np.inf

    @property
    def resting(self) -> bool:
        """Whether a pause has brought the motion to rest on its path."""
        return self.follower.paused and self.follower.standing and not self.follower.finished

    @property
    def strays(self) -> bool:
        """Whether the arm is off its commanded path, in two successive measurements."""
        return self._strange > 1

    def compare(self, reading: JointReading) -> None:
        """Compare the measured joints with the range of the targets within the permitted lag."""
        if reading.read > self._compared:
            told, self._compared = np.array(self._commanded), reading.read
            beside = np.maximum(told.min(axis=0) - reading.position, reading.position - told.max(axis=0))
            self._strange = self._strange + 1 if beside.max() > _BESIDE else 0

    def step(self) -> Outcome:
        before = self.limiter.state.position
        wanted = self.follower.step(self._behind)
        # At rest the arm must not move, not even to the start of the motion.
        step = self.limiter.brake("") if self.resting else self.limiter.toward(wanted.state)
        self._behind = float(np.abs(wanted.state.position - step.state.position).max())
        then, fault = None, ""
        if self.follower.finished and step.state.standing and self._behind < 1e-4:
            then = Activity.HOLDING
        self._stuck = self._stuck + PERIOD if step.reason and step.state.standing else 0.0
        if self._stuck > _GIVE_UP:
            then, fault = Activity.HOLDING, f"The motion was given up: {step.reason}. Plan another way."
        # Repeated targets corrupt the controller's acceleration estimate, and it reports a false collision (C31).
        moved = not np.array_equal(step.state.position, before)
        self._commanded.append(step.state.position)
        return Outcome(
            position=step.state.position if moved else None,
            openness=wanted.openness,
            progress=self.follower.progress,
            limited="" if then else step.reason,
            then=then,
            fault=fault,
        )


class Jogging:
    """Motion with a tool velocity that must be renewed, through its limiter."""

    def __init__(self, limiter: JogLimiter, hold: float = PRODUCTION.jog):
        self.limiter, self._hold = limiter, hold
        self._wanted: Wanted = lambda q: np.zeros(6)
        self._given = -np.inf
        self._commanded: deque[np.ndarray] = deque(maxlen=_LAG)
        self._strange = 0

    @property
    def strays(self) -> bool:
        """Whether the tool's velocity differs from the commanded one for longer than measurement errors last."""
        return self._strange >= _STRAYS_FOR

    def give(self, wanted: Wanted, now: float) -> None:
        self._wanted, self._given = wanted, now

    def step(self, reading: JointReading, now: float) -> Outcome:
        held = now - self._given <= self._hold
        wanted = self._wanted(reading.position) if held else np.zeros(6)
        twist, reason = self.limiter.toward(wanted, reading.position)
        self._compare(reading, twist)
        released = not held and self.limiter.standing
        return Outcome(twist=twist, limited=reason, then=Activity.HOLDING if released else None)

    def begin(self, limiter: JogLimiter) -> None:
        """Begin jogging with an arm at rest."""
        self.limiter = limiter
        self._commanded.clear()
        self._strange = 0

    def _compare(self, reading: JointReading, twist: np.ndarray) -> None:
        self._commanded.append(twist)
        beginning = len(self._commanded) < _LAG
        told = np.array([*self._commanded, np.zeros(6)] if beginning else self._commanded)
        measured = xarm7.jacobian(reading.position) @ reading.velocity
        beside = np.maximum(told.min(axis=0) - measured, measured - told.max(axis=0))
        self._strange = self._strange + 1 if (beside > _STRAYS).any() else 0


def along(twist: np.ndarray, *, tool_frame: bool) -> Wanted:
    """Return a constant velocity (6,) m/s, rad/s, in base or along the tool's axes as they turn."""

    def wanted(q: np.ndarray) -> np.ndarray:
        if not tool_frame:
            return twist
        turn = xarm7.forward(q)[:3, :3]
        return np.concatenate([turn @ twist[:3], turn @ twist[3:]])

    return wanted


class Braking:
    """Braking to rest within the limits of the motion in progress, followed by the controller's stop."""

    def __init__(self, under_way: Following | Jogging, now: float):
        self._limiter = under_way.limiter
        self._deadline = now + _REST_WITHIN

    def step(self, reading: JointReading, now: float) -> Outcome:
        if isinstance(self._limiter, JogLimiter):
            if not self._limiter.standing:
                return Outcome(twist=self._limiter.brake()[0])
        elif not self._limiter.state.standing:
            return Outcome(position=self._limiter.brake().state.position)
        standing = np.abs(reading.velocity).max() < STANDING
        if standing or now > self._deadline:
            return Outcome(then=Activity.NOTHING, stop=True)
        return Outcome()
