"""Player of an episode in all its views: play, step, scrub, and trim idle ends with a two-handled timeline.

Frames outside the handles are trimmed, but stay in the files.
"""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from foundation.errors import KnownError
from gui.library.episode_frames import EpisodeFrames
from gui.player.player import NOTHING, PATH, Player
from gui.player.timeline import Timeline, TimelineContent
from gui.runtime.jobs import Jobs
from gui.widgets.basics import Button, label, row
from gui.widgets.theme import colours, em, space
from workflows.recording.episode_review import EpisodeReview

_NEAR = 8.0  # px: distance within which a press grabs a handle


class TrimTimeline(Timeline):
    """Timeline with handles; `trimmed(first, last)` follows the release of one, or the keys [ and ]."""

    trimmed = Signal(int, int)

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._span = (0, 0)
        self._held: int | None = None  # 0 the first handle, 1 the last
        self._before = (0, 0)

    @property
    def span(self) -> tuple[int, int]:
        """First and last frame after trimming."""
        return self._span

    def show_content(self, content: TimelineContent) -> None:
        super().show_content(content)
        self.show_span(0, len(content.times) - 1)

    def show_span(self, first: int, last: int) -> None:
        """Set the first and last frame after trimming, both inclusive."""
        self._span = (max(first, 0), min(last, self.maximum()))
        self.update()

    def trim_here(self, handle: int) -> None:
        """Move the first (0) or the last (1) handle to the current frame."""
        before = self._span
        self._move_handle(handle, self.value())
        if self._span != before:
            self.trimmed.emit(*self._span)

    # --- Qt ---

    def mousePressEvent(self, event: QMouseEvent) -> None:
        handle = self._handle_at(event.position())
        if event.button() != Qt.MouseButton.LeftButton or handle is None:
            super().mousePressEvent(event)
            return
        self._held, self._before = handle, self._span
        self.setSliderDown(True)
        self.setValue(self._span[handle])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is None:
            near = self._handle_at(event.position()) is not None
            self.setCursor(Qt.CursorShape.SizeHorCursor if near else Qt.CursorShape.ArrowCursor)
            super().mouseMoveEvent(event)
            return
        self._move_handle(self._held, self.frame_at(event.position().x()))
        self.setValue(self._span[self._held])  # the frame at the handle is shown while dragging

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if self._held is not None:
            self._held = None
            if self._span != self._before:
                self.trimmed.emit(*self._span)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.maximum() == 0:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        c, band = colours(), self.band()
        left, right = self.place_of(self._span[0]), self.place_of(self._span[1])
        outside = c.q("window")
        outside.setAlphaF(0.72)
        painter.fillRect(QRectF(band.left(), band.top(), left - band.left(), band.height()), outside)
        painter.fillRect(QRectF(right, band.top(), band.right() - right, band.height()), outside)
        for x, inwards in ((left, 1), (right, -1)):
            painter.setPen(QPen(c.q("accent"), 2))
            painter.drawLine(QPointF(x, band.top() - 2), QPointF(x, band.bottom() + 2))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(c.q("accent"))
            size = 0.42 * em()
            corner = QPointF(x, band.top() - 2)
            painter.drawPolygon(
                QPolygonF([corner, corner + QPointF(-inwards * size, 0), corner + QPointF(-inwards * size, 1.6 * size)])
            )
            painter.drawRect(QRectF(min(x, x - inwards * size), band.top() - 2, size, 1.1 * size))
        painter.end()

    # --- helpers ---

    def _handle_at(self, place: QPointF) -> int | None:
        """Return the handle under the pointer; handles can be grabbed in the upper half of the strip."""
        if self.maximum() == 0 or place.y() > self.band().center().y():
            return None
        away = [abs(self.place_of(frame) - place.x()) for frame in self._span]
        nearest = 0 if away[0] <= away[1] else 1
        return nearest if away[nearest] <= _NEAR else None

    def _move_handle(self, handle: int, frame: int) -> None:
        """Move a handle; at least two frames are kept."""
        first, last = self._span
        if handle == 0:
            self.show_span(min(frame, last - 1), last)
        else:
            self.show_span(first, max(frame, first + 1))


_KEYS = {Qt.Key.Key_BracketLeft: 0, Qt.Key.Key_BracketRight: 1}


