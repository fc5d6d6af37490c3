"""Guided recovery from any state to a ready arm, in named steps that the operator starts one by one."""

from dataclasses import dataclass
from enum import StrEnum

from robot.state import ArmState, Facts


class RecoveryStep(StrEnum):
    """Recovery steps in their order."""

    REMOVE_CAUSE = "Remove the cause"
    CLEAR_ERROR = "Clear the error"
    ENABLE = "Enable the motors"
    MAKE_READY = "Make ready"


@dataclass(frozen=True, slots=True)
class Recovery:
    """Remaining steps, in order, empty if the arm is ready; the first is next.

    REMOVE_CAUSE is manual work by the operator: it precedes CLEAR_ERROR as long as the controller reports an error.
    """

    steps: tuple[RecoveryStep, ...]

    @property
    def next(self) -> RecoveryStep | None:
        return self.steps[0] if self.steps else None

    def allows(self, step: RecoveryStep) -> bool:
        """Return whether `step` may start now: it is next, or only the operator's manual step precedes it."""
        return step in tuple(s for s in self.steps if s is not RecoveryStep.REMOVE_CAUSE)[:1]


def recovery(facts: Facts) -> Recovery:
    """Return the remaining steps, from facts alone; none for a lost link, which must be reconnected first."""
    every = tuple(RecoveryStep)
    match facts.state:
        case ArmState.ERROR:
            return Recovery(every)
        case ArmState.NOT_ENABLED:
            return Recovery(every[2:])
        case ArmState.STOPPED | ArmState.NOT_READY:
            return Recovery(every[3:])
        case _:
            return Recovery(())
