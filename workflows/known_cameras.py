"""Intrinsics and extrinsics of the connected cameras, and their origin: a calibration, or the simulation itself."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from cameras.capture import Capture
from cameras.drivers.simulated import SimulatedCamera
from cameras.intrinsics import Intrinsics
from cameras.undistort import ideal_camera
from foundation.camera import Camera

if TYPE_CHECKING:  # deferred: a session without calibrations does not load the modules that make them
    from workflows.calibration.store import Stored, StoredCamera

CALIBRATED, SIMULATED_TRUTH = "calibration", "simulated truth"


@dataclass(frozen=True, eq=False)
class KnownCamera:
    """A camera with known extrinsics. `camera`: the ideal, undistorted one; `intrinsics`: its lens; `kind`:
    CALIBRATED or SIMULATED_TRUTH; `calibration_id`, `made_at`: None without a calibration; `delay_s`: how much later
    than the arm's clock its frames are stamped; `error_mm`, `error_px`: held-out errors, as the calibration
    estimated them."""

    camera: Camera
    intrinsics: Intrinsics
    kind: str
    calibration_id: uuid.UUID | None = None
    made_at: datetime | None = None
    delay_s: float = 0.0
    error_mm: float | None = None
    error_px: float | None = None


def known_cameras(
    captures: Mapping[str, Capture], names: Mapping[str, str], stored: "Stored | None"
) -> dict[str, KnownCamera]:
    """Return the known cameras by identity. With `stored` None: only the simulated lab's ground truth for its cameras.

    A calibration is valid only for frames of the image size it was made with.
    """
    known = {}
    for identity, capture in captures.items():
        found = _calibrated(capture, names[identity], stored) if stored else _true(capture, names[identity])
        if found is not None:
            known[identity] = found
    return known


def calibrated_camera(capture: Capture, stored: "Stored") -> "StoredCamera | None":
    """Return the stored calibration of this camera, None if it has none or has another image size."""
    found = stored.cameras.get(capture.driver.identity)
    size = capture.driver.size or (None if capture.newest is None else capture.newest.size)
    fits = found is not None and size in (None, (found.intrinsics.width, found.intrinsics.height))
    return found if fits else None


def _calibrated(capture: Capture, name: str, stored: "Stored") -> KnownCamera | None:
    found = calibrated_camera(capture, stored)
    if found is None:
        return None
    return KnownCamera(
        ideal_camera(name, found.intrinsics, found.base_from_camera),
        found.intrinsics,
        CALIBRATED,
        found.calibration_id,
        stored.made_at,
        found.delay_s,
        found.error_mm,
        found.error_px,
    )


def _true(capture: Capture, name: str) -> KnownCamera | None:
    driver = capture.driver
    if not isinstance(driver, SimulatedCamera) or "base_from_camera" not in driver.details:
        return None
    intrinsics = driver.intrinsics
    if intrinsics is None:
        return None
    place = np.array(driver.details["base_from_camera"])
    return KnownCamera(ideal_camera(name, intrinsics, place), intrinsics, SIMULATED_TRUTH)
