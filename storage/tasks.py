"""Tasks to record: instructions with paraphrases."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete, select

from storage.database import tables
from storage.database.database import Database
from storage.episodes.documents import checked_instruction
from storage.episodes.rows import task_ids
from storage.errors import NotFoundError


@dataclass(frozen=True)
class Task:
    """Instruction and its paraphrases."""

    id: uuid.UUID
    instruction: str
    paraphrases: tuple[str, ...]


def tasks(database: Database) -> list[Task]:
    """List all tasks in alphabetical order."""
    query = select(tables.Task).where(tables.Task.deleted_at.is_(None)).order_by(tables.Task.instruction)
    with database.reading() as session:
        return [_task(row) for row in session.scalars(query)]


def create_task(database: Database, instruction: str, paraphrases: Iterable[str] = ()) -> Task:
    """Return the task with this instruction, creating it if missing; paraphrases are added to existing ones.

    Raises RecordingError for an invalid instruction.
    """
    instruction = checked_instruction(instruction)
    texts = [checked_instruction(text) for text in paraphrases]
    with database.writing() as session:
        identity = task_ids(session, {instruction: texts})[instruction]
        row = session.get_one(tables.Task, identity)
        row.deleted_at = None
        return _task(row)


def set_paraphrases(database: Database, task: uuid.UUID, paraphrases: Iterable[str]) -> Task:
    """Replace the paraphrases of a task. Raises NotFoundError, or RecordingError for an invalid text."""
    texts = [checked_instruction(text) for text in paraphrases]
    with database.writing() as session:
        row = session.get(tables.Task, task)
        if row is None:
            raise NotFoundError("This task is no longer in the library. Load the list again.")
        session.execute(delete(tables.Paraphrase).where(tables.Paraphrase.task_id == task))
        session.expire(row)
        task_ids(session, {row.instruction: texts})
        return _task(row)


def _task(row: tables.Task) -> Task:
    return Task(row.id, row.instruction, tuple(paraphrase.text for paraphrase in row.paraphrases))
