"""The steps of a calibration, one after the other, and the stages of the longest of them."""

from enum import IntEnum, StrEnum


class CalibrateStep(IntEnum):
    """Where the operator is; the overview stands before the first step."""

    OVERVIEW = -1
    PRINT = 0
    LENSES = 1
    POSES = 2
    SOLVE = 3
    REPORT = 4


STEP_NAMES = ("Print", "Lenses", "Poses", "Work out", "Report")


class Stage(StrEnum):
    """How far the poses are; computed from the facts."""

    MOUNT = "mount"  # the board is not yet on the gripper
    LOOK = "look"  # some first poses are proposed, from which each camera should see the board once
    POSES = "poses"  # all poses are proposed
    DRIVING = "driving"
    BROKEN = "broken"  # something ended the drive; it can go on where it was
    BY_HAND = "by hand"
    DONE = "done"
