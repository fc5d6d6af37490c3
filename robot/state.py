"""Facts known about the arm, and its state, computed from them."""

from dataclasses import dataclass
from enum import StrEnum

from foundation.arm import ArmStatus, ControllerSettings, JointReading, State
from robot.box_check import Compared


class Activity(StrEnum):
    """Activity of the robot loop."""

    NOTHING = "nothing"
    PREPARING = "preparing"  # mode and readiness were requested, the controller has not confirmed them yet
    HOLDING = "holding"
    FOLLOWING = "following"
    JOGGING = "jogging"
    GUIDING = "hand guiding"
    BRAKING = "braking"


class ArmState(StrEnum):
    """State of the arm as shown to the operator."""

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
    """Facts known to the loop.

    `status` and `joints` are the controller's latest; None before the first, or when the link is lost. `enabled`: the
    motors were enabled over this link and no error has occurred since.
    """

    status: ArmStatus | None = None
    joints: JointReading | None = None
    enabled: bool = False
    activity: Activity = Activity.NOTHING
    paused: bool = False
    openness: float | None = None  # measured, in [0, 1]
    commanded_openness: float | None = None  # last requested over this link
    progress: float = 0.0  # of the trajectory followed, in [0, 1]
    limited: str = ""  # why the limiter does not let the target through
    box: ControllerSettings | None = None  # settings of the control box, None before it has reported them
    compared: tuple[Compared, ...] = ()  # these settings compared with what the program requires
    fault: str = ""  # what last ended a motion, or the link: a message for the operator

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
