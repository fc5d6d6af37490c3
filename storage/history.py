"""What was learnt and done, for the record: models, training runs, rehearsals, approvals, executions, events.

Each function adds or ends one row, in one transaction, and gives its id.
"""

import uuid
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select

from foundation.clocks import utc_now
from storage import tables_models as tables
from storage.columns import Table
from storage.database import Database
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
    """`state`: "finished", "stopped", "failed"; `made`: the model that came of it."""
    with database.writing() as session:
        row = _there(session.get(tables.TrainingRun, run), "training run")
        row.ended_at, row.state, row.made_id = utc_now(), state, made


def add_rehearsal(
    database: Database,
    identity: uuid.UUID,
    instruction: str,
    source: str,
    operator: str,
    *,
    executable: bool,
    details: dict[str, Any],
    model: uuid.UUID | None = None,
) -> uuid.UUID:
    """`identity`: that of the rehearsal's folder; `executable`: whether planning let it pass."""
    rehearsal = tables.Rehearsal(id=identity, made_at=utc_now(), instruction=instruction, source=source)
    rehearsal.operator, rehearsal.executable, rehearsal.details, rehearsal.model_id = (
        operator,
        executable,
        details,
        model,
    )
    return _add(database, rehearsal)


def add_approval(database: Database, rehearsal: uuid.UUID, digest: str, operator: str) -> uuid.UUID:
    """Who approved which plan: `digest` is that of the bytes the robot process held."""
    approval = tables.Approval(rehearsal_id=rehearsal, digest=digest, operator=operator, approved_at=utc_now())
    return _add(database, approval)


def begin_execution(database: Database, approval: uuid.UUID, details: dict[str, Any]) -> uuid.UUID:
    execution = tables.Execution(approval_id=approval, started_at=utc_now(), outcome="running", note="")
    execution.details = details
    return _add(database, execution)


def end_execution(
    database: Database, execution: uuid.UUID, outcome: str, success: bool | None = None, note: str = ""
) -> None:
    """`outcome`: "finished", "stopped", "failed"; `success` is what a person said, None where nobody did."""
    with database.writing() as session:
        row = _there(session.get(tables.Execution, execution), "execution")
        row.ended_at, row.outcome, row.success, row.note = utc_now(), outcome, success, note


def add_event(database: Database, kind: str, sentence: str, details: dict[str, Any] | None = None) -> uuid.UUID:
    return _add(database, tables.Event(at=utc_now(), kind=kind, sentence=sentence, details=details or {}))


def events(database: Database, kind: str | None = None, limit: int = 100) -> list[tuple[datetime, str, str]]:
    """When, which kind, and the sentence; the newest first."""
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
