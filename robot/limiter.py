"""Limiter, the last stage before the wire: whatever the targets, its output stays within the limits.

Safe by induction. With every step the limiter holds a braking motion, sample by sample, that keeps all limits until the
arm stands. A step towards the target is taken only if a complete braking motion from there keeps them too; otherwise
the arm takes the next sample of the braking motion it already has. So a safe continuation exists whatever the targets
are. Both motions come from ruckig (Berscheid and Kroeger 2021: time-optimal, jerk-bounded).
"""

from dataclasses import dataclass, field

import numpy as np
import ruckig

from foundation import xarm7
from robot.workspace import FACES, TCP, Workspace, arm_points

PERIOD = 0.01  # s: 100 Hz, as the manufacturer advises for servo mode
_SLACK = 1e-9  # rad, m: rounding, far below measurement resolution
# No setting may exceed these: the arm's own limits, and the manufacturer's longest step in servo mode.
_MOST = (
    ("tcp_speed", xarm7.MAX_TCP_SPEED, "m/s"),
    ("tcp_step", 0.010, "m"),
    ("joint_speed", xarm7.MAX_JOINT_SPEED, "rad/s"),
    ("joint_acceleration", xarm7.MAX_JOINT_ACCELERATION, "rad/s2"),
    ("joint_jerk", xarm7.MAX_JOINT_JERK, "rad/s3"),
)
_INTERCEPTS = np.array([2, 4, 7, 12, 20, 35]) * PERIOD


@dataclass(frozen=True)
class LimiterSettings:
    """Limits of the arm's motion. Speeds follow ISO 10218-1's reduced speed near people; SI units.

    Acceleration and jerk are well below the controller's own (20 rad/s2, 500 rad/s3): from full joint speed the arm
    stops within 0.3 s.
    """

    tcp_speed: float = 0.250  # m/s
    tcp_step: float = 0.010  # m per step
    joint_speed: float = float(np.deg2rad(60))  # rad/s
    joint_acceleration: float = 5.0  # rad/s2
    joint_jerk: float = 100.0  # rad/s3
    joint_margin: float = 0.01  # rad kept free at the end of each joint's range
    workspace: Workspace = field(default_factory=Workspace)

    def __post_init__(self):
        numbers = (self.tcp_speed, self.tcp_step, self.joint_speed, self.joint_acceleration, self.joint_jerk)
        if not all(np.isfinite(value) and value > 0 for value in numbers) or not 0 <= self.joint_margin < 0.1:
            raise ValueError(f"limits must be finite and positive: {self}")
        for name, most, unit in _MOST:
            if getattr(self, name) > most * (1 + _SLACK):
                raise ValueError(
                    f"limits must not exceed the arm's own: {name} {most:g} {unit}, not {getattr(self, name):g}"
                )

    @property
    def lower(self) -> np.ndarray:
        return xarm7.LOWER + self.joint_margin

    @property
    def upper(self) -> np.ndarray:
        return xarm7.UPPER - self.joint_margin


@dataclass(frozen=True, eq=False, slots=True)
class JointState:
    """State of a motion at one time, each (7,): rad, rad/s, rad/s2."""

    position: np.ndarray
    velocity: np.ndarray
    acceleration: np.ndarray

    @property
    def standing(self) -> bool:
        return not (self.velocity.any() or self.acceleration.any())

    @property
    def finite(self) -> bool:
        return all(
            part.shape == (xarm7.JOINTS,) and bool(np.isfinite(part).all())
            for part in (self.position, self.velocity, self.acceleration)
        )


def standing_at(position: np.ndarray) -> JointState:
    """Return the state of an arm at rest at `position` (7,) rad."""
    nothing = np.zeros(xarm7.JOINTS)
    return JointState(np.array(position, float), nothing, nothing)


@dataclass(frozen=True, eq=False, slots=True)
class Step:
    """Next state to send, and the reason why it does not lead to the target ('' if it does)."""

    state: JointState
    reason: str = ""


