"""Motions that follow a stream of targets: servo (mode 1), velocities (4, 5), online planning (6, 7)."""

from collections import deque

import numpy as np

from foundation import xarm7
from foundation.poses import from_rotation_vector, rotation_vector
from simulation.controller_kinematics import TICK, ControllerFault, Profile, follow, solve
from simulation.controller_motions import ROTATION_PER_METRE, joint_target
from simulation.controller_settings import Settings

SPEED_TOLERANCE = 1.02
VELOCITY_ACCELERATION = np.deg2rad(500)  # rad/s2 in mode 4, the SDK's default for joint moves
TWIST_ACCELERATION = np.array([2.0, 2.0, 2.0, 10.0, 10.0, 10.0])  # m/s2, the SDK's default for lines, and rad/s2
TWIST_JERK = np.array([50.0, 50.0, 50.0, 250.0, 250.0, 250.0])
ONLINE_JERK = np.array([50.0, 50.0, 50.0, 150.0, 150.0, 150.0])
# A stream's speed is judged over this many cycles, so that targets which arrive a little unevenly are no fault.
SHORTEST_WINDOW, LONGEST_WINDOW = 5, 10
LONGEST_INTERVAL = 5  # cycles between two targets that are still joined by an even motion


class Servo:
    """Mode 1: the newest joint target is gone to at once, without planning; surplus targets are lost.

    Between two targets the arm moves evenly, with at most the joints' speed limit. A stream faster than the joints
    (C24) or the tool (C60) may be is refused.
    """

    def __init__(self, q: np.ndarray, settings: Settings):
        self._settings = settings
        self._pending: np.ndarray | None = None
        self._target = q
        self._left = 0  # cycles until the target is due
        self._history: deque[tuple[int, np.ndarray, np.ndarray]] = deque(maxlen=LONGEST_WINDOW + 1)

    def target(self, q: np.ndarray) -> None:
        self._pending = q

    def target_pose(self, base_from_tool: np.ndarray, q: np.ndarray) -> None:
        """Raises C21 when the pose cannot be reached from joints (7,) `q`."""
        self._pending = solve(base_from_tool, q, self._settings, code=21)

    @property
    def pending(self) -> np.ndarray:
        """Where the arm is going (7,)."""
        return self._target if self._pending is None else self._pending

    @property
    def busy(self) -> bool:
        return self._pending is not None or self._left > 0

    def pause(self) -> None:
        self._pending, self._left = None, 0
        self._history.clear()

    def resume(self, q: np.ndarray) -> None:
        self._target = q

    def step(self, q: np.ndarray, tick: int) -> np.ndarray:
        if self._pending is not None:
            self._accept(self._pending, q, tick)
            self._pending = None
        if self._left == 0:
            return q
        most = self._settings.max_joint_speed * TICK
        change = np.clip((self._target - q) / self._left, -most, most)
        after = q + change
        arrived = np.abs(self._target - after).max() < 1e-12
        self._left = 0 if arrived else max(1, self._left - 1)
        return after

    def _accept(self, target: np.ndarray, q: np.ndarray, tick: int) -> None:
        settings = self._settings
        if not np.all((target >= settings.lower) & (target <= settings.upper)):
            raise ControllerFault(23)
        point = settings.tool_in_base(target)[:3, 3]
        since, reference, reference_point = self._reference(q, tick)
        elapsed = (tick - since) * TICK * SPEED_TOLERANCE
        if np.abs(target - reference).max() > settings.max_joint_speed * elapsed:
            raise ControllerFault(24)
        most = settings.max_tcp_speed * settings.servo_speed_factor
        if np.linalg.norm(point - reference_point) > most * elapsed:
            raise ControllerFault(60)
        interval = tick - self._history[-1][0] if self._history else 1
        self._left = min(max(interval, 1), LONGEST_INTERVAL)
        self._target = target
        self._history.append((tick, target, point))

    def _reference(self, q: np.ndarray, tick: int) -> tuple[int, np.ndarray, np.ndarray]:
        """The target, and when, that the newest one is compared with: 20 to 40 ms ago where there is one."""
        started = bool(self._history)
        while self._history and self._history[0][0] < tick - LONGEST_WINDOW:
            self._history.popleft()
        for entry in reversed(self._history):
            if entry[0] <= tick - SHORTEST_WINDOW:
                return entry
        if self._history:
            return self._history[0]
        window = LONGEST_WINDOW if started else SHORTEST_WINDOW
        return tick - window, q, self._settings.tool_in_base(q)[:3, 3]


