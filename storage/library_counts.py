"""How much there is in a library, without opening it: nothing is changed, even where it is damaged or in use."""

import os
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from storage.calibrations import FOLDER as CALIBRATIONS
from storage.database.tables import Camera, Episode, Finding, Task
from storage.library_files import DATABASE
from storage.rehearsals import REHEARSALS

_OURS = ("episodes", REHEARSALS, CALIBRATIONS, "models")


def counted(folder: Path) -> dict[str, Any]:
    """Count folders, files and bytes, and what stands in the database: numbers alone, no names and no words of people.

    `problem` holds a sentence where the database could not be read.
    """
    kinds = {kind: _files(folder / kind) for kind in _OURS if (folder / kind).is_dir()}
    found: dict[str, Any] = {"exists": folder.is_dir(), "folders": kinds}
    file = folder / DATABASE
    if not file.is_file():
        return found
    address = sqlalchemy.URL.create("sqlite", database=file.absolute().as_uri(), query={"mode": "ro", "uri": "true"})
    engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.NullPool)
    try:
        with Session(engine) as session:
            return found | {"database_bytes": file.stat().st_size} | _rows(session)
    except (SQLAlchemyError, OSError) as error:
        return found | {"problem": str(getattr(error, "orig", error)).partition("\n")[0]}


def _files(folder: Path) -> dict[str, int]:
    entries = files = size = 0
    for place, folders, names in os.walk(folder):
        entries += len(folders) if Path(place) == folder else 0
        files += len(names)
        for name in names:
            try:
                size += (Path(place) / name).lstat().st_size
            except OSError:  # gone meanwhile
                continue
    return {"entries": entries, "files": files, "bytes": size}


def _rows(session: Session) -> dict[str, Any]:
    living = Episode.deleted_at.is_(None)

    def by(column: Any) -> dict[str, int]:
        rows = session.execute(select(column, func.count()).where(living).group_by(column)).all()
        return {str(value): number for value, number in rows}

    findings = session.execute(
        select(Finding.check, Finding.level, func.count()).group_by(Finding.check, Finding.level)
    ).all()
    return {
        "episodes": session.scalar(select(func.count(Episode.id)).where(living)),
        "episodes_in_the_trash": session.scalar(select(func.count(Episode.id)).where(~living)),
        "seconds": session.scalar(select(func.coalesce(func.sum(Episode.duration_s), 0.0)).where(living)),
        "tasks": session.scalar(select(func.count(Task.id))),
        "cameras": session.scalar(select(func.count(Camera.id))),
        "by_success": by(Episode.success),
        "by_quality": by(Episode.quality),
        "by_source": by(Episode.source),
        "simulated": by(Episode.simulated),
        "quality_findings": {f"{check}, level {level}": number for check, level, number in findings},
    }
