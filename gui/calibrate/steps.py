"""Steps of a calibration, and the stages of the poses step."""

from enum import IntEnum, StrEnum


class CalibrateStep(IntEnum):
    """Current step of the operator; the overview comes before the first step."""

    OVERVIEW = -1
    PRINT = 0
    LENSES = 1
    POSES = 2
    SOLVE = 3
    REPORT = 4


STEP_NAMES = ("Print", "Lenses", "Poses", "Work out", "Report")


class Stage(StrEnum):
    """Stage of the poses step, derived from its state."""

    MOUNT = "mount"  # the board is not on the gripper yet
    LOOK = "look"  # first poses are proposed, in which each camera should see the board once
    POSES = "poses"  # all poses are proposed
    DRIVING = "driving"
    BROKEN = "broken"  # the drive was interrupted; it is resumable
    BY_HAND = "by hand"
    DONE = "done"
