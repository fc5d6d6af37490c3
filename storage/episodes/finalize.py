"""Finalization of a recording: logs and videos become an episode, in the same way after a stop and after a crash."""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from storage.atomic_files import sync_folder
from storage.episodes.documents import FACTS, START, Facts, Started, ViewFacts, read_document, write_document
from storage.episodes.quality import EpisodeData, coverage, examine
from storage.episodes.record_log import read_log
from storage.episodes.samples import SAMPLE, with_poses, write_parquet
from storage.errors import DamagedFileError
from storage.video.writer import cut_to_whole, video_times

SAMPLES, FRAMES, THUMBNAIL, LOCK = "samples.parquet", "frames.parquet", "thumbnail.jpg", "writer.lock"
SAMPLE_LOG = "samples.log"
FRAME = np.dtype([("time", "<f8"), ("number", "<i8"), ("repeated", "u1")])
"""`time` s since the episode's start; `number` the camera's own counter; `repeated`: the very picture before."""
VIEW_FRAME = np.dtype([("view", "<i4"), *((name, FRAME[name]) for name in FRAME.names or ())])


@dataclass(frozen=True)
class Salvage:
    """Result of finalizing a folder. `lost_ms` is from the end of the shortest video to the last data known."""

    facts: Facts
    lost_ms: float

    @property
    def frames(self) -> int:
        return sum(view.frames for view in self.facts.views)


def video_name(view: int) -> str:
    """Return the file name: a camera's name may contain characters that file names must not."""
    return f"view-{view}.mp4"


def frame_log_name(view: int) -> str:
    return f"view-{view}.log"


def finish(folder: Path, *, damage: str = "", films_are_whole: bool = False) -> Salvage:
    """Make the folder an episode: cut torn videos, convert logs to Parquet, write `episode.json` last.

    Resumable after being killed. Raises OSError, or DamagedFileError if the start document of the recording is missing.
    """
    started = read_document(folder, START, Started)
    frames = [_view(folder, view, films_are_whole) for view in range(len(started.new.views))]
    samples = _samples(folder)
    ends = [log["time"][-1] for log in [*frames, samples] if len(log)]
    facts = Facts(
        started=started,
        duration_s=float(max(ends, default=0.0)),
        views=tuple(_facts(view, log) for view, log in enumerate(frames)),
        samples=len(samples),
        size_bytes=0,
        damage=damage,
    )
    data = EpisodeData(started.new, facts.duration_s, frames, samples, damage)
    together = np.concatenate([_marked(view, log) for view, log in enumerate(frames)])
    write_parquet(folder / FRAMES, together)
    write_parquet(folder / SAMPLES, samples)
    # The logs stay until the documents are written: after a crash in between it restarts from them.
    size = sum(path.stat().st_size for path in folder.iterdir() if path.suffix in (".mp4", ".parquet", ".jpg"))
    facts = replace(facts, size_bytes=size, findings=examine(data), coverage=coverage(samples))
    write_document(folder, FACTS, facts)
    for path in folder.glob("*.log"):
        path.unlink()
    sync_folder(folder)
    shortest = min((log["time"][-1] if len(log) else 0.0 for log in frames), default=0.0)
    return Salvage(facts, 1000.0 * max(facts.duration_s - float(shortest), 0.0))


def write_thumbnail(path: Path, rgb: np.ndarray, width: int = 192) -> None:
    """Write a small image for lists. Raises OSError."""
    size = (width, max(round(rgb.shape[0] * width / rgb.shape[1]), 1))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    encoded, data = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
    assert encoded, "a picture of bytes can be encoded"
    path.write_bytes(data.tobytes())


def _view(folder: Path, view: int, film_is_whole: bool) -> np.ndarray:
    """Return the frames (n,) FRAME of a view that are really in its video."""
    film, log = folder / video_name(view), folder / frame_log_name(view)
    if not film.exists() or not log.exists():
        return np.zeros(0, FRAME)
    records = read_log(log, FRAME)
    if film_is_whole:
        return records
    cut_to_whole(film)
    try:
        count = len(video_times(film))
    except DamagedFileError:  # no complete fragment yet: nothing of this view is kept
        count = 0
    return records[:count]


def _samples(folder: Path) -> np.ndarray:
    log = folder / SAMPLE_LOG
    return with_poses(read_log(log, SAMPLE)) if log.exists() else np.zeros(0, SAMPLE)


def _facts(view: int, frames: np.ndarray) -> ViewFacts:
    # A counter that decreased means a restarted camera, not dropped frames.
    dropped = int(np.maximum(np.diff(frames["number"]) - 1, 0).sum()) if len(frames) else 0
    first, last = (float(frames["time"][0]), float(frames["time"][-1])) if len(frames) else (0.0, 0.0)
    return ViewFacts(video_name(view), len(frames), dropped, int(frames["repeated"].sum()), first, last)


def _marked(view: int, frames: np.ndarray) -> np.ndarray:
    marked = np.zeros(len(frames), VIEW_FRAME)
    marked["view"] = view
    for name in FRAME.names or ():
        marked[name] = frames[name]
    return marked
