"""Online planning of the joints (mode 6) and of the tool (7): a new target replaces the running one."""

import numpy as np

from foundation import xarm7
from foundation.poses import from_rotation_vector, rotation_vector
from simulation.controller.kinematics import TICK, ControllerFault, Profile, follow, solve
from simulation.controller.motions import ROTATION_PER_METRE, joint_target
from simulation.controller.settings import Settings

ONLINE_JERK = np.array([50.0, 50.0, 50.0, 150.0, 150.0, 150.0])


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
        """Do nothing on a pause: the target is kept."""

    def resume(self, q: np.ndarray) -> None:
        self._profile = Profile(q, np.zeros(xarm7.JOINTS), np.zeros(xarm7.JOINTS))
        self._plan()

    def step(self, q: np.ndarray, tick: int) -> np.ndarray:
        return self._profile.advance(TICK)


class CartesianOnline:
    """Mode 7: a new pose replaces the running target, with continuous velocity.

    The orientation is planned as a rotation vector from the orientation at the time of the new target, where the rate
    of these three numbers is the angular velocity.
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
        """Set a target; `speed` m/s, `acceleration` m/s2; raises C40 when `goal` (4, 4) is unreachable from `q`."""
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
        """Do nothing on a pause: the target is kept."""

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
    """Return the angular velocity (3,) rad/s of a rotation vector `turn` (3,) rad that changes at `rate` (3,) rad/s.

    The left Jacobian of SO(3) (Sola et al. 2018, "A micro Lie theory", equation 145).
    """
    angle = float(np.linalg.norm(turn))
    if angle < 1e-6:
        return rate
    first = np.cross(turn, rate)
    second = np.cross(turn, first)
    return rate + (1.0 - np.cos(angle)) / angle**2 * first + (angle - np.sin(angle)) / angle**3 * second
