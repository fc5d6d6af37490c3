"""Statistics per task: episodes, minutes, successes, and workspace coverage."""

import uuid
from dataclasses import dataclass

from sqlalchemy import case, func, select

from storage.database import tables
from storage.database.database import Database
from storage.episodes.quality import CELL


@dataclass(frozen=True)
class TaskStatistics:
    """Statistics of a task's episodes, without the trash.

    Their number and total duration in s; `judged` have a known success, `successes` had it; `excluded` are kept out of
    training; `covered_litres` is the workspace volume the tool passed through (None if not requested).
    """

    id: uuid.UUID
    instruction: str
    episodes: int
    duration_s: float
    judged: int
    successes: int
    excluded: int
    covered_litres: float | None = None


def per_task(database: Database, *, coverage: bool = False) -> list[TaskStatistics]:
    """Return the statistics of all tasks, most episodes first. `coverage` reads all cells, which takes a while."""
    task, episode = tables.Task, tables.Episode
    living = episode.deleted_at.is_(None)
    query = (
        select(
            task.id,
            task.instruction,
            func.count(episode.id).label("episodes"),
            func.coalesce(func.sum(episode.duration_s), 0.0),
            func.count(episode.success),
            func.coalesce(func.sum(case((episode.success.is_(True), 1), else_=0)), 0),
            func.coalesce(func.sum(case((episode.excluded.is_(True), 1), else_=0)), 0),
        )
        .select_from(task)
        .outerjoin(episode, (episode.task_id == task.id) & living)
        .where(task.deleted_at.is_(None))
        .group_by(task.id, task.instruction)
        .order_by(func.count(episode.id).desc(), task.instruction)
    )
    with database.reading() as session:
        rows = session.execute(query).all()
    litres = _covered(database) if coverage else {}
    found = []
    for row in rows:
        identity, instruction, episodes, duration_s, judged, successes, excluded = row
        covered = litres.get(identity, 0.0) if coverage else None
        found.append(TaskStatistics(identity, instruction, episodes, duration_s, judged, successes, excluded, covered))
    return found


def _covered(database: Database) -> dict[uuid.UUID, float]:
    """Return by task the litres of workspace: the cubes that any of its episodes passed through."""
    cells: dict[uuid.UUID, set[str]] = {}
    query = select(tables.Episode.task_id, tables.Episode.coverage).where(tables.Episode.deleted_at.is_(None))
    with database.reading() as session:
        for task, passed in session.execute(query.execution_options(yield_per=1000)):
            cells.setdefault(task, set()).update(passed)
    return {task: 1000.0 * CELL**3 * len(passed) for task, passed in cells.items()}
