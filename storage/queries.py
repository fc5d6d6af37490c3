"""Queries of the library: pages of episodes, filtered, sorted and searched; single episodes; filter choices.

Keyset pagination: a page is requested by the key of the last row before it, never by an offset. It costs the same at
the end of 100,000 episodes, and no row is repeated or left out when others come and go.
"""

import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, literal_column, select, text, tuple_
from sqlalchemy.orm import Session

from storage.database import tables
from storage.database.database import Database
from storage.errors import NotFoundError

_MOST_WORDS = 12
_MANY = 500


class Sort(StrEnum):
    """Columns by which episodes can be sorted."""

    RECORDED = "recorded_at"
    DURATION = "duration_s"
    INSTRUCTION = "instruction"
    OPERATOR = "operator"
    QUALITY = "quality"
    SIZE = "size_bytes"


@dataclass(frozen=True)
class EpisodeFilter:
    """Filter of episodes; fields that are None or empty do not matter.

    `text`: words, each the beginning of a word in instruction, note, tags or operator. `success`: "success", "failure"
    or "unknown". `quality`: at most this level (0 good, 1 notice). `finding`: the name of a check with a finding.
    `since`, `until`: times of recording. `deleted`: the trash instead of the library.
    """

    text: str = ""
    task: uuid.UUID | None = None
    success: str | None = None
    operator: str | None = None
    source: str | None = None
    tag: str | None = None
    camera: uuid.UUID | None = None
    calibration: uuid.UUID | None = None
    quality: int | None = None
    finding: str | None = None
    excluded: bool | None = None
    simulated: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    deleted: bool = False


@dataclass(frozen=True)
class EpisodeRow:
    """Episode in a list; times in s, `recorded_at` UTC, `quality` 0 good, 1 with a notice, 2 bad."""

    id: uuid.UUID
    task_id: uuid.UUID
    instruction: str
    operator: str
    source: str
    simulated: bool
    recorded_at: datetime
    duration_s: float
    frames: int
    samples: int
    dropped: int
    size_bytes: int
    success: bool | None
    excluded: bool
    note: str
    trim_start_s: float
    trim_end_s: float
    quality: int
    damage: str
    deleted_at: datetime | None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """Page of rows, with the key to request the next page; None if it was the last."""

    rows: tuple[EpisodeRow, ...]
    next: tuple[Any, uuid.UUID] | None


_COLUMNS = [getattr(tables.Episode, name) for name in EpisodeRow.__dataclass_fields__ if name != "tags"]


def page(
    database: Database,
    which: EpisodeFilter = EpisodeFilter(),
    *,
    sort: Sort = Sort.RECORDED,
    descending: bool = True,
    after: tuple[Any, uuid.UUID] | None = None,
    limit: int = 100,
) -> Page:
    """Return the first `limit` episodes, or those after the key `after` of a page with the same order."""
    column = getattr(tables.Episode, sort.value)
    query = matching(select(*_COLUMNS), which, database)
    if after is not None:
        here, there = tuple_(column, tables.Episode.id), tuple_(*_bound(column, after))
        query = query.where(here < there if descending else here > there)
    order = (column.desc(), tables.Episode.id.desc()) if descending else (column.asc(), tables.Episode.id.asc())
    with database.reading() as session:
        found = session.execute(query.order_by(*order).limit(limit + 1)).all()
        tags = _tags(session, [row[0] for row in found[:limit]])
    rows = tuple(EpisodeRow(*row, tags=tags.get(row[0], ())) for row in found[:limit])
    more = len(found) > limit
    return Page(rows, (getattr(rows[-1], sort.value), rows[-1].id) if more else None)


def count(database: Database, which: EpisodeFilter = EpisodeFilter()) -> int:
    """Return the number of matching episodes."""
    with database.reading() as session:
        return session.scalar(matching(select(func.count(tables.Episode.id)), which, database)) or 0


def episode_ids(database: Database, which: EpisodeFilter = EpisodeFilter()) -> list[uuid.UUID]:
    """Return the ids of all matching episodes, oldest first: for an export or a training set."""
    order = (tables.Episode.recorded_at, tables.Episode.id)
    with database.reading() as session:
        return list(session.scalars(matching(select(tables.Episode.id), which, database).order_by(*order)))