class EpisodePlayer(QWidget):
    """Player of one EpisodeReview. Times are in s after the episode's start.

    `trimmed` carries the interval that is kept, `moment_changed` the time on display; `failed`: it cannot be played.
    """

    trimmed = Signal(float, float)
    moment_changed = Signal(float)
    failed = Signal(KnownError)

    def __init__(self, jobs: Jobs):
        super().__init__()
        self._jobs = jobs
        self.timeline = TrimTimeline()
        self.player = Player(self, timeline=self.timeline)
        self.player.hide()  # only the controller: its parts are in this widget's layout
        self.player.controls.offer_overlays((PATH, NOTHING))
        self.film: EpisodeFrames | None = None
        self.review: EpisodeReview | None = None
        self.words = label("", "muted", name="trim words")
        self.trim_idle = Button("Trim idle ends", "quiet", on=self._trim_idle)
        self.trim_idle.setToolTip("Leave only the part in which the arm or the gripper moves; nothing is lost")
        self.untrim = Button("Whole episode", "quiet", on=self._untrim)
        self.untrim.setToolTip("Take the trimming back")
        trim = row(self.words, None, self.trim_idle, self.untrim, gap=0.3)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(space(0.2))
        layout.addWidget(self.player.grid, 1)
        layout.addWidget(self.player.below)
        layout.addLayout(trim)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.timeline.setToolTip("")
        self.timeline.trimmed.connect(self._trimmed)
        self.player.moment_changed.connect(self._moment_changed)

    def show_review(self, review: EpisodeReview | None) -> None:
        """Show another episode from its trimmed start; None clears the player."""
        if self.film is not None:
            self.film.close()
            if self.film.job.running:
                self.film.job.ended.connect(self.film.deleteLater)
            else:
                self.film.deleteLater()
        self.review, self.film = review, None
        self.trim_idle.setEnabled(review is not None and review.idle[1] > review.idle[0])
        if review is None:
            self.untrim.setEnabled(False)
            self.player.show_film(None)
            self.timeline.show_content(TimelineContent(np.zeros(1)))
            self.player.grid.show_names(())
            self.words.clear()
            return
        self.film = EpisodeFrames(review, self._jobs, self)
        self.film.arrived.connect(self.player.draw_again, Qt.ConnectionType.QueuedConnection)
        self.film.job.on(failed=self.failed.emit)
        self.player.show_film(self.film)
        self.player.grid.show_words("This episode has no pictures.")
        self.show_span(*review.episode.span)
        self.player.go_to(self.timeline.span[0])

    def show_span(self, start: float, end: float) -> None:
        """Set the interval that is kept, s after the episode's start."""
        review = self.review
        if review is None:
            return
        self.timeline.show_span(review.moment_near(start), review.moment_near(end))
        self._show_words()

    def take_key(self, key: int) -> bool:
        """Handle the player's keys, wherever the focus is on the screen."""
        acts = {
            **self.player.keys(),
            **{code: lambda handle=handle: self.timeline.trim_here(handle) for code, handle in _KEYS.items()},
        }
        if key not in acts or self.review is None:
            return False
        acts[Qt.Key(key)]()
        return True

    def show_moment(self, seconds: float) -> None:
        """Show the frame nearest to a time in s after the episode's start."""
        if self.review is not None:
            self.player.go_to(self.review.moment_near(seconds))

    def close_film(self) -> None:
        """Close the video files."""
        self.show_review(None)

    # --- helpers ---

    def _trimmed(self, first: int, last: int) -> None:
        review = self.review
        assert review is not None
        # A handle at an end means the end of the episode, where samples may extend beyond the last frame.
        start = 0.0 if first == 0 else float(review.moments[first])
        end = float(review.moments[last])
        if last == len(review.moments) - 1:
            end = review.episode.facts.duration_s
        self._show_words()
        self.trimmed.emit(start, end)

    def _trim_idle(self) -> None:
        review = self.review
        if review is not None:
            self.timeline.show_span(review.moment_near(review.idle[0]), review.moment_near(review.idle[1]))
            self._trimmed(*self.timeline.span)

    def _untrim(self) -> None:
        if self.review is not None:
            self.timeline.show_span(0, self.timeline.maximum())
            self._trimmed(*self.timeline.span)

    def _show_words(self) -> None:
        review, (first, last) = self.review, self.timeline.span
        assert review is not None
        whole = (first, last) == (0, self.timeline.maximum())
        left = float(review.moments[last] - review.moments[first])
        all_ = float(review.moments[-1] - review.moments[0])
        self.words.setText(
            "Drag the blue handles to trim, or press [ and ]" if whole else f"{left:.1f} s of {all_:.1f} s are used"
        )
        self.untrim.setEnabled(not whole)

    def _moment_changed(self, moment: float) -> None:
        if self.review is not None:
            self.moment_changed.emit(moment + float(self.review.moments[0]))
