"""Edits of episodes with undo: labels, tags, deletion, the trash.

Everything is stored twice: in the database, and in the episode's own `labels.json`, from which the database can be
rebuilt.
"""

import shutil
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from foundation.clocks import utc_now
from storage.atomic_files import explained
from storage.database import tables
from storage.database.tables_models import Rehearsal
from storage.episodes.documents import LABELS, Labels, checked_instruction, write_document
from storage.episodes.rows import tag_ids, task_ids
from storage.errors import NotFoundError, StorageError
from storage.library import Library

_KEEP: Any = object()
_MANY = 500  # episodes per transaction


@dataclass(frozen=True)
class Change:
    """Change of the labels of episodes; a field that is not given stays as it is.

    `trim` is (start, end) in s, clipped to the episode; `add_tags` and `remove_tags` leave other tags unchanged.
    """

    instruction: str = _KEEP
    success: bool | None = _KEEP
    note: str = _KEEP
    excluded: bool = _KEEP
    trim: tuple[float, float] = _KEEP
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    deleted: bool = _KEEP


def change(library: Library, episodes: Iterable[uuid.UUID], what: Change) -> dict[uuid.UUID, Labels]:
    """Change the labels of episodes; return the previous ones, for `restore`.

    Raises NotFoundError, RecordingError for an invalid instruction, or StorageError; the episodes not yet processed
    then stay unchanged.
    """
    if what.instruction is not _KEEP:
        what = replace(what, instruction=checked_instruction(what.instruction))
    before: dict[uuid.UUID, Labels] = {}
    for some in _batches(list(episodes)):
        with library.database.writing() as session:
            found = _labels(session, some)
            after = {identity: _changed(labels, what) for identity, labels in found.items()}
            _store(session, after)
        before |= found
        _write(library, after)
    return before


def delete_episodes(library: Library, episodes: Iterable[uuid.UUID]) -> dict[uuid.UUID, Labels]:
    """Move episodes to the trash; `restore` brings them back."""
    return change(library, episodes, Change(deleted=True))


def restore(library: Library, before: dict[uuid.UUID, Labels]) -> None:
    """Undo a `change`: restore the previous labels of these episodes."""
    for some in _batches(list(before)):
        labels = {identity: before[identity] for identity in some}
        with library.database.writing() as session:
            _labels(session, some)  # raises if one is gone
            _store(session, labels)
        _write(library, labels)


def empty_trash(library: Library, older_than: datetime | None = None) -> int:
    """Delete the trash permanently (what was deleted before a time); return the number of episodes.

    Their rows are deleted first: a crash in between leaves folders that come back as deleted.
    """
    gone = tables.Episode.deleted_at.is_not(None)
    if older_than is not None:
        gone = gone & (tables.Episode.deleted_at < older_than)
    with library.database.reading() as session:
        ids = list(session.scalars(select(tables.Episode.id).where(gone)))
    deleted = 0
    for some in _batches(ids):
        with library.database.writing() as session:
            # Queried again inside the transaction: another program may have restored one.
            some = list(session.scalars(select(tables.Episode.id).where(tables.Episode.id.in_(some), gone)))
            rows = list(session.scalars(select(tables.Episode.text_row).where(tables.Episode.id.in_(some))))
            kept = Rehearsal.episode_id.in_(some)  # the history of the run outlives its demonstration
            session.execute(update(Rehearsal).where(kept).values(episode_id=None))
            session.execute(delete(tables.Episode).where(tables.Episode.id.in_(some)))
            session.execute(delete(tables.EpisodeText).where(tables.EpisodeText.row.in_(rows)))
        for identity in some:
            shutil.rmtree(library.episode_folder(identity), ignore_errors=True)
        deleted += len(some)
    return deleted


def _changed(labels: Labels, what: Change) -> Labels:
    simple = ("instruction", "success", "note", "excluded")
    given = {name: getattr(what, name) for name in simple if getattr(what, name) is not _KEEP}
    if what.trim is not _KEEP:
        if not 0.0 <= what.trim[0] < what.trim[1]:
            raise StorageError("The trimmed episode would have no length. Move the handles apart.")
        given |= {"trim_start_s": float(what.trim[0]), "trim_end_s": float(what.trim[1])}
    if what.deleted is not _KEEP:
        given["deleted_at"] = utc_now().isoformat() if what.deleted else None
    added = (*labels.tags, *(" ".join(tag.split()) for tag in what.add_tags))
    given["tags"] = tuple(tag for tag in dict.fromkeys(added) if tag and tag not in what.remove_tags)
    return replace(labels, **given)


def _labels(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Labels]:
    """Return the labels of these episodes in the database. Raises NotFoundError if one is missing."""
    query = select(tables.Episode).where(tables.Episode.id.in_(ids))
    found = {}
    for row in session.scalars(query):
        deleted = None if row.deleted_at is None else row.deleted_at.isoformat()
        tags = tuple(tag.name for tag in row.tags)
        trim = (row.trim_start_s, row.trim_end_s)
        paraphrases = tuple(paraphrase.text for paraphrase in row.task.paraphrases)
        found[row.id] = Labels(
            row.instruction,
            row.success,
            row.note,
            tags,
            row.excluded,
            *trim,
            deleted_at=deleted,
            paraphrases=paraphrases,
        )
    if len(found) < len(set(ids)):
        raise NotFoundError("An episode is no longer in the library. Load the list again.")
    return found


def _store(session: Session, labels: dict[uuid.UUID, Labels]) -> None:
    tasks = task_ids(session, {x.instruction: () for x in labels.values()})
    tags = tag_ids(session, {tag for x in labels.values() for tag in x.tags})
    session.execute(delete(tables.EpisodeTag).where(tables.EpisodeTag.episode_id.in_(list(labels))))
    links = [{"episode_id": identity, "tag_id": tags[tag]} for identity, x in labels.items() for tag in x.tags]
    if links:
        session.execute(insert(tables.EpisodeTag), links)
    for identity, x in labels.items():
        values = {name: getattr(x, name) for name in ("instruction", "success", "note", "excluded", "trim_start_s")}
        values["trim_end_s"] = x.trim_end_s if x.trim_end_s is not None else tables.Episode.duration_s
        values["deleted_at"] = None if x.deleted_at is None else datetime.fromisoformat(x.deleted_at)
        values["task_id"] = tasks[x.instruction]
        one = tables.Episode.id == identity
        session.execute(update(tables.Episode).where(one).values(**values))
        row = select(tables.Episode.text_row).where(one).scalar_subquery()
        words = {"instruction": x.instruction, "note": x.note, "tags": " ".join(x.tags)}
        session.execute(update(tables.EpisodeText).where(tables.EpisodeText.row == row).values(**words))


def _write(library: Library, labels: dict[uuid.UUID, Labels]) -> None:
    for identity, said in labels.items():
        folder = library.episode_folder(identity)
        if not folder.is_dir():  # removed by hand: its row can still be labelled, and deleted
            continue
        try:
            write_document(folder, LABELS, said)
        except OSError as error:
            raise explained(error, "It is noted in the list, but not in the episode's own folder") from error


def _batches(ids: list[uuid.UUID]) -> Iterable[list[uuid.UUID]]:
    for start in range(0, len(ids), _MANY):
        yield ids[start : start + _MANY]
