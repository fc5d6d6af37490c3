"""Library: one folder with all recordings, and the database that lists them."""

import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

from foundation.clocks import Clock, SystemClock, utc_now
from storage.atomic_files import FileLock, explained
from storage.database.database import Database
from storage.episodes.documents import LABELS, NewEpisode, write_document
from storage.episodes.finalize import LOCK
from storage.episodes.frame_source import FrameSource
from storage.episodes.recovery import INCOMING, Recovery, add_unknown, move_in, recover
from storage.episodes.rows import add_episodes
from storage.episodes.writer import LEAST_FREE, EpisodeWriter
from storage.errors import LibraryBusyError, StorageError
from storage.library_files import DATABASE, IN_USE
from storage.rehearsals import REHEARSALS, catch_up


class Library:
    """Open library, to be closed. May be used from any thread; several programs may open the same one.

    Opening migrates the database and recovers from crashes (`recovery`); `notices` are messages for the operator about
    both. `url`: a PostgreSQL database instead of the file in the folder. Raises StorageError.
    """

    def __init__(self, folder: Path, url: str | None = None):
        self.folder = folder
        self.episodes = folder / "episodes"
        try:
            (self.episodes / INCOMING).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise explained(error, f"The library folder {folder} cannot be used") from error
        self._open = _opened(folder)
        try:
            self.database = Database(folder / DATABASE, url)
        except BaseException:
            self._open.release()
            raise
        try:
            self.recovery: Recovery = recover(self.episodes, self.database)
            _, unread = catch_up(folder, self.database)
        except BaseException:
            self.close()
            raise
        self.notices = (*self.database.notices, *self.recovery.sentences, *unread)

    def close(self) -> None:
        self.database.close()
        self._open.release()

    def __enter__(self) -> "Library":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def episode_folder(self, episode: uuid.UUID) -> Path:
        """Return the folder of an episode's files."""
        return self.episodes / str(episode)

    def record(
        self,
        new: NewEpisode,
        sources: Mapping[str, FrameSource],
        *,
        clock: Clock = SystemClock(),
        least_free: int = LEAST_FREE,
    ) -> EpisodeWriter:
        """Begin a recording; see `EpisodeWriter`."""
        return EpisodeWriter(self.episodes / INCOMING, new, sources, clock=clock, least_free=least_free)

    def keep(
        self, writer: EpisodeWriter, *, success: bool | None = None, note: str = "", tags: tuple[str, ...] = ()
    ) -> uuid.UUID:
        """Stop the recording if it is running, and make it an episode of the library.

        Atomic: after a crash it is completed at the next start. Raises StorageError; the recording then stays.
        """
        salvage = writer.stop()
        labels = writer.labels(success, note, tags)
        try:
            write_document(writer.folder, LABELS, labels)
            (move_in(writer.folder, self.episodes) / LOCK).unlink(missing_ok=True)
        except OSError as error:
            raise explained(error, "The episode could not be kept") from error
        finally:
            writer.release()
        with self.database.writing() as session:
            add_episodes(session, [(salvage.facts, labels)])
        return writer.id


def _opened(folder: Path) -> FileLock:
    lock = FileLock(folder / IN_USE)
    try:
        taken = lock.take(wait=False, shared=True)
    except OSError as error:
        raise explained(error, f"The library folder {folder} cannot be used") from error
    if not taken:
        raise LibraryBusyError(f"Another program is rebuilding the library {folder}. Wait until it has finished.")
    return lock


def rebuild(folder: Path) -> tuple[int, Path | None, tuple[str, ...]]:
    """Rebuild the database from the folders of episodes and rehearsals.

    Returns the number of episodes, the path of the old database (None if there was none), and messages on what could
    not be read. Data only in the database (training runs, events) remain only in the old one. Raises StorageError if
    another program has the library open.
    """
    file, kept = folder / DATABASE, None
    if not any((folder / name).is_dir() for name in ("episodes", REHEARSALS)):
        raise StorageError(f"There is no library in {folder}: it has no folder named episodes.")
    alone = FileLock(folder / IN_USE)
    try:
        if not alone.take(wait=False):
            raise LibraryBusyError(f"Another program has the library {folder} open. Close it, then try again.")
        if file.exists():
            kept = file.with_name(f"{DATABASE}.before-rebuild-{utc_now():%Y%m%d-%H%M%S}")
            for end in ("", "-wal", "-shm"):  # the write-ahead log belongs to its database
                part = file.with_name(file.name + end)
                if part.exists():
                    shutil.move(part, kept.with_name(kept.name + end))
    except OSError as error:
        raise explained(error, f"The database {file} could not be put aside") from error
    try:
        database = Database(file)
        try:
            added, problems = add_unknown(folder / "episodes", database)
            problems = (*problems, *catch_up(folder, database)[1])
        finally:
            database.close()
    finally:
        alone.release()
    return added, kept, problems
