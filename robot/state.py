"""What is known about the arm, and the one word for it, computed from that."""

from dataclasses import dataclass
from enum import StrEnum

from foundation.arm import ArmStatus, ControllerSettings, JointReading, State
from robot.box_check import Compared


class Activity(StrEnum):
    """What the robot loop is doing with the arm."""

    NOTHING = "nothing"
    PREPARING = "preparing"  # mode and readiness were asked for, the controller has not confirmed them yet
    HOLDING = "holding"
    FOLLOWING = "following"
    JOGGING = "jogging"
    GUIDING = "hand guiding"
    BRAKING = "braking"


class ArmState(StrEnum):
    """The arm as the operator sees it."""

    DISCONNECTED = "disconnected"
    ERROR = "error"
    STOPPED = "stopped"
    NOT_ENABLED = "not enabled"
    NOT_READY = "not ready"
    PREPARING = "getting ready"
    HOLDING = "holding"
    FOLLOWING = "following"
    PAUSED = "paused"
    JOGGING = "jogging"
    HAND_GUIDING = "hand guiding"
    STOPPING = "coming to a stop"


@dataclass(frozen=True, eq=False, slots=True)
class Facts:
    """Everything the loop knows. `status` and `joints` are the controller's latest; None before the first, or when the
    link is lost. `enabled`: the motors were enabled over this link and no error came since."""

    status: ArmStatus | None = None
    joints: JointReading | None = None
    enabled: bool = False
    activity: Activity = Activity.NOTHING
    paused: bool = False
    openness: float | None = None  # measured, in [0, 1]
    commanded_openness: float | None = None  # asked for last over this link
    progress: float = 0.0  # of the trajectory followed, in [0, 1]
    limited: str = ""  # why the limiter does not let through what is wanted
    box: ControllerSettings | None = None  # as set in the control box, None before it has told
    compared: tuple[Compared, ...] = ()  # that, beside what the program needs
    fault: str = ""  # what last ended a motion, or the link: a sentence for the operator

    @property
    def state(self) -> ArmState:
        if self.status is None or self.joints is None:
            return ArmState.DISCONNECTED
        if self.status.error:
            return ArmState.ERROR
        if not self.enabled:
            return ArmState.NOT_ENABLED
        if self.activity is Activity.NOTHING:
            stopped = self.status.state in (State.STOPPED, State.STOPPING)
            return ArmState.STOPPED if stopped else ArmState.NOT_READY
        if self.activity is Activity.FOLLOWING and self.paused:
            return ArmState.PAUSED
        return _STATE_OF[self.activity]


_STATE_OF = {
    Activity.PREPARING: ArmState.PREPARING,
    Activity.HOLDING: ArmState.HOLDING,
    Activity.FOLLOWING: ArmState.FOLLOWING,
    Activity.JOGGING: ArmState.JOGGING,
    Activity.GUIDING: ArmState.HAND_GUIDING,
    Activity.BRAKING: ArmState.STOPPING,
}
