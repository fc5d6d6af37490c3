"""The calibrations that episodes were recorded with, for whoever chooses one."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from storage.database import tables
from storage.database.database import Database


@dataclass(frozen=True)
class CalibrationChoice:
    """A calibration by its camera's name and when it was made, UTC."""

    id: uuid.UUID
    camera: str
    kind: str
    made_at: datetime


def calibration_choices(database: Database) -> list[CalibrationChoice]:
    """Every calibration, the newest first."""
    calibration = tables.Calibration
    query = (
        select(calibration.id, tables.Camera.name, calibration.kind, calibration.made_at)
        .join(tables.Camera, tables.Camera.id == calibration.camera_id)
        .where(calibration.deleted_at.is_(None))
        .order_by(calibration.made_at.desc(), tables.Camera.name)
    )
    with database.reading() as session:
        return [CalibrationChoice(*row) for row in session.execute(query)]
