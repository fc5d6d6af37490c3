"""Shared parts of all motions of the simulated controller: cycle, faults, pose tracking, ruckig profiles."""

import numpy as np
import ruckig

from foundation import xarm7
from foundation.poses import rotation_vector
from simulation.controller.settings import Settings

TICK = 0.004  # s, one controller cycle (developer manual: 250 Hz)
STOP_ACCELERATION = 16.0  # rad/s2, a stop; below the 20 rad/s2 of the drives
STOP_JERK = xarm7.MAX_JOINT_JERK
FOLLOW_DAMPING = 1e-6  # of the squared Jacobian; only matters at a singularity
LOST_METRES, LOST_RADIANS = 0.002, 0.02  # a Cartesian motion further from its path has no solution


class ControllerFault(Exception):
    """A motion cannot begin or continue; `code` is the controller's error number (user manual, "Error codes")."""

    def __init__(self, code: int):
        super().__init__(f"controller error C{code}")
        self.code = code


def pose_error(goal: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return the difference (6,), m and rad in base, from the pose `present` (4, 4) to `goal` (4, 4)."""
    error = np.empty(6)
    error[:3] = goal[:3, 3] - present[:3, 3]
    error[3:] = rotation_vector(goal[:3, :3] @ present[:3, :3].T)
    return error


def follow(q: np.ndarray, base_from_tool: np.ndarray, settings: Settings) -> np.ndarray:
    """Return the joints (7,) of the next cycle that keep the tool on its path: one damped Newton step.

    The residual of the step is corrected in the next cycle. Raises C21 where the arm leaves the path.
    """
    present = settings.tool_in_base(q)
    error = pose_error(base_from_tool, present)
    J = xarm7.jacobian(q, settings.flange_from_tool)
    after = q + J.T @ np.linalg.solve(J @ J.T + FOLLOW_DAMPING * np.eye(6), error)
    left = pose_error(base_from_tool, settings.tool_in_base(after))
    if np.linalg.norm(left[:3]) > LOST_METRES or np.linalg.norm(left[3:]) > LOST_RADIANS:
        raise ControllerFault(21)
    return after


def solve(base_from_tool: np.ndarray, near: np.ndarray, settings: Settings, code: int = 40) -> np.ndarray:
    """Solve the inverse kinematics of a goal (7,); raises `code` (C40: no solution) when unreachable from `near`."""
    try:
        q = xarm7.inverse(base_from_tool, near, flange_from_tool=settings.flange_from_tool)
    except np.linalg.LinAlgError:
        q = None
    if q is None:
        raise ControllerFault(code)
    return q


def check_goal(q: np.ndarray, settings: Settings) -> None:
    """Raise C23 unless joints (7,) are within the present ranges."""
    if not np.all((q >= settings.lower) & (q <= settings.upper)):
        raise ControllerFault(23)


class Profile:
    """Jerk-limited motion of n coordinates from any state: to a position at rest, or to a velocity.

    One segment only (ruckig's waypoints would be computed by a web service).
    """

    def __init__(self, position: np.ndarray, velocity: np.ndarray, acceleration: np.ndarray):
        n = len(position)
        self._planner = ruckig.Ruckig(n, TICK)
        self._input = ruckig.InputParameter(n)
        self._trajectory = ruckig.Trajectory(n)
        self._time = 0.0
        self._planned = False
        self.position = np.array(position, float)
        self.velocity = np.array(velocity, float)
        self.acceleration = np.array(acceleration, float)

    def to_position(self, target, speed, acceleration, jerk) -> None:
        """Plan to a position at rest; `speed`, `acceleration`, `jerk` (n,) per coordinate; all arrive together."""
        self._input.control_interface = ruckig.ControlInterface.Position
        self._input.target_position = list(target)
        self._input.max_velocity = list(speed)
        self._plan([0.0] * len(self.position), acceleration, jerk)

    def to_velocity(self, target, acceleration, jerk, together: bool = True) -> None:
        """Plan to a velocity; `acceleration`, `jerk` (n,) per coordinate; `together`: all reach it at one time."""
        self._input.control_interface = ruckig.ControlInterface.Velocity
        self._input.synchronization = ruckig.Synchronization.Time if together else ruckig.Synchronization.No
        self._plan(list(target), acceleration, jerk)

    def _plan(self, target_velocity, acceleration, jerk) -> None:
        self._input.current_position = self.position.tolist()
        self._input.current_velocity = self.velocity.tolist()
        self._input.current_acceleration = self.acceleration.tolist()
        self._input.target_velocity = target_velocity
        self._input.max_acceleration = list(acceleration)
        self._input.max_jerk = list(jerk)
        try:
            result = self._planner.calculate(self._input, self._trajectory)
        except ValueError as error:  # raised by ruckig for result codes without a name in Python
            raise ControllerFault(25) from error
        if result not in (ruckig.Result.Working, ruckig.Result.Finished):
            raise ControllerFault(25)
        self._time = 0.0
        self._planned = True

    def advance(self, dt: float) -> np.ndarray:
        """Advance by `dt` s and return the position (n,)."""
        if self._planned:
            self._time += dt
            position, velocity, acceleration = self._trajectory.at_time(self._time)
            self.position, self.velocity = np.array(position), np.array(velocity)
            self.acceleration = np.array(acceleration)
        return self.position

    @property
    def duration(self) -> float:
        return self._trajectory.duration if self._planned else 0.0

    @property
    def finished(self) -> bool:
        """Whether the target position, or the target velocity, has been reached."""
        return not self._planned or self._time >= self._trajectory.duration


def stopping_time(speed: float) -> float:
    """Return the duration of `brake` from the fastest joint's speed, rad/s; joints travel on at half their speed."""
    if speed >= STOP_ACCELERATION**2 / STOP_JERK:
        return speed / STOP_ACCELERATION + STOP_ACCELERATION / STOP_JERK
    return 2.0 * float(np.sqrt(speed / STOP_JERK))


def brake(q: np.ndarray, velocity: np.ndarray, acceleration: float = STOP_ACCELERATION) -> Profile:
    """Plan the fastest stop of all joints at one time, roughly along their direction of motion."""
    profile = Profile(q, velocity, np.zeros(xarm7.JOINTS))
    profile.to_velocity([0.0] * xarm7.JOINTS, [acceleration] * xarm7.JOINTS, [STOP_JERK] * xarm7.JOINTS)
    return profile