class Limiter:
    """Limiter that turns any stream of wanted joint states into one the arm may follow, called once per PERIOD.

    `seed` (7,) rad are the measured joints of an arm at rest: the first target is the present pose. A start outside the
    workspace or a joint's range is allowed; from there every motion that does not lead further out is.
    """

    def __init__(self, seed: np.ndarray, settings: LimiterSettings = LimiterSettings()):
        self.settings = settings
        self._motion = _motion(settings, ruckig.ControlInterface.Position)
        self._braking = _motion(settings, ruckig.ControlInterface.Velocity)
        self._ruckig = ruckig.Ruckig(xarm7.JOINTS)
        self._trajectory = ruckig.Trajectory(xarm7.JOINTS)
        self._scale = 1.0
        self.seed(seed)

    def seed(self, position: np.ndarray) -> None:
        """Restart from the measured joints (7,) rad of an arm at rest; ValueError if not seven finite numbers."""
        state = standing_at(position)
        if not state.finite:
            raise ValueError(f"the arm reports joints that are not seven numbers: {position}")
        self.state = state
        self._brake: list[JointState] = []
        self._scale = 1.0
        # Permitted excess beyond each face and joint range: the present one, which may only shrink.
        self._outside_box = np.maximum(self._box(arm_points(state.position)), 0.0)
        self._outside_range = np.maximum(self._range(state.position[None]), 0.0)

    @property
    def outside(self) -> str:
        """Message for the operator if the arm is outside its workspace or joint ranges, '' if inside."""
        faces = [name for name, depth in zip(FACES, self._outside_box, strict=True) if depth > 1e-4]
        joints = [f"J{i + 1}" for i in range(xarm7.JOINTS) if self._outside_range[:, i].any()]
        if faces:
            return f"The arm is outside its workspace ({', '.join(faces)}). It can only be moved back in."
        if joints:
            return f"{', '.join(joints)} is at the end of its range. The arm can only be moved away from there."
        return ""

    def toward(self, wanted: JointState) -> Step:
        """Return the next sample towards `wanted`, a state that may move, due after this step."""
        refusal = self._refusal(wanted)
        if refusal:
            return self.brake(refusal)
        wanted = self._clipped(wanted)
        if self._takes(exact_step(self.state, wanted, self.settings)):
            return Step(self.state)
        reason = ""
        for _ in range(3):
            candidate = self._approach(wanted)
            if candidate is not None:
                reason = self._try(candidate)
                if not reason:
                    self._scale = min(1.0, 1.01 * self._scale)
                    return Step(self.state)
            self._scale = max(0.05, 0.8 * self._scale)
        return self.brake(reason or "no way there was found")

    def brake(self, reason: str = "stopping") -> Step:
        """Return the next sample of the braking motion; at its end the arm is at rest."""
        if self._brake:
            self.state = self._brake.pop(0)
        elif not self.state.standing:
            self.state = standing_at(self.state.position)
        return Step(self.state, reason)

    def _takes(self, candidate: JointState | None) -> bool:
        return candidate is not None and not self._try(candidate)

    def _refusal(self, wanted: JointState) -> str:
        if not wanted.finite:
            return "the target is not seven finite numbers"
        violation = self._box(arm_points(np.clip(wanted.position, self.settings.lower, self.settings.upper)))
        deepest = int(np.argmax(violation - self._outside_box))
        if violation[deepest] > self._outside_box[deepest] + 1e-4:
            return f"the target lies outside the workspace: {FACES[deepest]}"
        return ""

    def _clipped(self, wanted: JointState) -> JointState:
        position = np.clip(wanted.position, self.settings.lower, self.settings.upper)
        free = position == wanted.position
        speed, acceleration = self.settings.joint_speed, self.settings.joint_acceleration
        return JointState(
            position,
            np.clip(np.where(free, wanted.velocity, 0.0), -speed, speed),
            np.clip(np.where(free, wanted.acceleration, 0.0), -acceleration, acceleration),
        )

    def _approach(self, wanted: JointState) -> JointState | None:
        """Return the state one step along the time-optimal path to `wanted`, intercepting it if it moves."""
        motion = self._motion
        motion.current_position = self.state.position.tolist()
        motion.current_velocity = self.state.velocity.tolist()
        motion.current_acceleration = self.state.acceleration.tolist()
        motion.max_velocity = [self._scale * self.settings.joint_speed] * xarm7.JOINTS
        if wanted.velocity.any():
            for later in _INTERCEPTS:
                if self._plan(wanted.position + (later - PERIOD) * wanted.velocity, wanted.velocity, later):
                    return self._after(PERIOD)
        found = self._plan(wanted.position, np.zeros(xarm7.JOINTS), None)
        return self._after(PERIOD) if found else None

    def _plan(self, position: np.ndarray, velocity: np.ndarray, arrival: float | None) -> bool:
        motion = self._motion
        fastest = self._scale * self.settings.joint_speed
        motion.target_position = position.tolist()
        motion.target_velocity = np.clip(velocity, -fastest, fastest).tolist()
        motion.minimum_duration = arrival
        try:
            result = self._ruckig.calculate(motion, self._trajectory)
        except ruckig.RuckigError:
            return False
        return result >= 0 and (arrival is None or self._trajectory.duration <= arrival + 1e-6)

    def _after(self, moment: float) -> JointState:
        return JointState(*(np.array(part) for part in self._trajectory.at_time(moment)))

    def _try(self, candidate: JointState) -> str:
        """Accept the candidate and its braking motion if both keep every limit; else return the violated limit."""
        if not candidate.finite:
            return "no way there was found"
        brake = self.braking_from(candidate)
        if brake is None:
            return "no way to stop from there was found"
        samples = np.array([self.state.position, candidate.position, *(state.position for state in brake)])
        points = arm_points(samples)
        box, limits = self._box(points[1:]), self._range(samples[1:])
        reason = self._broken_limit(samples, points, box, limits)
        if not reason:
            self.state, self._brake = candidate, brake
            self._outside_box = np.clip(box.max(axis=0), 0.0, self._outside_box)
            self._outside_range = np.clip(limits, 0.0, self._outside_range)
        return reason

    def _broken_limit(self, samples: np.ndarray, points: np.ndarray, box: np.ndarray, limits: np.ndarray) -> str:
        settings = self.settings
        step = np.linalg.norm(np.diff(points[:, TCP], axis=0), axis=-1).max()
        if step > min(settings.tcp_speed * PERIOD, settings.tcp_step) * (1 + _SLACK):
            return "the tool would be too fast"
        if np.abs(np.diff(samples, axis=0)).max() > settings.joint_speed * PERIOD * (1 + 1e-7):
            return "a joint would be too fast"
        excess = (limits - self._outside_range).max(axis=0)
        if excess.max() > _SLACK:
            return f"J{int(np.argmax(excess)) + 1} would come to the end of its range"
        excess = box.max(axis=0) - self._outside_box
        if excess.max() > _SLACK:
            return f"the arm would leave its workspace: {FACES[int(np.argmax(excess))]}"
        return ""

    def braking_from(self, state: JointState) -> list[JointState] | None:
        """Return the braking motion from any state to rest, every PERIOD; None if there is none."""
        braking, trajectory = self._braking, self._trajectory
        braking.current_position = state.position.tolist()
        braking.current_velocity = state.velocity.tolist()
        braking.current_acceleration = state.acceleration.tolist()
        try:
            if self._ruckig.calculate(braking, trajectory) < 0:
                return None
        except ruckig.RuckigError:
            return None
        steps = int(np.ceil(trajectory.duration / PERIOD - 1e-9))
        samples = [self._after(PERIOD * (i + 1)) for i in range(steps)]
        if samples:
            samples[-1] = standing_at(samples[-1].position)
        return samples

    def _box(self, points: np.ndarray) -> np.ndarray:
        return self.settings.workspace.violation(points)

    def _range(self, samples: np.ndarray) -> np.ndarray:
        """Return how far the samples (n, 7) reach below and above the joint ranges, (2, 7) rad."""
        return np.stack([self.settings.lower - samples.min(axis=0), samples.max(axis=0) - self.settings.upper])


