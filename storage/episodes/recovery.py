"""Recovery at start-up: recordings interrupted by a crash, and episodes missing in the database."""

import contextlib
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from storage.atomic_files import FileLock, explained, sync_folder
from storage.database import tables
from storage.database.database import Database
from storage.episodes.documents import FACTS, LABELS, START, Facts, Labels, Started, read_document, write_document
from storage.episodes.finalize import LOCK, finish
from storage.episodes.rows import add_episodes
from storage.errors import DamagedFileError

INCOMING = ".incoming"
COMMIT = "commit.json"
"""In an import's folder: from now on all its episodes belong to the library."""
_NAME = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MANY = 500  # episodes per transaction, if thousands are added


@dataclass(frozen=True)
class Recovery:
    """Result of a recovery.

    Interrupted recordings with their frames and their loss, and episodes added to the database again. `problems`: a
    message for each folder that could not be recovered.
    """

    recordings: int = 0
    frames: int = 0
    lost_ms: float = 0.0
    added: int = 0
    problems: tuple[str, ...] = ()

    @property
    def sentences(self) -> list[str]:
        """Messages for the operator; none if nothing was recovered."""
        said = []
        if self.recordings:
            what = "A recording was" if self.recordings == 1 else f"{self.recordings} recordings were"
            said.append(
                f"{what} interrupted and has been recovered: {self.frames} frames recovered, "
                f"{self.lost_ms:.0f} ms lost."
            )
        if self.added:
            said.append(f"{self.added} episodes in the folder were missing in the library's list and are back.")
        return [*said, *self.problems]


def recover(episodes: Path, database: Database) -> Recovery:
    """Finish what a crash interrupted; idempotent. Recordings in progress in other programs are left alone.

    Raises StorageError for a folder that cannot be written.
    """
    recordings, frames, lost_ms, problems = 0, 0, 0.0, []
    _sweep(episodes / INCOMING)
    for folder in _folders(episodes / INCOMING):
        try:
            found = _recover_one(folder, episodes)
        except DamagedFileError as error:
            problems.append(f"{error} The recording stays in {folder}.")
        except FileNotFoundError:  # another program was faster
            continue
        except OSError as error:
            problems.append(str(explained(error, f"The recording in {folder} could not be recovered")))
        else:
            if found is not None:
                recordings, frames, lost_ms = recordings + 1, frames + found[0], max(lost_ms, found[1])
    added, more = add_unknown(episodes, database)
    return Recovery(recordings, frames, lost_ms, max(added - recordings, 0), (*problems, *more))


def move_in(folder: Path, episodes: Path) -> Path:
    """Move a finished recording to the episodes, atomically. Raises OSError."""
    place = episodes / folder.name
    sync_folder(folder)
    folder.rename(place)
    sync_folder(episodes)
    sync_folder(folder.parent)
    return place


def add_unknown(episodes: Path, database: Database) -> tuple[int, tuple[str, ...]]:
    """Add all episodes missing in the database; return their number, and messages on what could not be read."""
    with database.reading() as session:
        known = set(session.scalars(select(tables.Episode.id)))
    missing = [folder for folder in _folders(episodes) if uuid.UUID(folder.name) not in known]
    added, problems = 0, []
    for start in range(0, len(missing), _MANY):
        read = []
        for folder in missing[start : start + _MANY]:
            try:
                read.append(read_episode(folder))
            except DamagedFileError as error:
                problems.append(f"{error} The episode is left out of the library's list.")
        with database.writing() as session:
            added += add_episodes(session, read)
    return added, tuple(problems)


def read_episode(folder: Path) -> tuple[Facts, Labels]:
    """Read an episode's two documents; missing or damaged labels are replaced by the initial ones.

    Raises DamagedFileError if the facts cannot be read or belong to another episode.
    """
    facts = read_document(folder, FACTS, Facts)
    if facts.started.id != folder.name:
        raise DamagedFileError(f"The folder {folder} holds the episode {facts.started.id}: it was renamed or copied.")
    try:
        return facts, read_document(folder, LABELS, Labels)
    except DamagedFileError:
        return facts, Labels(facts.started.new.instruction, paraphrases=facts.started.new.paraphrases)


def _recover_one(folder: Path, episodes: Path) -> tuple[int, float] | None:
    """Recover one recording; return its frames and the ms lost, None if nothing was to be done or kept."""
    lock = FileLock(folder / LOCK)
    if not lock.take(wait=False):
        return None  # recording in progress
    try:
        if not (folder / START).exists() and not (folder / FACTS).exists():
            shutil.rmtree(folder)  # crashed before anything was recorded
            return None
        if (folder / FACTS).exists():
            facts, lost_ms = read_document(folder, FACTS, Facts), 0.0
            for log in folder.glob("*.log"):
                log.unlink()
        else:
            (folder / "reserve").unlink(missing_ok=True)
            read_document(folder, START, Started)  # if damaged, raise before anything is changed
            salvage = finish(folder, damage="The program ended while this was recorded.")
            facts, lost_ms = salvage.facts, salvage.lost_ms
        frames = sum(view.frames for view in facts.views)
        if not frames and not facts.samples:
            shutil.rmtree(folder)
            return None
        if not (folder / LABELS).exists():
            new = facts.started.new
            write_document(folder, LABELS, Labels(new.instruction, paraphrases=new.paraphrases))
        (move_in(folder, episodes) / LOCK).unlink(missing_ok=True)
        return frames, lost_ms
    finally:
        lock.release()


def commit_import(staging: Path, episodes: Path) -> None:
    """Move an import's episodes to their places; resumable after being killed. Raises OSError."""
    for folder in _folders(staging):
        move_in(folder, episodes)
    shutil.rmtree(staging)


def _sweep(incoming: Path) -> None:
    """Complete committed imports after a crash and delete others; also delete empty beginnings of recordings.

    Beginnings of the last minute are kept, as another program may be starting them.
    """
    for path in incoming.glob("import-*"):
        lock = FileLock(path / "lock")
        with contextlib.suppress(OSError):
            if lock.take(wait=False):
                if (path / COMMIT).exists():
                    commit_import(path, incoming.parent)
                else:
                    shutil.rmtree(path)
        lock.release()
    for path in incoming.glob("new-*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > 60:
                shutil.rmtree(path)


def _folders(parent: Path) -> Iterator[Path]:
    """List the folders named like an episode, sorted by name; fast, as there may be 100,000."""
    if not parent.is_dir():
        return
    with os.scandir(parent) as entries:
        names = [entry.name for entry in entries if _NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)]
    for name in sorted(names):
        yield parent / name
