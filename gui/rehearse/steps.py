"""Steps from an instruction to a stored outcome."""

from enum import Enum, auto


class Step(Enum):
    """Current step of the operator."""

    ASK = auto()
    WORKING = auto()
    WATCH = auto()  # and decide
    APPROVED = auto()
    RUNNING = auto()
    OUTCOME = auto()
    SAVED = auto()
