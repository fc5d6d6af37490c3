"""Live figures of a recording: rates, drops, synchronisation of the cameras, and the time left on the disk."""

import math
from collections import deque
from itertools import pairwise
from pathlib import Path

import numpy as np

from storage.episodes.frame_source import FrameSource, StampedFrame
from storage.episodes.writer import EpisodeWriter
from workflows.recording.facts import RecordFigures, ViewFigures

_KEPT = 60  # frames over which the cameras are compared
_RATE_KNOWN_AFTER = 2.0  # s: the first fragments are not representative of the data rate


class WatchedSource:
    """A source of frames that keeps the capture times of its latest ones."""

    def __init__(self, source: FrameSource):
        self._source = source
        self._captured: deque[float] = deque(maxlen=_KEPT)

    @property
    def dropped(self) -> int:
        return self._source.dropped

    @property
    def captured(self) -> np.ndarray:
        """Capture times (n,) of the latest frames, s monotonic, oldest first."""
        return np.array(tuple(self._captured))

    def get(self, timeout: float) -> StampedFrame | None:
        frame = self._source.get(timeout)
        if frame is not None:
            self._captured.append(frame.captured)
        return frame


def figures(writer: EpisodeWriter, sources: list[WatchedSource]) -> RecordFigures:
    """Return the present figures of the recording."""
    progress = writer.progress
    views = tuple(ViewFigures(view.name, view.frames, view.fps, view.dropped, view.late) for view in progress.views)
    written = _size(writer.folder)
    known = progress.elapsed_s > _RATE_KNOWN_AFTER and written > 0
    left = progress.free_bytes / (written / progress.elapsed_s) / 60.0 if known else math.inf
    sync = sync_ms([source.captured for source in sources])
    return RecordFigures(progress.elapsed_s, views, progress.samples, sync, progress.free_bytes, left)


def sync_ms(captured: list[np.ndarray]) -> float:
    """Return the largest median distance in ms from a camera's frames to the nearest ones of the next camera.

    `captured`: per camera the times (n,) s, ascending. NaN while there are not two cameras with frames.
    """
    distances = [_distance(one, other) for one, other in pairwise(captured) if len(one) > 1 and len(other) > 1]
    return 1000.0 * max(distances, default=math.nan)


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    shared = one[(one >= other[0]) & (one <= other[-1])]
    if not len(shared):
        return math.nan
    after = np.clip(np.searchsorted(other, shared), 1, len(other) - 1)
    return float(np.median(np.minimum(abs(other[after] - shared), abs(shared - other[after - 1]))))


def _size(folder: Path) -> int:
    """Return the bytes of the videos; the reserve that is set aside for closing is not counted."""
    return sum(path.stat().st_size for path in folder.glob("*.mp4"))
