"""Settings of the robot control loop: bounds, timeouts and polling intervals."""

from dataclasses import dataclass, field

from foundation.deadlines import PRODUCTION, Deadlines
from robot.control.jog import JogSettings
from robot.limiter import LimiterSettings


@dataclass(frozen=True)
class LoopSettings:
    """Bounds and intervals of the loop; times in s."""

    limits: LimiterSettings = field(default_factory=LimiterSettings)
    jog: JogSettings = field(default_factory=JogSettings)
    deadlines: Deadlines = PRODUCTION
    settle: float = 0.15  # after set_ready, as in the manufacturer's examples
    joints_every: int = 1  # ticks between reads: more than 200 requests a second disturb the box
    status_every: int = 10
    status_every_holding: int = 2
    settings_every: int = 10
    gripper_every: int = 10
    gripper: bool = True  # whether one is mounted
    retry: float = 1.0  # between attempts to reach a lost link
    following_error: float = 0.15  # rad between commanded and measured: an arm at full speed lags by a third of it
    moved: float = 0.02  # rad between a holding arm and where it was left, more than gravity and friction cause