def episode(database: Database, identity: uuid.UUID) -> EpisodeRow:
    """Return one episode, also from the trash. Raises NotFoundError."""
    with database.reading() as session:
        found = session.execute(select(*_COLUMNS).where(tables.Episode.id == identity)).one_or_none()
        if found is None:
            raise NotFoundError("This episode is no longer in the library. Load the list again.")
        return EpisodeRow(*found, tags=_tags(session, [identity]).get(identity, ()))


def choices(database: Database) -> dict[str, list[str]]:
    """Return the filter choices: existing operators, sources, tags and findings."""
    columns = {"operator": tables.Episode.operator, "source": tables.Episode.source}
    with database.reading() as session:
        found = {name: sorted(v for v in session.scalars(select(c).distinct()) if v) for name, c in columns.items()}
        found["tag"] = list(session.scalars(select(tables.Tag.name).order_by(tables.Tag.name)))
        found["finding"] = list(session.scalars(select(tables.Finding.check).distinct().order_by(tables.Finding.check)))
    return found


def matching(query: Select, which: EpisodeFilter, database: Database) -> Select:
    """Restrict the query to the matching episodes."""
    episode = tables.Episode
    conditions: list[ColumnElement[bool]] = [
        episode.deleted_at.is_not(None) if which.deleted else episode.deleted_at.is_(None)
    ]
    equal = {"task": "task_id", "operator": "operator", "source": "source", "excluded": "excluded"}
    for name, column in {**equal, "simulated": "simulated"}.items():
        if (value := getattr(which, name)) is not None:
            conditions.append(getattr(episode, column) == value)
    if which.success is not None:
        conditions.append(episode.success.is_({"success": True, "failure": False, "unknown": None}[which.success]))
    if which.quality is not None:
        conditions.append(episode.quality <= which.quality)
    if which.since is not None:
        conditions.append(episode.recorded_at >= which.since)
    if which.until is not None:
        conditions.append(episode.recorded_at < which.until)
    conditions += _elsewhere(which)
    words = re.findall(r"\w+", which.text)[:_MOST_WORDS]
    if words:
        conditions.append(_search(words, database))
    return query.where(*conditions)


def _elsewhere(which: EpisodeFilter) -> list[ColumnElement[bool]]:
    """Return the conditions on other tables."""
    identity, view, finding = tables.Episode.id, tables.View, tables.Finding
    conditions = []
    if which.tag is not None:
        tagged = select(tables.EpisodeTag.episode_id).join(tables.Tag).where(tables.Tag.name == which.tag)
        conditions.append(identity.in_(tagged))
    if which.camera is not None:
        conditions.append(identity.in_(select(view.episode_id).where(view.camera_id == which.camera)))
    if which.calibration is not None:
        conditions.append(identity.in_(select(view.episode_id).where(view.calibration_id == which.calibration)))
    if which.finding is not None:
        conditions.append(identity.in_(select(finding.episode_id).where(finding.check == which.finding)))
    return conditions


def _search(words: list[str], database: Database) -> ColumnElement[bool]:
    row: Any = tables.Episode.text_row
    if database.on_sqlite:
        match = {"words": " ".join(f'"{word}"*' for word in words)}
        matches = "SELECT rowid FROM episode_search WHERE episode_search MATCH :words"
        with database.reading() as session:
            many = session.scalar(text(f"SELECT count(*) FROM ({matches} LIMIT {_MANY})"), match) == _MANY
        if many:
            # The plus prevents SQLite from fetching every match first: it scans along the order and tests each episode,
            # and fills a page long before it has seen all of them (240 against 12 ms for "r").
            row = literal_column("+episodes.text_row")
        return row.in_(text(matches).bindparams(**match).columns(tables.EpisodeText.row))
    found = text("SELECT row FROM episode_texts WHERE search @@ to_tsquery('simple', :words)")
    return row.in_(found.bindparams(words=" & ".join(f"{word}:*" for word in words)).columns(tables.EpisodeText.row))


def _bound(column: Any, after: tuple[Any, uuid.UUID]) -> tuple[Any, Any]:
    """Return the key with the columns' own types, which a bare tuple would not have."""
    return literal(after[0], column.type), literal(after[1], tables.Episode.id.type)


def _tags(session: Session, ids: list[uuid.UUID]) -> dict[uuid.UUID, tuple[str, ...]]:
    link, found = tables.EpisodeTag, {}
    query = select(link.episode_id, tables.Tag.name).join(tables.Tag).where(link.episode_id.in_(ids))
    for identity, name in session.execute(query.order_by(tables.Tag.name)):
        found.setdefault(identity, []).append(name)
    return {identity: tuple(names) for identity, names in found.items()}
