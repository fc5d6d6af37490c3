"""Log of models, training runs and events; rehearsals are in `storage.rehearsals`.

Each function adds or ends one row, in one transaction, and returns its id.
"""

import uuid
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select

from foundation.clocks import utc_now
from storage.database import tables_models as tables
from storage.database.columns import Table
from storage.database.database import Database
from storage.errors import NotFoundError

T = TypeVar("T", bound=Table)


def add_model(database: Database, name: str, folder: str, details: dict[str, Any]) -> uuid.UUID:
    return _add(database, tables.Model(name=name, folder=folder, made_at=utc_now(), details=details))


def begin_training(
    database: Database, folder: str, details: dict[str, Any], begun_from: uuid.UUID | None = None
) -> uuid.UUID:
    run = tables.TrainingRun(started_at=utc_now(), state="running", folder=folder, details=details)
    run.begun_from_id = begun_from
    return _add(database, run)


def end_training(database: Database, run: uuid.UUID, state: str, made: uuid.UUID | None = None) -> None:
    """End a training run. `state`: "finished", "stopped", "failed"; `made`: the resulting model."""
    with database.writing() as session:
        row = _there(session.get(tables.TrainingRun, run), "training run")
        row.ended_at, row.state, row.made_id = utc_now(), state, made


def add_event(database: Database, kind: str, sentence: str, details: dict[str, Any] | None = None) -> uuid.UUID:
    return _add(database, tables.Event(at=utc_now(), kind=kind, sentence=sentence, details=details or {}))


def events(database: Database, kind: str | None = None, limit: int = 100) -> list[tuple[datetime, str, str]]:
    """List time, kind and message of the events; the newest first."""
    query = select(tables.Event.at, tables.Event.kind, tables.Event.sentence)
    if kind is not None:
        query = query.where(tables.Event.kind == kind)
    with database.reading() as session:
        rows = session.execute(query.order_by(tables.Event.at.desc(), tables.Event.id).limit(limit))
        return [(at, name, sentence) for at, name, sentence in rows]


def _add(database: Database, row: Any) -> uuid.UUID:
    with database.writing() as session:
        session.add(row)
        session.flush()
        return row.id


def _there(row: T | None, what: str) -> T:
    if row is None:
        raise NotFoundError(f"This {what} is no longer in the library.")
    return row
