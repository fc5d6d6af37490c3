"""Video player: all views in step over one timeline, with play, loop, single steps, and a choice of overlays."""

import time
from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QComboBox, QSizePolicy, QWidget

from gui.pictures.view_grid import PictureGrid
from gui.player.playback_clip import Watched
from gui.player.timeline import Mark, Timeline, TimelineContent
from gui.widgets.basics import Button, column, label, row
from gui.widgets.theme import space

SPEEDS = (0.25, 0.5, 1.0, 2.0)
GENERATED, ORIGINAL = "Imagined", "As it is now"
BLOBS_AND_PATH, BLOBS, PATH, NOTHING = "Blobs and path", "Blobs", "Path", "Pictures only"
_TICK_MS = 33  # 30 Hz suffice for the eye, and the 3-D view is redrawn at each tick


class PlayerControls(QWidget):
    """Controls below the timeline. `stepped`: -1 or 1 frames, larger steps go to the ends."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.play = Button("Play", icon_name="play", tip="Play or pause (P)")
        self.play.setMinimumWidth(space(5.5))  # the width stays the same for "Pause" and "Play"
        self.back = Button("", "quiet", icon_name="left", tip="One frame back (left arrow)")
        self.forward = Button("", "quiet", icon_name="right", tip="One frame forward (right arrow)")
        self.loop = Button("Loop", "quiet", icon_name="loop", tip="Begin again at the end (L)")
        self.loop.setCheckable(True)
        self.loop.setChecked(True)
        self.speed, self.shown = QComboBox(), QComboBox()
        for speed in SPEEDS:
            self.speed.addItem(f"{speed:g} x speed", speed)
        self.speed.setCurrentIndex(SPEEDS.index(1.0))
        self.speed.setToolTip("How quickly the film plays; the arm's own speed is chosen after you approve")
        self.shown.addItems([BLOBS_AND_PATH, BLOBS, PATH, NOTHING])
        self.shown.setToolTip("Drawn over the pictures: the model's coloured blobs, the tool's path, or nothing")
        for name, button in (("Back", self.back), ("Forward", self.forward)):
            button.setAccessibleName(f"One frame {name.lower()}")
        self.pictures = QComboBox()
        self.pictures.addItems([GENERATED, ORIGINAL])
        self.pictures.setAccessibleName("Which pictures")
        self.pictures.setToolTip("What the model imagines, or what the cameras saw when it was asked")
        self.pictures.hide()
        self.readout = label("", "muted", name="readout")
        chosen = (self.speed, self.pictures, self.shown)
        self.setLayout(row(self.play, self.back, self.forward, self.loop, *chosen, None, self.readout, gap=0.3))
        for widget in (self.play, self.back, self.forward, self.loop, *chosen):
            widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click must not take the arrow keys from the timeline

    def offer_overlays(self, names: Sequence[str]) -> None:
        """Set the overlays that can be selected for this video."""
        self.shown.clear()
        self.shown.addItems(list(names))


class Player(QWidget):
    """Video player. `frame_changed` is emitted with every frame, `moment_changed` also between them in playback.

    `timeline`: a subclass with more functions than the default.
    """

    frame_changed = Signal(int)
    moment_changed = Signal(float)  # s after the first frame, at full speed

    def __init__(self, parent: QWidget | None = None, *, timeline: Timeline | None = None):
        super().__init__(parent)
        self.grid, self.timeline, self.controls = PictureGrid(), timeline or Timeline(), PlayerControls()
        self.film: Watched | None = None
        self._moment, self._ticked = 0.0, 0.0
        self.below = QWidget()
        self._timer = QTimer(self.below)  # ends with the parts, which screens take into their layouts
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)
        self.timeline.valueChanged.connect(self._show_frame)
        self.timeline.sliderPressed.connect(self.pause)
        controls = self.controls
        controls.play.clicked.connect(self.toggle)
        controls.back.clicked.connect(lambda: self.step(-1))
        controls.forward.clicked.connect(lambda: self.step(1))
        for choice in (controls.shown, controls.pictures):
            choice.currentTextChanged.connect(lambda: self.draw_again())
        self.below.setLayout(column(self.timeline, controls, gap=0.2))
        self.below.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.below.setEnabled(False)

    @property
    def frame(self) -> int:
        return self.timeline.value()

    @property
    def playing(self) -> bool:
        return self._timer.isActive()

    def show_film(self, film: Watched | None, marks: Sequence[Mark] = ()) -> None:
        """Show a video from its beginning, or nothing."""
        self.pause()
        self.film = film
        self.below.setEnabled(film is not None)
        if film is None:
            self.controls.readout.clear()
            return
        seconds = film.moments - film.moments[0]
        self.controls.pictures.setVisible(bool(film.original))
        self.timeline.show_content(
            TimelineContent(seconds, film.confidence, film.closed, tuple(marks), worst(film.residual_px))
        )
        self.show_again()

    def show_progress(self, frame: int) -> None:
        """Move the timeline's position to where a motion is, without changing the images."""
        blocked = self.timeline.blockSignals(True)
        self.timeline.setValue(frame)
        self.timeline.blockSignals(blocked)
        self._show_readout(frame)

    def go_to(self, frame: int) -> None:
        """Pause and show this frame."""
        self.pause()
        self.timeline.setValue(frame)

    def step(self, frames: int) -> None:
        self.go_to(self.frame + frames)

    def play(self) -> None:
        if self.film is None or len(self.film) < 2:
            return
        if self.frame >= len(self.film) - 1:
            self.timeline.setValue(0)
        self._ticked = time.monotonic()
        self._timer.start()
        self._show_playing()

    def pause(self) -> None:
        self._timer.stop()
        self._show_playing()

    def keys(self) -> dict[int, Callable[[], None]]:
        """Return the player's key bindings."""
        return {
            Qt.Key.Key_Left: lambda: self.step(-1),
            Qt.Key.Key_Right: lambda: self.step(1),
            Qt.Key.Key_P: self.toggle,
            Qt.Key.Key_L: self.controls.loop.toggle,
        }

    def toggle(self) -> None:
        if self.playing:
            self.pause()
        else:
            self.play()

    def hideEvent(self, event) -> None:
        self.pause()
        super().hideEvent(event)

    def show_again(self) -> None:
        """Redraw the current frame, after other contents were shown in the images."""
        if self.film is not None:
            self.grid.show_names(self.film.names)
            for picture in self.grid.pictures:
                picture.show_note("as it was when you asked" if self.film.still else "")
                picture.show_light("", "", "")
            self._show_frame(self.frame)

    def draw_again(self) -> None:
        """Redraw the current frame, for example when its images have been decoded."""
        self._draw()

    # --- helpers ---

    def _tick(self) -> None:
        film = self.film
        if film is None:
            return
        now = time.monotonic()
        moment = self._moment + (now - self._ticked) * float(self.controls.speed.currentData())
        self._ticked = now
        end = float(film.moments[-1] - film.moments[0])
        if moment >= end:
            if not self.controls.loop.isChecked():
                self.go_to(len(film) - 1)
                return
            # Show the last frame before starting over, however rarely a busy computer gets here.
            moment = 0.0 if self.frame == len(film) - 1 else end
        frame = film.frame_at(moment)
        if frame != self.frame:
            self.timeline.setValue(frame)
        self._moment = moment
        self.moment_changed.emit(moment)

    def _show_frame(self, frame: int) -> None:
        if self.film is None:
            return
        self._moment = float(self.film.moments[frame] - self.film.moments[0])
        self._draw()
        self._show_readout(frame)
        self.frame_changed.emit(frame)
        self.moment_changed.emit(self._moment)

    def _show_readout(self, frame: int) -> None:
        if self.film is not None:
            seconds = self.film.moments - self.film.moments[0]
            words = f"{seconds[frame]:.2f} of {seconds[-1]:.2f} s   frame {frame + 1} of {len(self.film)}"
            self.controls.readout.setText(words)

    def _draw(self) -> None:
        if self.film is None:
            return
        shown, frame = self.controls.shown.currentText(), self.frame
        for view, picture in enumerate(self.grid.pictures):
            blobs = self.film.layer(view, frame) if shown in (BLOBS, BLOBS_AND_PATH) else None
            original = bool(self.film.original) and self.controls.pictures.currentText() == ORIGINAL
            picture.show_rgb(self.film.original[view] if original else self.film.picture(view, frame), blobs)
            picture.show_drawing(self.film.ways[view].at(frame) if shown in (PATH, BLOBS_AND_PATH) else None)

    def _show_playing(self) -> None:
        self.controls.play.setText("Pause" if self.playing else "Play")
        self.controls.play.set_icon("pause" if self.playing else "play")


def worst(residual_px: np.ndarray | None) -> np.ndarray | None:
    """Return the largest residual over the views per frame, (T, V) -> (T,); NaN where no view has one."""
    if residual_px is None or residual_px.size == 0:
        return None
    filled = np.where(np.isfinite(residual_px), residual_px, -1.0).max(axis=1)
    return np.where(filled < 0.0, np.nan, filled)
