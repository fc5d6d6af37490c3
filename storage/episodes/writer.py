"""Recording of one episode from any sources: a video per view, encoded during recording, and the arm's samples."""

import os
import shutil
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from foundation.clocks import Clock, SystemClock, utc_now
from storage.atomic_files import FileLock, explained, free_bytes, sync_folder
from storage.episodes.documents import START, Labels, NewEpisode, Started, write_document
from storage.episodes.finalize import LOCK, SAMPLE_LOG, THUMBNAIL, Salvage, finish, write_thumbnail
from storage.episodes.frame_source import FrameSource
from storage.episodes.record_log import RecordLog
from storage.episodes.samples import SAMPLE, ArmSample
from storage.episodes.video_thread import VideoThread, ViewProgress
from storage.errors import DiskFullError, RecordingError, StorageError

SYNC_PERIOD = 1.0  # s: a power cut loses at most two of these
LEAST_FREE = 5_000_000_000  # bytes
_LEAST_MINUTES = 10
_BYTES_PER_PIXEL = 0.05  # of a high-detail image at this quality; measured, rounded up
_RESERVE = 16_000_000  # bytes: needed to close an episode on a full disk


@dataclass(frozen=True)
class Progress:
    """Progress of a recording. `failure` is the reason why it cannot continue, "" if it can.

    What was recorded before a failure is kept by `stop` as usual.
    """

    elapsed_s: float
    views: tuple[ViewProgress, ...]
    samples: int
    free_bytes: int
    failure: str


class EpisodeWriter:
    """Recording, from construction to `stop`; then its folder is to be kept (`Library.keep`) or discarded.

    `sources` are by view name. Frames captured before the start are left out. `add_sample` may be called from any one
    thread; neither it nor the sources wait for the encoder. Raises DiskFullError, RecordingError or StorageError if it
    cannot begin.
    """

    def __init__(
        self,
        incoming: Path,
        new: NewEpisode,
        sources: Mapping[str, FrameSource],
        *,
        clock: Clock = SystemClock(),
        least_free: int = LEAST_FREE,
    ):
        if missing := [view.name for view in new.views if view.name not in sources]:
            raise RecordingError(f"There is no picture source for: {', '.join(missing)}. Connect these cameras.")
        self.id = uuid.uuid4()
        self.folder = incoming / str(self.id)
        self.new = new
        self._clock = clock
        self._lock = FileLock(incoming / f"new-{self.id}" / LOCK)
        self._failure = ""
        self._stopped = threading.Event()
        self._films: list[VideoThread] = []
        self.salvage: Salvage | None = None
        try:
            incoming.mkdir(parents=True, exist_ok=True)
            _check_room(incoming, new, least_free)
            _make_locked(self.folder, self._lock)
            _fill(self.folder / "reserve", min(_RESERVE, least_free))
            self.start = clock.now()
            started = Started(str(self.id), self.start, utc_now().isoformat(), new)
            write_document(self.folder, START, started)
            self._samples = RecordLog(self.folder / SAMPLE_LOG, SAMPLE)
            sync_folder(self.folder)
            sync_folder(incoming)
        except OSError as error:
            self._lock.release()
            shutil.rmtree(self.folder, ignore_errors=True)
            raise explained(error, "The recording cannot begin") from error
        self._films = [
            VideoThread(self.folder, index, view, sources[view.name], self.start, self._fail)
            for index, view in enumerate(new.views)
        ]
        self._syncing = threading.Thread(target=self._sync, name=f"episode {self.id}", daemon=True)
        self._syncing.start()

    @property
    def failure(self) -> str:
        """Reason why the recording cannot continue, "" if it can."""
        return self._failure

    @property
    def progress(self) -> Progress:
        films = tuple(film.progress for film in self._films)
        elapsed = self._clock.now() - self.start
        return Progress(elapsed, films, self._samples.count, free_bytes(self.folder.parent), self._failure)

    def add_sample(self, sample: ArmSample) -> None:
        """Append a sample of the arm; ignored after `stop`, after a failure, and if from before the start."""
        if self._stopped.is_set() or self._failure or sample.time < self.start:
            return
        try:
            self._samples.append(sample.record(self.start))
        except OSError as error:
            self._fail(error)

    def stop(self, cut: str = "") -> Salvage:
        """End the recording: encode and close what has arrived; idempotent.

        `cut` is the reason for a premature end, stored with it, "" if there is none. Raises StorageError if the disk
        does not even accept the closing; the folder stays for recovery at the next start.
        """
        if self.salvage is not None:
            return self.salvage
        self._close_all()
        try:
            (self.folder / "reserve").unlink(missing_ok=True)
            whole = all(film.closed_well for film in self._films)
            picture = next((film.newest for film in self._films if film.newest is not None), None)
            if picture is not None:
                write_thumbnail(self.folder / THUMBNAIL, picture)
            self.salvage = finish(self.folder, damage=self._failure or cut, films_are_whole=whole)
        except OSError as error:
            self._lock.release()
            raise explained(error, f"The recording could not be closed. It stays in {self.folder}") from error
        return self.salvage

    def discard(self) -> None:
        """Delete the recording, running or stopped."""
        self._close_all()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()

    def labels(self, success: bool | None = None, note: str = "", tags: tuple[str, ...] = ()) -> Labels:
        """Return the initial labels of this episode."""
        return Labels(self.new.instruction, success, note, tags, paraphrases=self.new.paraphrases)

    def release(self) -> None:
        """Release the folder, which has become an episode, or stays for recovery at the next start."""
        self._lock.release()

    def _close_all(self) -> None:
        ended = self._clock.now()
        self._stopped.set()
        for film in self._films:
            film.stop(ended)
        for film in self._films:
            film.join()
        if self._syncing.is_alive():
            self._syncing.join()
        try:
            self._samples.sync()
        except OSError as error:
            self._fail(error)
        self._samples.close()

    def _fail(self, error: OSError | StorageError) -> None:
        """Record the first failure and stop; there are no retries. Called by any of the threads."""
        if not self._failure:
            known = explained(error, "The recording has ended early") if isinstance(error, OSError) else error
            self._failure = str(known)
            for film in self._films:
                film.stop(self._clock.now())

    def _sync(self) -> None:
        while not self._stopped.wait(SYNC_PERIOD):
            try:
                self._samples.sync()
                for film in self._films:
                    film.sync()
            except OSError as error:
                self._fail(error)
                return


def _check_room(incoming: Path, new: NewEpisode, least_free: int) -> None:
    rate = sum(view.width * view.height * (view.fps or 30.0) * _BYTES_PER_PIXEL for view in new.views)
    needed = max(least_free, rate * 60 * _LEAST_MINUTES) if least_free else 0
    free = free_bytes(incoming)
    if free < needed:
        raise DiskFullError(
            f"There is too little room to record: {free / 1e9:.1f} GB are free on the disk of {incoming}, "
            f"{needed / 1e9:.1f} GB are needed. Make room, or choose another library folder."
        )


def _make_locked(folder: Path, lock: FileLock) -> None:
    """Create the recording's folder: it gets its final name only once its lock marks it as in use."""
    new = folder.with_name(f"new-{folder.name}")
    new.mkdir()
    lock.take(wait=True)
    new.rename(folder)


def _fill(path: Path, size: int) -> None:
    with path.open("wb") as file:
        if size:
            os.posix_fallocate(file.fileno(), 0, size)
