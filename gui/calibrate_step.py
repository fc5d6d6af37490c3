"""The steps of a calibration, one after the other."""

from enum import IntEnum


class CalibrateStep(IntEnum):
    """Where the operator is; the overview stands before the first step."""

    OVERVIEW = -1
    PRINT = 0
    LENSES = 1
    POSES = 2
    SOLVE = 3
    REPORT = 4


STEP_NAMES = ("Print", "Lenses", "Poses", "Work out", "Report")
