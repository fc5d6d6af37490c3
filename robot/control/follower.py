"""Goes along a joint trajectory in scaled time: faster, slower, pausing on the path, holding at its end."""

from dataclasses import dataclass

import ruckig

from robot.limiter import PERIOD, JointState
from robot.planning.joint_trajectory import JointTrajectory

# How quickly the rate of time may change: 1 is the planned speed. A pause takes about 0.8 s and stays on the path.
_RATE_ACCELERATION = 1.5  # 1/s2
_RATE_JERK = 8.0  # 1/s3
_BEHIND = 0.03  # rad between the wanted and the limited motion from which on time waits
_GRIPPER_CHANGE = 0.03  # of the stroke: smaller changes are not worth a command while the motion goes on
_GRIPPER_PERIOD = 0.1  # s between commands, so that the tool's slow bus is never flooded


@dataclass(frozen=True, eq=False, slots=True)
class Wanted:
    """Where the arm should be after this step, and the gripper's new openness when it has to be told one."""

    state: JointState
    openness: float | None


class Follower:
    """One trajectory's progress, advanced by one PERIOD each `step`; `moment` is in s of the trajectory's own time.

    `speed` in (0, 1] scales time. It starts running; `pause` and `resume` change the rate of time smoothly.
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
        self._told = trajectory.openness_at(0.0)  # only changes are told: what is held stays held as firmly
        self._since_told = _GRIPPER_PERIOD

    @property
    def finished(self) -> bool:
        return self.moment >= self.trajectory.duration

    @property
    def standing(self) -> bool:
        """Whether time stands still: paused and come to rest, or at the end."""
        return self.finished or (self._rate == 0.0 and self._rate_acceleration == 0.0)

    @property
    def progress(self) -> float:
        """From 0 to 1 at the end."""
        return 1.0 if self.finished else self.moment / self.trajectory.duration

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def step(self, behind: float = 0.0) -> Wanted:
        """One PERIOD further; `behind` rad is how far the limited motion is from what was wanted last.

        Time waits for an arm that does not come along, so that no target runs away from it.
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
