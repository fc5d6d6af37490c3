"""An episode's pictures, decoded when they are looked at: all views of a moment together, or not yet."""

import contextlib
import threading
from collections import OrderedDict

import numpy as np
from PySide6.QtCore import QObject, Signal

from gui.pictures.camera_view import Drawing
from gui.runtime.jobs import Job, Jobs
from storage.errors import DamagedFileError
from storage.video.reader import VideoReader
from workflows.cancellation import Cancellation, Report
from workflows.recording.episode_review import EpisodeReview, ViewPath

_KEPT_BYTES = 120_000_000  # of decoded pictures
_BACK = 8  # frames decoded together when somebody goes backwards: each alone would cost as much
_LOOK_EVERY = 0.2  # s between looks whether the window is closing

Together = tuple[np.ndarray, ...]


class EpisodeFrames(QObject):
    """A film for `gui.player.player.Player` whose pictures come from a job; `arrived` says that one is there.

    What is asked for is decoded, the newest wish first; until it is there the last picture stays, with the drawing that
    belongs to it. `close` ends the job.
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
        """Which moment's pictures were given last, None before the first."""
        return self._shown_frame

    def frame_at(self, moment: float) -> int:
        """The frame shown `moment` s after the first: the last one that has been passed."""
        return max(0, int(np.searchsorted(self.moments - self.moments[0], moment + 1e-9, side="right")) - 1)

    def picture(self, view: int, frame: int) -> np.ndarray:
        """The view's picture at this moment; the one before until it is decoded. Asked for view by view, from 0 on."""
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
        """Recordings have no blobs."""

    def close(self) -> None:
        """Let go of the films; returns at once."""
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
        # A film may end before its list of frames when the disk lost its last fragment.
        return tuple(film.frame(min(int(n), len(film) - 1)) for film, n in zip(films, numbers, strict=True))

    def _keep(self, frame: int, pictures: Together) -> None:
        with self._wish:
            self._kept[frame] = pictures
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


class _ShownWay:
    """A view's way, drawn for the picture that is really shown."""

    def __init__(self, film: EpisodeFrames, way: ViewPath | None):
        self._film, self._way = film, way

    def at(self, frame: int) -> Drawing | None:
        way, shown = self._way, self._film.shown_frame
        if way is None or shown is None:
            return None
        closed = bool(self._film.closed[shown])
        return Drawing(way.path, int(way.passed[shown]), way.tool[shown], closed)
