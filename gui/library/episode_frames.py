"""Frames of an episode, decoded on demand in a job: all views of a time step together."""

import contextlib
import threading
from collections import OrderedDict

import numpy as np
from PySide6.QtCore import QObject, Signal

from gui.pictures.camera_view import Drawing
from gui.player.playback_clip import frame_at
from gui.runtime.jobs import Job, Jobs
from storage.errors import DamagedFileError
from storage.video.reader import VideoReader
from workflows.cancellation import Cancellation, Report
from workflows.recording.episode_review import EpisodeReview, ViewPath

_KEPT_BYTES = 120_000_000  # of decoded frames
_BACK = 8  # frames decoded together when stepping backwards: each alone would cost as much
_LOOK_EVERY = 0.2  # s between checks for the window closing

Together = tuple[np.ndarray, ...]


class EpisodeFrames(QObject):
    """Video for `gui.player.player.Player` with frames from a job; `arrived` is emitted when a frame is available.

    The newest request is decoded first; until then the last frame stays on display, with its own overlay. `close` ends
    the job.
    """

    arrived = Signal()
    confidence = None
    residual_px = None
    original = ()
    still = False

    def __init__(self, review: EpisodeReview, jobs: Jobs, parent: QObject | None = None):
        super().__init__(parent)
        self.review = review
        self.names, self.closed = review.names, review.closed
        self.moments = review.moments
        self.ways = tuple(_ShownWay(self, way) for way in review.ways)
        specs = [review.episode.views[view] for view in review.views]
        self._shown: Together = tuple(np.zeros((spec.height, spec.width, 3), np.uint8) for spec in specs)
        self._shown_frame: int | None = None
        self._kept: OrderedDict[int, Together] = OrderedDict()
        self._most = max(2 * _BACK, _KEPT_BYTES // max(sum(picture.nbytes for picture in self._shown), 1))
        self._wish = threading.Condition()
        self._wanted: int | None = None
        self._closed = False
        self.job: Job = jobs.run(self._decode, name="film")

    def __len__(self) -> int:
        return len(self.moments)

    @property
    def shown_frame(self) -> int | None:
        """Index of the time step returned last, None before the first."""
        return self._shown_frame

    def frame_at(self, moment: float) -> int:
        """Return the frame shown `moment` s after the first: the last one passed by then."""
        return frame_at(self.moments, moment)

    def picture(self, view: int, frame: int) -> np.ndarray:
        """Return a view's image, the previous one until it is decoded.

        Call it for all views in order, starting with 0.
        """
        if view == 0:
            with self._wish:
                found = self._kept.get(frame)
                if found is None:
                    self._wanted = frame
                    self._wish.notify()
                else:
                    self._kept.move_to_end(frame)
                    self._shown, self._shown_frame = found, frame
        return self._shown[view]

    def layer(self, view: int, frame: int) -> None:
        """Return None: recordings have no action images."""

    def close(self) -> None:
        """Close the videos; returns at once."""
        with self._wish:
            self._closed = True
            self._wish.notify()

    # --- in the job's thread ---

    def _decode(self, token: Cancellation, report: Report) -> None:
        review, before = self.review, -1
        with contextlib.ExitStack() as stack:
            films = [stack.enter_context(review.episode.film(view)) for view in review.views]
            if empty := [name for name, film in zip(review.names, films, strict=True) if not len(film)]:
                raise DamagedFileError(f"The film of the camera {empty[0]} is empty: this episode cannot be watched.")
            while (frame := self._next_wish(token)) is not None:
                first = max(frame - _BACK, 0) if frame < before else frame
                for each in range(first, frame + 1):
                    if each == frame or each not in self._kept:
                        self._keep(each, self._together(films, each))
                before = frame
                self.arrived.emit()

    def _next_wish(self, token: Cancellation) -> int | None:
        with self._wish:
            while self._wanted is None:
                if self._closed or token.cancelled:
                    return None
                self._wish.wait(_LOOK_EVERY)
            frame, self._wanted = self._wanted, None
            return None if self._closed or token.cancelled else frame

    def _together(self, films: list[VideoReader], frame: int) -> Together:
        numbers = self.review.frames[:, frame]
        # A video may end before its list of frames when the last fragment was not written to disk.
        return tuple(film.frame(min(int(n), len(film) - 1)) for film, n in zip(films, numbers, strict=True))

    def _keep(self, frame: int, pictures: Together) -> None:
        with self._wish:
            self._kept[frame] = pictures
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


class _ShownWay:
    """Path of a view, drawn for the frame that is actually on display."""

    def __init__(self, film: EpisodeFrames, way: ViewPath | None):
        self._film, self._way = film, way

    def at(self, frame: int) -> Drawing | None:
        way, shown = self._way, self._film.shown_frame
        if way is None or shown is None:
            return None
        closed = bool(self._film.closed[shown])
        return Drawing(way.path, int(way.passed[shown]), way.tool[shown], closed)
