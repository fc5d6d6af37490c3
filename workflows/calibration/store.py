"""Calibrations in the library, with all their inputs: listing, the active one, saving and loading for another solve."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from cameras.intrinsics import Intrinsics
from foundation.clocks import utc_now
from foundation.errors import SettingsError
from foundation.serialization import from_plain, to_plain
from storage import calibrations as kept
from storage.calibrations import CalibratedCamera
from storage.episodes.documents import Calibration, Lens
from storage.errors import DamagedFileError, StorageError
from storage.library import Library
from workflows.calibration.observations import CalibrationSession
from workflows.calibration.report import CalibrationReport, Verdict

KIND = "calibration"


@dataclass(frozen=True, eq=False)
class StoredCamera:
    """One camera of a stored calibration; `calibration_id` is its row's, which episodes refer to."""

    calibration_id: uuid.UUID
    identity: str
    name: str
    intrinsics: Intrinsics
    base_from_camera: np.ndarray
    delay_s: float
    error_mm: float | None
    error_px: float | None


@dataclass(frozen=True, eq=False)
class Stored:
    """A calibration from the library: `session` has all its inputs."""

    id: uuid.UUID
    made_at: datetime
    session: CalibrationSession
    report: CalibrationReport

    @property
    def cameras(self) -> dict[str, StoredCamera]:
        """Cameras of the calibration by identity."""
        return {
            each.identity: StoredCamera(
                _camera_id(self.id, each.identity),
                each.identity,
                each.name,
                each.intrinsics,
                each.base_from_camera,
                0.0 if each.delay is None else each.delay.seconds,
                _known(each.held_out_mm),
                _known(each.held_out_px),
            )
            for each in self.report.cameras
        }


@dataclass(frozen=True)
class Version:
    """One line of the list of calibrations; `note` says why one cannot be read."""

    id: uuid.UUID
    made_at: datetime | None
    cameras: tuple[str, ...]
    verdict: Verdict | None
    held_out_mm: float
    active: bool
    note: str = ""


def save(library: Library, session: CalibrationSession, report: CalibrationReport) -> uuid.UUID:
    """Save a calibration with all its inputs, and make it the active one. Raises StorageError."""
    stored = Stored(uuid.uuid4(), utc_now(), session, report)
    document = {
        "made_at": stored.made_at.isoformat(),
        "verdict": str(report.verdict),
        "session": to_plain(session),
        "report": to_plain(report),
    }
    cameras = [
        CalibratedCamera(each.identity, each.name, camera_document(stored, each.identity)) for each in report.cameras
    ]
    kept.add_calibration(library, stored.id, document, cameras)
    return stored.id


def load(library: Library, calibration: uuid.UUID) -> Stored:
    """Load a calibration. Raises StorageError when it is missing or damaged."""
    return _stored(calibration, kept.read_calibration(library, calibration))


def versions(library: Library) -> list[Version]:
    """List the calibrations that were not deleted, newest first."""
    active_id = kept.active_calibration(library)
    found = [_version(library, each, each == active_id) for each in kept.kept_calibrations(library)]
    return sorted(found, key=lambda each: (each.made_at is not None, each.made_at), reverse=True)


def active(library: Library) -> Stored | None:
    """Return the active calibration; None when there is none. Raises StorageError when it is damaged."""
    found = kept.active_calibration(library)
    return None if found is None else load(library, found)


def activate(library: Library, calibration: uuid.UUID | None) -> None:
    """Make this calibration the active one; None: none."""
    kept.activate_calibration(library, calibration)


def delete(library: Library, calibration: uuid.UUID) -> None:
    """Mark a calibration as deleted."""
    kept.delete_calibration(library, calibration)


def camera_document(stored: Stored, identity: str) -> Calibration:
    """Return the calibration of one camera in the form that episodes keep in their own folder."""
    each = stored.cameras[identity]
    lens = each.intrinsics
    return Calibration(
        str(each.calibration_id),
        stored.made_at.isoformat(),
        KIND,
        Lens(lens.width, lens.height, _rows(lens.K), tuple(lens.distortion.tolist())),
        _rows(each.base_from_camera),
        each.delay_s,
        each.error_mm,
        each.error_px,
    )


def _stored(calibration: uuid.UUID, document: dict[str, Any]) -> Stored:
    try:
        return Stored(
            calibration,
            datetime.fromisoformat(document["made_at"]),
            from_plain(document["session"], CalibrationSession),
            from_plain(document["report"], CalibrationReport),
        )
    except (SettingsError, KeyError, ValueError, TypeError) as error:
        raise DamagedFileError(
            f"The calibration {calibration} cannot be read ({error}). Choose another one, or calibrate again."
        ) from error


def _version(library: Library, calibration: uuid.UUID, is_active: bool) -> Version:
    try:
        stored = load(library, calibration)
    except StorageError as error:
        return Version(calibration, None, (), None, float("nan"), is_active, str(error))
    report = stored.report
    names = tuple(each.name for each in report.cameras)
    return Version(calibration, stored.made_at, names, report.verdict, report.held_out_mm, is_active)


def _camera_id(calibration: uuid.UUID, identity: str) -> uuid.UUID:
    return uuid.uuid5(calibration, identity)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _rows(matrix: np.ndarray) -> Any:
    return tuple(tuple(float(value) for value in row) for row in matrix)
