"""An episode in all its views: play, step, scrub, and trim its idle ends."""

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from foundation.errors import KnownError
from gui.episode_film import EpisodeFilm
from gui.jobs import Jobs
from gui.parts import Button, label, row
from gui.theme import space
from gui.timeline import TimelineContent
from gui.trim_timeline import TrimTimeline
from gui.view_player import NOTHING, PATH, ViewPlayer
from workflows.episode_review import EpisodeReview

_KEYS = {Qt.Key.Key_BracketLeft: 0, Qt.Key.Key_BracketRight: 1}


class EpisodePlayer(QWidget):
    """Shows one EpisodeReview. `trimmed` carries what is to be left, s since the episode's start; `moment_changed` the
    s since the episode's start that is shown; `failed` what cannot be played."""

    trimmed = Signal(float, float)
    moment_changed = Signal(float)
    failed = Signal(KnownError)

    def __init__(self, jobs: Jobs):
        super().__init__()
        self._jobs = jobs
        self.timeline = TrimTimeline()
        self.player = ViewPlayer(self, timeline=self.timeline)
        self.player.hide()  # it only steers: its parts stand in this widget's layout
        self.player.controls.offer_overlays((PATH, NOTHING))
        self.film: EpisodeFilm | None = None
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
        """Another episode from the beginning of what is left of it, or none."""
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
        self.film = EpisodeFilm(review, self._jobs, self)
        self.film.arrived.connect(self.player.draw_again, Qt.ConnectionType.QueuedConnection)
        self.film.job.on(failed=self.failed.emit)
        self.player.show_film(self.film)
        self.player.grid.show_words("This episode has no pictures.")
        self.show_span(*review.episode.span)
        self.player.go_to(self.timeline.span[0])

    def show_span(self, start: float, end: float) -> None:
        """What is left of the episode, s since its start."""
        review = self.review
        if review is None:
            return
        self.timeline.show_span(review.moment_near(start), review.moment_near(end))
        self._show_words()

    def take_key(self, key: int) -> bool:
        """The film's own keys, wherever the keyboard is on the screen."""
        acts = {
            **self.player.keys(),
            **{code: lambda handle=handle: self.timeline.trim_here(handle) for code, handle in _KEYS.items()},
        }
        if key not in acts or self.review is None:
            return False
        acts[Qt.Key(key)]()
        return True

    def show_moment(self, seconds: float) -> None:
        """Go to the frame nearest to so many s since the episode's start."""
        if self.review is not None:
            self.player.go_to(self.review.moment_near(seconds))

    def close_film(self) -> None:
        """Let go of the files."""
        self.show_review(None)

    # --- parts ---

    def _trimmed(self, first: int, last: int) -> None:
        review = self.review
        assert review is not None
        # A handle at an end means the end itself, where samples may lie beyond the last picture.
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
