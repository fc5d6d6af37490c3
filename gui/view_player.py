"""All views of a film in step over one timeline: play, loop, step frame by frame, and choose what is drawn."""

import math
import time
from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QGridLayout, QSizePolicy, QWidget

from gui.film import Film
from gui.parts import Button, column, label, row
from gui.picture import Picture
from gui.theme import space
from gui.timeline import Mark, Timeline, TimelineContent

SPEEDS = (0.25, 0.5, 1.0, 2.0)
BLOBS_AND_PATH, BLOBS, PATH, NOTHING = "Blobs and path", "Blobs", "Path", "Pictures only"
_TICK_MS = 16


class PictureGrid(QWidget):
    """Pictures of equal size, as square an arrangement as their number allows."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(space(0.4))
        self.pictures: tuple[Picture, ...] = ()

    def show_names(self, names: Sequence[str]) -> tuple[Picture, ...]:
        """One picture for each name; those there are kept where the names are the same."""
        if tuple(picture.name for picture in self.pictures) != tuple(names):
            for picture in self.pictures:
                self._grid.removeWidget(picture)
                picture.deleteLater()
            self.pictures = tuple(Picture(name) for name in names)
            columns = max(1, math.ceil(math.sqrt(len(names))))
            for i, picture in enumerate(self.pictures):
                self._grid.addWidget(picture, i // columns, i % columns)
        return self.pictures


class PlayerControls(QWidget):
    """The buttons under the timeline. `stepped`: -1 or 1 frames, larger jumps mean the ends."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.play = Button("Play", icon_name="play", tip="Play or pause (P)")
        self.play.setMinimumWidth(space(5.5))  # "Pause" and "Play" keep it in place
        self.back = Button("", "quiet", icon_name="left", tip="One picture back (left arrow)")
        self.forward = Button("", "quiet", icon_name="right", tip="One picture forward (right arrow)")
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
            button.setAccessibleName(f"One picture {name.lower()}")
        self.readout = label("", "muted", name="readout")
        self.setLayout(
            row(self.play, self.back, self.forward, self.loop, self.speed, self.shown, None, self.readout, gap=0.3)
        )
        for widget in (self.play, self.back, self.forward, self.loop, self.speed, self.shown):
            widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click must not take the arrow keys from the timeline


class ViewPlayer(QWidget):
    """Watch a film. `frame_changed` comes with every frame shown, `moment_changed` also between them while playing."""

    frame_changed = Signal(int)
    moment_changed = Signal(float)  # s from the first frame, at full speed

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.grid, self.timeline, self.controls = PictureGrid(), Timeline(), PlayerControls()
        self.film: Film | None = None
        self._moment, self._ticked = 0.0, 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)
        self.timeline.valueChanged.connect(self._show_frame)
        self.timeline.sliderPressed.connect(self.pause)
        controls = self.controls
        controls.play.clicked.connect(self.toggle)
        controls.back.clicked.connect(lambda: self.step(-1))
        controls.forward.clicked.connect(lambda: self.step(1))
        controls.shown.currentTextChanged.connect(lambda: self._draw())
        self.below = QWidget()
        self.below.setLayout(column(self.timeline, controls, gap=0.2))
        self.below.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.below.setEnabled(False)

    @property
    def frame(self) -> int:
        return self.timeline.value()

    @property
    def playing(self) -> bool:
        return self._timer.isActive()

    def show_film(self, film: Film | None, marks: Sequence[Mark] = ()) -> None:
        """The film from its beginning, or nothing."""
        self.pause()
        self.film = film
        self.below.setEnabled(film is not None)
        if film is None:
            self.controls.readout.clear()
            return
        self.grid.show_names(film.names)
        for picture in self.grid.pictures:
            picture.show_note("present picture" if film.still else "")
        seconds = film.moments - film.moments[0]
        self.timeline.show_content(TimelineContent(seconds, film.confidence, film.closed, tuple(marks)))
        self._show_frame(0)

    def go_to(self, frame: int) -> None:
        """Show exactly this frame and stay there."""
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

    def toggle(self) -> None:
        if self.playing:
            self.pause()
        else:
            self.play()

    def hideEvent(self, event) -> None:
        self.pause()
        super().hideEvent(event)

    def handle_key(self, event: QKeyEvent) -> bool:
        """Keys that work wherever the focus is on the screen, text fields apart. Whether it was one of them."""
        act = {
            Qt.Key.Key_Left: lambda: self.step(-1),
            Qt.Key.Key_Right: lambda: self.step(1),
            Qt.Key.Key_Home: lambda: self.go_to(0),
            Qt.Key.Key_End: lambda: self.go_to(self.timeline.maximum()),
            Qt.Key.Key_P: self.toggle,
            Qt.Key.Key_L: self.controls.loop.toggle,
        }.get(Qt.Key(event.key()))
        if act is None or self.film is None or event.modifiers() not in _PLAIN:
            return False
        act()
        return True

    # --- parts ---

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
            moment = 0.0
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
        end = float(self.film.moments[-1] - self.film.moments[0])
        self.controls.readout.setText(f"{self._moment:.2f} of {end:.2f} s   picture {frame + 1} of {len(self.film)}")
        self.frame_changed.emit(frame)
        self.moment_changed.emit(self._moment)

    def _draw(self) -> None:
        if self.film is None:
            return
        shown, frame = self.controls.shown.currentText(), self.frame
        for view, picture in enumerate(self.grid.pictures):
            blobs = self.film.layer(view, frame) if shown in (BLOBS, BLOBS_AND_PATH) else None
            picture.show_rgb(self.film.picture(view, frame), blobs)
            picture.show_drawing(self.film.ways[view].at(frame) if shown in (PATH, BLOBS_AND_PATH) else None)

    def _show_playing(self) -> None:
        self.controls.play.setText("Pause" if self.playing else "Play")
        self.controls.play.set_icon("pause" if self.playing else "play")


_PLAIN = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