class JointVelocity:
    """Mode 4: joint velocities (7,) rad/s, reached with limited acceleration, until they expire."""

    def __init__(self, q: np.ndarray, settings: Settings):
        self._settings = settings
        self.resume(q)

    def command(self, velocity: np.ndarray, together: bool, duration: float, tick: int) -> None:
        """`duration` s after which the arm stops by itself; 0: never."""
        most = self._settings.max_joint_speed
        self._go(np.clip(velocity, -most, most), together)
        self._expires = tick + max(1, round(duration / TICK)) if duration > 0 else None

    def _go(self, velocity: np.ndarray, together: bool = True) -> None:
        n = xarm7.JOINTS
        self._goal = velocity
        self._profile.to_velocity(velocity, [VELOCITY_ACCELERATION] * n, [self._settings.joint_jerk] * n, together)

    @property
    def busy(self) -> bool:
        return bool(self._goal.any()) or not self._profile.finished

    def pause(self) -> None:
        self._goal, self._expires = np.zeros(xarm7.JOINTS), None

    def resume(self, q: np.ndarray) -> None:
        self.pause()
        self._profile = Profile(q, np.zeros(xarm7.JOINTS), np.zeros(xarm7.JOINTS))

    def step(self, q: np.ndarray, tick: int) -> np.ndarray:
        if self._expires is not None and tick > self._expires:
            self._expires = None
            self._go(np.zeros(xarm7.JOINTS))
        return self._profile.advance(TICK)


class CartesianVelocity:
    """Mode 5: a twist (6,) m/s, rad/s of the tool in base or in itself, until it expires."""

    def __init__(self, q: np.ndarray, settings: Settings):
        self._settings = settings
        self.resume(q)

    def command(self, twist: np.ndarray, tool_frame: bool, duration: float, tick: int) -> None:
        """`duration` s after which the arm stops by itself; 0: never."""
        speed = float(np.linalg.norm(twist[:3]))
        turn = float(np.linalg.norm(twist[3:]))
        most = self._settings.max_tcp_speed
        scale = min(1.0, most / max(speed, 1e-12), most * ROTATION_PER_METRE / max(turn, 1e-12))
        self._goal, self._tool_frame = twist * scale, tool_frame
        self._expires = tick + max(1, round(duration / TICK)) if duration > 0 else None

    @property
    def busy(self) -> bool:
        return bool(self._goal.any() or self._profile.velocity.any())

    def pause(self) -> None:
        self._goal, self._tool_frame, self._expires = np.zeros(6), False, None

    def resume(self, q: np.ndarray) -> None:
        self.pause()
        self._profile = Profile(np.zeros(6), np.zeros(6), np.zeros(6))
        self._path: np.ndarray | None = None

    def step(self, q: np.ndarray, tick: int) -> np.ndarray:
        if self._expires is not None and tick > self._expires:
            self.pause()
        if not self.busy:
            self._path = None
            return q
        if self._path is None:
            self._path = self._settings.tool_in_base(q)
        goal = self._goal
        if self._tool_frame:
            rotation = self._path[:3, :3]
            goal = np.concatenate([rotation @ goal[:3], rotation @ goal[3:]])
        before = self._profile.position.copy()
        self._profile.to_velocity(goal, TWIST_ACCELERATION, TWIST_JERK, together=False)
        change = self._profile.advance(TICK) - before
        if not goal.any() and np.abs(self._profile.velocity).max() < 1e-6:
            self._profile = Profile(np.zeros(6), np.zeros(6), np.zeros(6))
        self._path = self._path.copy()
        self._path[:3, 3] += change[:3]
        self._path[:3, :3] = from_rotation_vector(change[3:]) @ self._path[:3, :3]
        return follow(q, self._path, self._settings)


