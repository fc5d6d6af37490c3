"""Velocity modes of the joints (4) and of the tool (5), with a timeout unless the client renews the command."""

import numpy as np

from foundation import xarm7
from foundation.poses import from_rotation_vector
from simulation.controller.kinematics import TICK, Profile, follow
from simulation.controller.motions import ROTATION_PER_METRE
from simulation.controller.settings import Settings

VELOCITY_ACCELERATION = np.deg2rad(500)  # rad/s2 in mode 4, the SDK's default for joint moves
TWIST_ACCELERATION = np.array([2.0, 2.0, 2.0, 10.0, 10.0, 10.0])  # m/s2, the SDK's default for lines, and rad/s2
TWIST_JERK = np.array([50.0, 50.0, 50.0, 250.0, 250.0, 250.0])


class JointVelocity:
    """Mode 4: joint velocities (7,) rad/s, reached with limited acceleration, until they expire."""

    def __init__(self, q: np.ndarray, settings: Settings):
        self._settings = settings
        self.resume(q)

    def command(self, velocity: np.ndarray, together: bool, duration: float, tick: int) -> None:
        """Command velocities; `duration` s after which the arm stops by itself; 0: never."""
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
    """Mode 5: a twist (6,) m/s, rad/s of the tool, in the base or the tool frame, until it expires."""

    def __init__(self, q: np.ndarray, settings: Settings):
        self._settings = settings
        self.resume(q)

    def command(self, twist: np.ndarray, tool_frame: bool, duration: float, tick: int) -> None:
        """Command a twist; `duration` s after which the arm stops by itself; 0: never."""
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
