"""Tables of models and their use: models, training runs, rehearsals, approvals, executions, events."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from storage.database.columns import Named, Table


class Model(Named, Table):
    __tablename__ = "models"

    name: Mapped[str]
    folder: Mapped[str]
    made_at: Mapped[datetime]
    details: Mapped[dict[str, Any]]
    deleted_at: Mapped[datetime | None]


class TrainingRun(Named, Table):
    __tablename__ = "training_runs"

    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    state: Mapped[str]
    folder: Mapped[str]
    begun_from_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("models.id"))
    made_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("models.id"))
    details: Mapped[dict[str, Any]]


class Rehearsal(Named, Table):
    """Generated motion, approved or not; its files are in `rehearsals/<id>`."""

    __tablename__ = "rehearsals"

    made_at: Mapped[datetime] = mapped_column(index=True)
    instruction: Mapped[str]
    source: Mapped[str]
    operator: Mapped[str]
    model_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("models.id"))
    episode_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("episodes.id"))  # kept as a demonstration
    executable: Mapped[bool]
    details: Mapped[dict[str, Any]]
    deleted_at: Mapped[datetime | None]


class Approval(Named, Table):
    """Approval by an operator: `digest` is that of the plan held by the robot process."""

    __tablename__ = "approvals"

    rehearsal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("rehearsals.id", ondelete="CASCADE"), index=True)
    digest: Mapped[str]
    operator: Mapped[str]
    approved_at: Mapped[datetime]


class Execution(Named, Table):
    __tablename__ = "executions"

    approval_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("approvals.id", ondelete="CASCADE"), index=True)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str]
    success: Mapped[bool | None]
    note: Mapped[str]
    details: Mapped[dict[str, Any]]


class Event(Named, Table):
    """Logged event: a recovery, a stop, an import."""

    __tablename__ = "events"

    at: Mapped[datetime] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(index=True)
    sentence: Mapped[str]
    details: Mapped[dict[str, Any]]
