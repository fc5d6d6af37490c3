"""History of rehearsals as rows, the newest first, with approval and outcome."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from storage.database import tables_models as rows
from storage.database.database import Database

_MOST = 2000


@dataclass(frozen=True)
class RehearsalRow:
    """Rehearsal with its request, who approved it (None: nobody), when it ran (None: never), and its outcome.

    `ended`: "finished", "stopped", "running" (as last stored; `run_by` names the process) or ""; `success` is None
    until it was judged; `rejected` None unless it was.
    """

    id: uuid.UUID
    made_at: datetime
    instruction: str
    source: str
    operator: str
    model: str
    executable: bool
    episode: uuid.UUID | None
    approved_by: str | None
    approved_at: datetime | None
    started_at: datetime | None
    ended: str
    success: bool | None
    note: str
    rejected: str | None
    error_p95_mm: float | None
    part: dict[str, Any] | None
    run_by: str = ""


def rehearsals(database: Database, words: str = "", limit: int = _MOST) -> list[RehearsalRow]:
    """List the newest rehearsals whose instruction, note or people contain all of these words."""
    rehearsal, approval, execution = rows.Rehearsal, rows.Approval, rows.Execution
    query = (
        select(rehearsal, rows.Model.name, approval, execution)
        .outerjoin(rows.Model, rehearsal.model_id == rows.Model.id)
        .outerjoin(approval, approval.rehearsal_id == rehearsal.id)
        .outerjoin(execution, execution.approval_id == approval.id)
        .where(rehearsal.deleted_at.is_(None))
        .order_by(rehearsal.made_at.desc(), rehearsal.id, approval.approved_at)
    )
    wanted = words.lower().split()
    if not wanted:
        query = query.limit(2 * _MOST)  # of texts every one is looked at
    found: dict[uuid.UUID, RehearsalRow] = {}
    with database.reading() as session:
        for row, model, approved, run in session.execute(query):
            found[row.id] = _row(row, model or "", approved, run)  # the last of several approvals counts
    fitting = [row for row in found.values() if all(word in _words_of(row) for word in wanted)]
    return fitting[:limit]


def rehearsed_instructions(database: Database, limit: int = 30) -> list[str]:
    """List the last requested instructions, without duplicates, the newest first."""
    query = select(rows.Rehearsal.instruction).order_by(rows.Rehearsal.made_at.desc()).limit(20 * limit)
    with database.reading() as session:
        return list(dict.fromkeys(session.scalars(query)))[:limit]


def good_speed(database: Database, instruction: str) -> float | None:
    """Return the ratio to the planned speed at which this instruction last succeeded; None if it never did."""
    rehearsal, approval, execution = rows.Rehearsal, rows.Approval, rows.Execution
    query = (
        select(execution.details)
        .join(approval, execution.approval_id == approval.id)
        .join(rehearsal, approval.rehearsal_id == rehearsal.id)
        .where(rehearsal.instruction == instruction, execution.success.is_(True), execution.outcome == "finished")
        .order_by(execution.started_at.desc())
        .limit(1)
    )
    with database.reading() as session:
        details = session.scalar(query)
    return None if details is None else float(details["speed"])


def _row(row: rows.Rehearsal, model: str, approved: rows.Approval | None, run: rows.Execution | None) -> RehearsalRow:
    return RehearsalRow(
        row.id,
        row.made_at,
        row.instruction,
        row.source,
        row.operator,
        model,
        row.executable,
        row.episode_id,
        None if approved is None else approved.operator,
        None if approved is None else approved.approved_at,
        None if run is None else run.started_at,
        "" if run is None else run.outcome,
        None if run is None else run.success,
        "" if run is None else run.note,
        row.details.get("rejected"),
        row.details.get("error_p95_mm"),
        row.details.get("part"),
        "" if run is None else run.details.get("program", ""),
    )


def _words_of(row: RehearsalRow) -> str:
    return " ".join((row.instruction, row.note, row.operator, row.approved_by or "", row.source, row.model)).lower()
