"""List of the calibrations that episodes were recorded with, to choose from."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from storage.database import tables
from storage.database.database import Database


@dataclass(frozen=True)
class CalibrationChoice:
    """Calibration with its camera's name and its creation time, UTC."""

    id: uuid.UUID
    camera: str
    kind: str
    made_at: datetime


def calibration_choices(database: Database) -> list[CalibrationChoice]:
    """List all calibrations, the newest first."""
    calibration = tables.Calibration
    query = (
        select(calibration.id, tables.Camera.name, calibration.kind, calibration.made_at)
        .join(tables.Camera, tables.Camera.id == calibration.camera_id)
        .where(calibration.deleted_at.is_(None))
        .order_by(calibration.made_at.desc(), tables.Camera.name)
    )
    with database.reading() as session:
        return [CalibrationChoice(*row) for row in session.execute(query)]
