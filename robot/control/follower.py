"""Trajectory follower in scaled time: changes speed, pauses on the path, and holds at the end."""

from dataclasses import dataclass

import ruckig

from robot.limiter import PERIOD, JointState
from robot.planning.joint_trajectory import JointTrajectory

# Bounds on the rate of time; 1 is the planned speed. A pause takes about 0.8 s and stays on the path.
_RATE_ACCELERATION = 1.5  # 1/s2
_RATE_JERK = 8.0  # 1/s3
_BEHIND = 0.03  # rad between the wanted and the limited motion above which time stands still
_GRIPPER_CHANGE = 0.03  # of the stroke: smaller changes are not sent while the motion is running
_GRIPPER_PERIOD = 0.1  # s between commands: rate limit for the tool's slow bus


@dataclass(frozen=True, eq=False, slots=True)
class Wanted:
    """Target state after this step, and the gripper's new openness if a command is due."""

    state: JointState
    openness: float | None


class Follower:
    """Progress along one trajectory, advanced by one PERIOD per `step`; `moment` is in s of the trajectory's own time.

    `speed` in (0, 1] scales time. The follower starts running; `pause` and `resume` change the rate of time smoothly.
    """

    def __init__(self, trajectory: JointTrajectory, speed: float = 1.0):
        if not 0.0 < speed <= 1.0:
            raise ValueError(f"the speed of a motion must lie in (0, 1], not {speed}")
        self.trajectory = trajectory
        self.speed = speed
        self.paused = False
        self.moment = 0.0
        self._rate, self._rate_acceleration = 0.0, 0.0
        self._ruckig, self._plan = ruckig.Ruckig(1), ruckig.Trajectory(1)
        self._input = ruckig.InputParameter(1)
        self._input.control_interface = ruckig.ControlInterface.Velocity
        self._input.max_acceleration, self._input.max_jerk = [_RATE_ACCELERATION], [_RATE_JERK]
        self._told = trajectory.openness_at(0.0)  # only changes are sent: the grip force is kept
        self._since_told = _GRIPPER_PERIOD

    @property
    def finished(self) -> bool:
        return self.moment >= self.trajectory.duration

    @property
    def standing(self) -> bool:
        """Whether time stands still: paused and at rest, or at the end."""
        return self.finished or (self._rate == 0.0 and self._rate_acceleration == 0.0)

    @property
    def progress(self) -> float:
        """Progress in [0, 1]."""
        return 1.0 if self.finished else self.moment / self.trajectory.duration

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def step(self, behind: float = 0.0) -> Wanted:
        """Advance by one PERIOD; `behind` rad is the distance of the limited motion from the last target.

        Time stands still for an arm that lags behind, so that the target never runs away from it.
        """
        self._advance(0.0 if self.paused or behind > _BEHIND else self.speed)
        known = self.trajectory.at(self.moment)
        rate, change = self._rate, self._rate_acceleration
        state = JointState(
            known.position, rate * known.velocity, rate**2 * known.acceleration + change * known.velocity
        )
        return Wanted(state, self._openness())

    def _advance(self, wanted_rate: float) -> None:
        self._input.current_position = [self.moment]
        self._input.current_velocity = [self._rate]
        self._input.current_acceleration = [self._rate_acceleration]
        self._input.target_velocity = [wanted_rate]
        self._ruckig.calculate(self._input, self._plan)
        moment, rate, acceleration = (float(part[0]) for part in self._plan.at_time(PERIOD))
        self.moment = min(moment, self.trajectory.duration)
        self._rate, self._rate_acceleration = max(rate, 0.0), acceleration
        if self._plan.duration <= PERIOD:
            self._rate, self._rate_acceleration = wanted_rate, 0.0

    def _openness(self) -> float | None:
        self._since_told += PERIOD
        openness = self.trajectory.openness_at(self.moment)
        change = abs(openness - self._told)
        smallest = 1e-3 if self.standing else _GRIPPER_CHANGE
        if change < smallest or self._since_told < _GRIPPER_PERIOD:
            return None
        self._told, self._since_told = openness, 0.0
        return openness