class JointOnline:
    """Mode 6: a new joint target replaces the running one, with continuous velocity."""

    def __init__(self, q: np.ndarray, settings: Settings):
        self._settings = settings
        self._wanted: tuple[np.ndarray, float, float] | None = None
        self.resume(q)

    def target(self, wanted: np.ndarray, speed: float, acceleration: float, relative: bool) -> None:
        goal = joint_target(wanted, self._profile.position, relative)
        if not np.all((goal >= self._settings.lower) & (goal <= self._settings.upper)):
            raise ControllerFault(23)
        self._wanted = (goal, speed, acceleration)
        self._plan()

    def _plan(self) -> None:
        if self._wanted is None:
            return
        goal, speed, acceleration = self._wanted
        n, settings = xarm7.JOINTS, self._settings
        speed = max(min(speed, settings.max_joint_speed), 1e-4)
        acceleration = max(min(acceleration, settings.joint_acceleration), 1e-2)
        self._profile.to_position(goal, [speed] * n, [acceleration] * n, [settings.joint_jerk] * n)

    @property
    def busy(self) -> bool:
        return not self._profile.finished

    def pause(self) -> None:
        """The target is kept."""

    def resume(self, q: np.ndarray) -> None:
        self._profile = Profile(q, np.zeros(xarm7.JOINTS), np.zeros(xarm7.JOINTS))
        self._plan()

    def step(self, q: np.ndarray, tick: int) -> np.ndarray:
        return self._profile.advance(TICK)


class CartesianOnline:
    """Mode 7: a new pose replaces the running target, with continuous velocity.

    The orientation is planned as axis times angle from the one at the moment of the new target, where the rate of
    these three numbers is the angular velocity.
    """

    def __init__(self, q: np.ndarray, settings: Settings):
        self._settings = settings
        self._wanted: tuple[np.ndarray, float, float] | None = None
        self.resume(q)

    @property
    def present(self) -> np.ndarray:
        """base_from_tool (4, 4) on the path."""
        pose = np.eye(4)
        pose[:3, 3] = self._profile.position[:3]
        pose[:3, :3] = from_rotation_vector(self._profile.position[3:]) @ self._rotation
        return pose

    def target(self, goal: np.ndarray, speed: float, acceleration: float, q: np.ndarray) -> None:
        """`speed` m/s, `acceleration` m/s2; raises C40 when the goal (4, 4) cannot be reached from joints `q`."""
        solve(goal, q, self._settings)
        self._wanted = (goal, speed, acceleration)
        self._plan()

    def _plan(self) -> None:
        if self._wanted is None:
            return
        goal, speed, acceleration = self._wanted
        rotation = self.present[:3, :3]
        turned, rate = self._profile.position[3:], self._profile.velocity[3:]
        self._profile.velocity = np.concatenate([self._profile.velocity[:3], angular_velocity(turned, rate)])
        self._profile.position = np.concatenate([self._profile.position[:3], np.zeros(3)])
        self._rotation = rotation
        speed = max(min(speed, self._settings.max_tcp_speed), 1e-4)
        acceleration = max(min(acceleration, self._settings.tcp_acceleration_mm / 1000.0), 1e-2)
        target = np.concatenate([goal[:3, 3], rotation_vector(goal[:3, :3] @ rotation.T)])
        scale = np.array([1.0, 1.0, 1.0, *[ROTATION_PER_METRE] * 3])
        self._profile.to_position(target, speed * scale, acceleration * scale, ONLINE_JERK)
        self._settle = 5

    @property
    def busy(self) -> bool:
        return not self._profile.finished or self._settle > 0

    def pause(self) -> None:
        """The target is kept."""

    def resume(self, q: np.ndarray) -> None:
        start = self._settings.tool_in_base(q)
        self._rotation = start[:3, :3]
        self._settle = 0
        self._profile = Profile(np.concatenate([start[:3, 3], np.zeros(3)]), np.zeros(6), np.zeros(6))
        self._plan()

    def step(self, q: np.ndarray, tick: int) -> np.ndarray:
        if not self.busy:
            return q
        if self._profile.finished:
            self._settle -= 1
        self._profile.advance(TICK)
        return follow(q, self.present, self._settings)


def angular_velocity(turn: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """(3,) rad/s of a rotation whose axis times angle is `turn` (3,) rad and changes at `rate` (3,) rad/s.

    The left Jacobian of SO(3) (Sola et al. 2018, "A micro Lie theory", equation 145).
    """
    angle = float(np.linalg.norm(turn))
    if angle < 1e-6:
        return rate
    first = np.cross(turn, rate)
    second = np.cross(turn, first)
    return rate + (1.0 - np.cos(angle)) / angle**2 * first + (angle - np.sin(angle)) / angle**3 * second


Stream = Servo | JointVelocity | CartesianVelocity | JointOnline | CartesianOnline
