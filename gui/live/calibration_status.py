"""Traffic light beside every live view: whether the camera is still where it was calibrated."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from workflows.calibration.place_check import GREEN, RED, YELLOW, PlaceCheck
from workflows.known_cameras import SIMULATED_TRUTH, KnownCamera


class Light(StrEnum):
    """Calibration status of a camera; also the name of its colour."""

    GOOD = "success"
    DOUBTFUL = "warning"
    BAD = "danger"
    UNKNOWN = "muted"
    TRUTH = "accent"  # ground truth of the simulation, not calibrated


@dataclass(frozen=True)
class CalibrationStatus:
    """Status light, a short text beside it, and a sentence as its tool tip."""

    light: Light
    short: str
    sentence: str


_LIGHTS = {GREEN: Light.GOOD, YELLOW: Light.DOUBTFUL, RED: Light.BAD}
_TRUTH = CalibrationStatus(
    Light.TRUTH, "simulation", "The camera's place is known from the simulation; nobody calibrated it."
)
_NONE = CalibrationStatus(Light.UNKNOWN, "not calibrated", "Nobody knows where this camera stands. Calibrate it.")
_UNSEEN = CalibrationStatus(
    Light.UNKNOWN, "not checked", "Calibrated, but nobody has looked whether the camera still stands there."
)


def calibration_status(known: KnownCamera | None, check: PlaceCheck | None, identity: str) -> CalibrationStatus:
    """Return the status of a camera from its calibration and the session's last check."""
    if known is None:
        return _NONE
    if known.kind == SIMULATED_TRUTH:
        return _TRUTH
    drift = None if check is None else check.drifts.get(identity)
    if drift is None:
        return _UNSEEN
    light = _LIGHTS.get(str(drift.light), Light.UNKNOWN)
    if light is Light.UNKNOWN or not np.isfinite((drift.shift_mm, drift.shift_px)).all():
        return CalibrationStatus(Light.UNKNOWN, "not checked", drift.sentence)
    return CalibrationStatus(light, f"{drift.shift_mm:.1f} mm · {drift.shift_px:.1f} px", drift.sentence)
