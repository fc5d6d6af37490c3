"""Import of another layout's episodes into the library, atomically."""

import contextlib
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from foundation.clocks import utc_now
from storage.atomic_files import FileLock, explained, sync_folder, write_json
from storage.episodes.documents import LABELS, START, Facts, Labels, Started, write_document
from storage.episodes.finalize import FRAME, SAMPLE_LOG, THUMBNAIL, finish, frame_log_name, video_name, write_thumbnail
from storage.episodes.record_log import RecordLog
from storage.episodes.recovery import COMMIT, INCOMING, commit_import
from storage.episodes.rows import add_episodes
from storage.episodes.samples import SAMPLE
from storage.errors import DamagedFileError
from storage.layouts.interface import ImportedEpisode, Report
from storage.library import Library
from storage.video.writer import VideoWriter


def import_episodes(library: Library, episodes: Iterable[ImportedEpisode], report: Report) -> list[uuid.UUID]:
    """Import episodes and return their ids. On an error of the reader or StorageError of the disk nothing is imported.

    Everything is first staged beside the library; after the commit a crash is completed at the next start.
    """
    staging = library.episodes / INCOMING / f"import-{uuid.uuid4()}"
    lock = FileLock(staging / "lock")
    ready: list[tuple[Facts, Labels]] = []
    try:
        staging.mkdir()
        lock.take(wait=True)
        for number, imported in enumerate(episodes):
            report(f"Importing episode {number + 1}", 0.0)
            ready.append(_prepare(staging, imported))
        if not ready:
            raise DamagedFileError("There was no episode to import.")
        write_json(staging / COMMIT, {"episodes": [facts.started.id for facts, _ in ready]})
        sync_folder(staging)
        commit_import(staging, library.episodes)
    except OSError as error:
        raise explained(error, "The import could not be written") from error
    finally:
        if not (staging / COMMIT).exists():
            shutil.rmtree(staging, ignore_errors=True)
        lock.release()
    with library.database.writing() as session:
        add_episodes(session, ready)
    return [facts.id for facts, _ in ready]


def _prepare(staging: Path, imported: ImportedEpisode) -> tuple[Facts, Labels]:
    identity = str(uuid.uuid4())
    folder = staging / identity
    folder.mkdir()
    recorded_at = imported.recorded_at or utc_now().isoformat()
    write_document(folder, START, Started(identity, 0.0, recorded_at, imported.new))
    lasts = [_film(folder, view, imported, film()) for view, film in enumerate(imported.films)]
    newest = next((last for last in lasts if last is not None), None)
    with contextlib.closing(RecordLog(folder / SAMPLE_LOG, SAMPLE)) as log:
        for sample in imported.samples:
            log.append(sample)
    if newest is not None:
        write_thumbnail(folder / THUMBNAIL, newest)
    facts = finish(folder, films_are_whole=True).facts
    write_document(folder, LABELS, imported.labels)
    return facts, imported.labels


def _film(
    folder: Path, view: int, imported: ImportedEpisode, pictures: Iterable[tuple[float, np.ndarray]]
) -> np.ndarray | None:
    """Write a view's video and log; return its last image, None if it has none."""
    spec = imported.new.views[view]
    writer: VideoWriter | None = None
    newest: np.ndarray | None = None
    with contextlib.closing(RecordLog(folder / frame_log_name(view), FRAME)) as log:
        try:
            for number, (time, rgb) in enumerate(pictures):
                if rgb.shape != (spec.height, spec.width, 3):
                    raise DamagedFileError(f"A picture of the view {spec.name} has the size {rgb.shape[1::-1]}.")
                writer = writer or VideoWriter(folder / video_name(view), spec.width, spec.height)
                record = np.zeros((), FRAME)
                record["time"], record["number"] = time, number
                record["repeated"] = newest is not None and np.array_equal(newest, rgb)
                log.append(record)
                writer.add(rgb, time)
                newest = rgb
        finally:
            if writer is not None:
                writer.close()
    return newest
