"""Workspace coverage: the number of episodes whose tool passed through each cube."""

import uuid

import numpy as np
from sqlalchemy import func, select, true

from storage.database import tables
from storage.database.database import Database


def visited_cells(database: Database, task: uuid.UUID | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the cubes (n, 3) int of `quality.CELL` edge, and the number (n,) of episodes through each.

    Cube (i, j, k) begins at CELL * (i, j, k) m in the base frame; of one task or of all. Takes a while.
    """
    episode = tables.Episode
    # The databases parse the lists themselves: a hundred thousand of them in Python would block the window.
    if database.on_sqlite:
        cells = func.json_each(episode.coverage).table_valued("value")
    else:
        cells = func.json_array_elements_text(episode.coverage).table_valued("value")
    cell = cells.c.value
    query = select(cell, func.count()).select_from(episode).join(cells, true()).group_by(cell)
    query = query.where(episode.deleted_at.is_(None))
    if task is not None:
        query = query.where(episode.task_id == task)
    with database.reading() as session:
        found = session.execute(query).all()
    places = np.array([[int(part) for part in str(row[0]).split(",")] for row in found], int).reshape(-1, 3)
    return places, np.array([row[1] for row in found], int)
