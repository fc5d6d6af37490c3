"""Rehearsals in the library: each folder's `rehearsal.json` is authoritative; database rows mirror it, for lists.

A change writes the document first and then calls `remember`. What a crash leaves in between is found when the library
is opened (`catch_up`), and the database can be rebuilt from the folders.
"""

import contextlib
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from storage.atomic_files import FileLock, explained, read_json, write_json
from storage.database import tables
from storage.database import tables_models as rows
from storage.database.database import Database
from storage.errors import DamagedFileError, LibraryBusyError
from storage.library_files import DATABASE, IN_USE

REHEARSALS, DOCUMENT, FORMAT = "rehearsals", "rehearsal.json", "rehearse rehearsal 1"
_NAMESPACE = uuid.UUID("6f6a2f0e-8f0b-4c43-9a5e-6f0a3f1f2d11")
_STAMP = "written_ns"


def write_rehearsal(folder: Path, record: dict[str, Any]) -> None:
    """Replace a rehearsal's document atomically. Raises OSError."""
    write_json(folder / DOCUMENT, {"format": FORMAT, **record})


def read_rehearsal(folder: Path) -> dict[str, Any]:
    """Read a rehearsal's document. Raises DamagedFileError that describes the fault."""
    values = read_json(folder / DOCUMENT)
    if values.get("format") != FORMAT:
        raise DamagedFileError(f"The folder {folder} holds no rehearsal of this program.")
    return values


def remember(library: Path, folder: Path) -> None:
    """Update the database rows of one rehearsal from its folder. Raises StorageError."""
    with _in_use(library):
        database = Database(library / DATABASE)
        try:
            with database.writing() as session:
                _put(session, folder)
        finally:
            database.close()


def catch_up(library: Path, database: Database) -> tuple[int, tuple[str, ...]]:
    """Update the rows of all rehearsals from their folders; return the number updated, and messages on failures."""
    with database.reading() as session:
        known = {
            row[0]: row[1].get(_STAMP) for row in session.execute(select(rows.Rehearsal.id, rows.Rehearsal.details))
        }
    behind = [folder for folder in _folders(library) if known.get(uuid.UUID(folder.name)) != _stamp(folder)]
    done, problems = 0, []
    for folder in behind:
        try:
            with database.writing() as session:
                _put(session, folder)
            done += 1
        except DamagedFileError as error:
            problems.append(f"{error} The rehearsal is left out of the history.")
    return done, tuple(problems)


def rehearsal_folder(library: Path, identity: uuid.UUID) -> Path:
    """Return the folder of a rehearsal's files."""
    return library / REHEARSALS / str(identity)


# --- from the document to rows ---


def _put(session: Session, folder: Path) -> None:
    try:
        stamp, record = _stamp(folder), read_rehearsal(folder)
        identity = uuid.UUID(str(record["id"]))
        if str(identity) != folder.name:
            raise DamagedFileError(f"The folder {folder} holds the rehearsal {identity}: it was renamed or copied.")
        session.execute(delete(rows.Execution).where(rows.Execution.approval_id.in_(_approvals_of(identity))))
        session.execute(delete(rows.Approval).where(rows.Approval.rehearsal_id == identity))
        session.merge(_rehearsal(session, identity, record, stamp))
        session.flush()
        approvals = [_approval(identity, number, each) for number, each in enumerate(record.get("approvals", ()))]
        session.add_all(approvals)
        session.flush()
        if (run := record.get("run")) and approvals:
            session.add(_execution(approvals[-1].id, run, record))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedFileError(f"The file {folder / DOCUMENT} is damaged: {error!r}.") from error


def _rehearsal(session: Session, identity: uuid.UUID, record: dict[str, Any], stamp: int) -> rows.Rehearsal:
    refused = any(finding["level"] == "refusal" for finding in record["findings"])
    episode = record.get("episode")
    kept = None if episode is None else session.get(tables.Episode, uuid.UUID(episode))
    names = ("rejected", "part", "begun_from", "covered_by")
    details = {
        _STAMP: stamp,
        **{name: record.get(name) for name in names},
        "seconds": record["plan"]["seconds"],
        "warnings": sum(finding["level"] == "warning" for finding in record["findings"]),
        "error_p95_mm": record.get("tracking_error_p95_mm"),
        "outcome": record.get("outcome"),
    }
    return rows.Rehearsal(
        id=identity,
        made_at=_moment(record.get("made") or record["stored"]),
        instruction=record["instruction"],
        source=record["source"],
        operator=record.get("operator", ""),
        model_id=_model(session, record.get("model")),
        episode_id=None if kept is None else kept.id,
        executable=not refused,
        details=details,
        deleted_at=None,
    )


def _model(session: Session, model: dict[str, Any] | None) -> uuid.UUID | None:
    """Return the row of the model that generated it, identified by the fingerprint of its files."""
    if not model or not model.get("fingerprint"):
        return None
    identity = uuid.uuid5(_NAMESPACE, model["fingerprint"])
    if session.get(rows.Model, identity) is None:
        folder = str(model.get("folder", ""))
        details = {"fingerprint": model["fingerprint"]}
        made = datetime.fromisoformat("1970-01-01T00:00:00+00:00")  # unknown
        session.add(rows.Model(id=identity, name=Path(folder).name, folder=folder, made_at=made, details=details))
        session.flush()
    return identity


def _approval(rehearsal: uuid.UUID, number: int, approval: dict[str, Any]) -> rows.Approval:
    return rows.Approval(
        id=uuid.uuid5(rehearsal, f"approval {number}"),
        rehearsal_id=rehearsal,
        digest=approval["digest"],
        operator=approval["who"],
        approved_at=_moment(approval["when"]),
    )


def _execution(approval: uuid.UUID, run: dict[str, Any], record: dict[str, Any]) -> rows.Execution:
    outcome = record.get("outcome")
    ended = "running" if not run["over"] else "stopped" if run["fault"] else "finished"
    return rows.Execution(
        id=uuid.uuid5(approval, "run"),
        approval_id=approval,
        started_at=_moment(run["began"]),
        ended_at=None if outcome is None else _moment(outcome["when"]),
        outcome=ended,
        success=None if outcome is None else outcome["success"],
        note="" if outcome is None else outcome["note"],
        details={
            "speed": run["speed"],
            "fault": run["fault"],
            "program": run.get("program", ""),
            "error_p95_mm": record.get("tracking_error_p95_mm"),
        },
    )


def _approvals_of(identity: uuid.UUID):
    return select(rows.Approval.id).where(rows.Approval.rehearsal_id == identity)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _stamp(folder: Path) -> int:
    try:
        return (folder / DOCUMENT).stat().st_mtime_ns
    except OSError as error:
        raise DamagedFileError(f"The file {folder / DOCUMENT} cannot be read: {error.strerror}.") from error


def _folders(library: Path) -> Iterator[Path]:
    place = library / REHEARSALS
    if not place.is_dir():
        return
    for folder in sorted(place.iterdir()):
        with contextlib.suppress(ValueError):
            uuid.UUID(folder.name)
            if (folder / DOCUMENT).is_file():
                yield folder


@contextlib.contextmanager
def _in_use(library: Path) -> Iterator[None]:
    """Hold the shared lock that prevents a rebuild of the database."""
    lock = FileLock(library / IN_USE)
    try:
        if not lock.take(wait=False, shared=True):
            raise LibraryBusyError(f"Another program is rebuilding the library {library}. Wait until it has finished.")
    except OSError as error:
        raise explained(error, f"The library folder {library} cannot be used") from error
    try:
        yield
    finally:
        lock.release()
