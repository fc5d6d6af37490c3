"""Keys of the pages of a long list, for random access to any page."""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from storage.database import tables
from storage.database.database import Database
from storage.queries import EpisodeFilter, Sort, matching


@dataclass(frozen=True)
class PageKeys:
    """Page keys of `count` episodes; `keys[i]` is that of the last episode of page i, to request page i + 1."""

    count: int
    keys: tuple[tuple[Any, uuid.UUID], ...]


def page_keys(
    database: Database,
    which: EpisodeFilter = EpisodeFilter(),
    *,
    sort: Sort = Sort.RECORDED,
    descending: bool = True,
    rows: int = 100,
) -> PageKeys:
    """Return the keys of every `rows`-th episode in this order: one full scan, for a background job."""
    column, identity = getattr(tables.Episode, sort.value), tables.Episode.id
    order = (column.desc(), identity.desc()) if descending else (column.asc(), identity.asc())
    number = func.row_number().over(order_by=order).label("number")
    numbered = matching(select(column.label("value"), identity.label("id"), number), which, database).subquery()
    last = select(numbered.c.value, numbered.c.id).where(numbered.c.number % rows == 0).order_by(numbered.c.number)
    with database.reading() as session:
        keys = tuple((row[0], row[1]) for row in session.execute(last))
        count = session.scalar(matching(select(func.count(identity)), which, database)) or 0
    return PageKeys(count, keys)