def exact_step(state: JointState, wanted: JointState, settings: LimiterSettings) -> JointState | None:
    """Return `wanted` if three pieces of bounded constant jerk lead there in exactly one PERIOD; else None.

    A planned motion is tracked this way without delay or ripple; ruckig's time-optimal path would ripple around it.
    """
    known = np.stack(
        [
            wanted.position - state.position - PERIOD * state.velocity - 0.5 * PERIOD**2 * state.acceleration,
            wanted.velocity - state.velocity - PERIOD * state.acceleration,
            wanted.acceleration - state.acceleration,
        ]
    )
    jerks = _JERKS_FROM_CHANGE @ known
    if np.abs(jerks).max() > settings.joint_jerk:
        return None
    within = state.acceleration + np.cumsum(jerks, axis=0) * (PERIOD / 3)
    if np.abs(within).max() > settings.joint_acceleration or np.abs(wanted.velocity).max() > settings.joint_speed:
        return None
    return wanted


def _jerks_from_change() -> np.ndarray:
    """Return the (3, 3) map from changes of position, velocity, acceleration over PERIOD to three constant jerks."""
    h = PERIOD / 3
    change = np.empty((3, 3))
    for piece in range(3):
        rest = h * (2 - piece)
        change[:, piece] = (h**3 / 6 + h**2 / 2 * rest + h * rest**2 / 2, h**2 / 2 + h * rest, h)
    return np.linalg.inv(change)


_JERKS_FROM_CHANGE = _jerks_from_change()


def _motion(settings: LimiterSettings, interface: ruckig.ControlInterface) -> ruckig.InputParameter:
    motion = ruckig.InputParameter(xarm7.JOINTS)
    motion.control_interface = interface
    motion.max_velocity = [settings.joint_speed] * xarm7.JOINTS
    motion.max_acceleration = [settings.joint_acceleration] * xarm7.JOINTS
    motion.max_jerk = [settings.joint_jerk] * xarm7.JOINTS
    return motion
