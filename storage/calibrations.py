"""Calibrations in the library: a folder for each with all of its input, and a database row for each camera.

`calibrations/<id>/calibration.json` is authoritative; the rows let episodes and lists refer to it.
"""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from foundation.clocks import utc_now
from storage.atomic_files import explained, read_json, sync_folder, write_json
from storage.database import tables
from storage.episodes.documents import Calibration
from storage.episodes.rows import add_missing, calibration_row, known_as
from storage.errors import NotFoundError
from storage.library import Library

FORMAT = "rehearse calibration 1"
FOLDER = "calibrations"
_DOCUMENT, _MARKS, _ACTIVE = "calibration.json", "marks.json", "active.json"


@dataclass(frozen=True)
class CalibratedCamera:
    """Camera of a calibration: its stable `identity`, its name, and the contents of its row."""

    identity: str
    name: str
    calibration: Calibration


def calibration_folder(library: Library, calibration: uuid.UUID) -> Path:
    """Return the folder of its files."""
    return library.folder / FOLDER / str(calibration)


def add_calibration(
    library: Library, calibration: uuid.UUID, document: dict[str, Any], cameras: list[CalibratedCamera]
) -> None:
    """Store a calibration atomically and make it the active one. Raises StorageError."""
    folder = calibration_folder(library, calibration)
    try:
        folder.mkdir(parents=True)
        write_json(folder / _DOCUMENT, {"format": FORMAT, **document})
        sync_folder(folder.parent)
    except OSError as error:
        raise explained(error, "The calibration could not be kept") from error
    at = utc_now()
    with library.database.writing() as session:
        rows = [
            {"id": known_as("camera", each.identity), "identity": each.identity, "name": each.name, "made_at": at}
            for each in cameras
        ]
        add_missing(session, tables.Camera, rows, ["identity"])
        ids = {
            identity: row
            for row, identity in session.execute(
                select(tables.Camera.id, tables.Camera.identity).where(
                    tables.Camera.identity.in_([each.identity for each in cameras])
                )
            )
        }
        details = {"rig": str(calibration)}
        found = [{**calibration_row(each.calibration, ids[each.identity]), "details": details} for each in cameras]
        add_missing(session, tables.Calibration, found, ["id"])
    activate_calibration(library, calibration)


def read_calibration(library: Library, calibration: uuid.UUID) -> dict[str, Any]:
    """Read its document. Raises NotFoundError if there is none, DamagedFileError if it cannot be read."""
    path = calibration_folder(library, calibration) / _DOCUMENT
    if not path.exists():
        raise NotFoundError("This calibration is no longer in the library. Choose another one, or calibrate again.")
    document = read_json(path)
    if document.pop("format", None) != FORMAT:
        raise NotFoundError(f"The file {path} is not marked as {FORMAT}: another version wrote it. Calibrate again.")
    return document


def kept_calibrations(library: Library) -> list[uuid.UUID]:
    """List the calibrations that are not deleted, unordered."""
    folder = library.folder / FOLDER
    if not folder.is_dir():
        return []
    found = []
    for each in folder.iterdir():
        if (each / _DOCUMENT).exists() and not _marks(each).get("deleted_at"):
            try:
                found.append(uuid.UUID(each.name))
            except ValueError:  # a foreign folder
                continue
    return found


def activate_calibration(library: Library, calibration: uuid.UUID | None) -> None:
    """Select the active calibration; None for none."""
    folder = library.folder / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / _ACTIVE, {"active": None if calibration is None else str(calibration)})
    except OSError as error:
        raise explained(error, "The choice of the calibration could not be kept") from error


def active_calibration(library: Library) -> uuid.UUID | None:
    """Return the active calibration, None if none was chosen or it was deleted."""
    path = library.folder / FOLDER / _ACTIVE
    if not path.exists():
        return None
    chosen = read_json(path).get("active")
    found = {str(each): each for each in kept_calibrations(library)}
    return found.get(str(chosen))


def delete_calibration(library: Library, calibration: uuid.UUID, *, deleted: bool = True) -> None:
    """Mark it as deleted, or undo that; its files stay, as episodes were recorded with it."""
    folder = calibration_folder(library, calibration)
    at = utc_now() if deleted else None
    try:
        write_json(folder / _MARKS, {**_marks(folder), "deleted_at": None if at is None else at.isoformat()})
    except OSError as error:
        raise explained(error, "The calibration could not be deleted") from error
    rows = tables.Calibration
    with library.database.writing() as session:
        mine = [row.id for row in session.scalars(select(rows)) if row.details.get("rig") == str(calibration)]
        session.execute(update(rows).where(rows.id.in_(mine)).values(deleted_at=at))


def _marks(folder: Path) -> dict[str, Any]:
    path = folder / _MARKS
    return read_json(path) if path.exists() else {}
