"""The guide beside the pictures: what to do at this step, what is still missing, and the one button that comes next."""

import numpy as np
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from foundation.clocks import Clock
from gui.widgets.basics import Button, Card, IconLabel, column, label, row
from gui.widgets.deliberate_press import DeliberateButton
from gui.widgets.facts import Note
from gui.widgets.theme import colours, space

GUIDE_LINES = 25.0  # of text: the guide's width


class GuidePage(Card):
    """A heading, a sentence, whatever the step adds to `middle`, and below it the main button with others before it;
    among them `moves`, the only one that sets the arm going.

    `fills`: whether something in `middle` takes all the room there is. `refresh` is called whenever something changed.
    """

    def __init__(self, heading: str, clock: Clock, *, fills: bool = False):
        super().__init__()
        self.heading, self.words, self.problem = label(heading, "heading", wrap=True), label("", wrap=True), Note()
        self.middle, self.below = QVBoxLayout(), QVBoxLayout()
        self.main = Button("", "primary")
        self.moves = DeliberateButton("", "primary", clock=clock, icon_name="play")
        for button in (self.moves, self.main):  # on every page: nothing else ever stands where `moves` stands
            policy = button.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            button.setSizePolicy(policy)
        self.moves.hide()
        for layout in (self.middle, self.below):
            layout.setSpacing(space(0.4))
        for part in (self.heading, self.words, self.problem):
            self.body.addWidget(part)
        self.body.addLayout(self.middle, 1 if fills else 0)
        if not fills:
            self.body.addStretch(1)
        self.body.addLayout(self.below)
        self.body.addWidget(self.moves)
        self.body.addWidget(self.main)

    def refresh(self) -> None:
        """Show what is so now."""
        raise NotImplementedError

    def say(self, heading: str, words: str, problem: str = "", colour: str = "danger") -> None:
        self.heading.setText(heading)
        self.words.setText(words)
        self.problem.show_words(problem, colour)

    def offer(self, words: str, icon: str, *, enabled: bool = True) -> None:
        """What the main button says now."""
        self.main.setText(words)
        self.main.set_icon(icon)
        self.main.setEnabled(enabled)
        self.main.show()
        self.moves.hide()

    def offer_to_move(self, words: str, *, enabled: bool, icon: str = "play", alone: bool = True) -> None:
        """The next step sets the arm going: its button says so, in a place where none of the others stands. `alone`:
        without the main button."""
        self.moves.setText(words)
        self.moves.set_icon(icon)
        self.moves.setEnabled(enabled)
        self.moves.show()
        self.main.setVisible(not alone)


class CoverageMark(QWidget):
    """The nine ninths of a camera's picture, filled where the board was seen."""

    def __init__(self, lines: float = 1.7):
        super().__init__()
        self._regions = np.zeros((3, 3), bool)
        self._high = space(lines)
        self.setFixedSize(self.sizeHint())
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(round(self._high * 4 / 3), self._high)

    def show_regions(self, regions: np.ndarray) -> None:
        """(3, 3) bool, the picture's upper row first."""
        if not np.array_equal(regions, self._regions):
            self._regions = np.array(regions, bool)
            self.update()
        self.setToolTip(f"The board was seen in {int(self._regions.sum())} of 9 parts of the picture")

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, c = QPainter(self), colours()
        wide, high = self.width() / 3, self.height() / 3
        for i, line in enumerate(self._regions):
            for j, seen in enumerate(line):
                cell = QRectF(j * wide, i * high, wide, high).adjusted(0.75, 0.75, -0.75, -0.75)
                painter.fillRect(cell, c.q("success" if seen else "border"))
        painter.end()


class Meter(QWidget):
    """A name, what there is of what is needed, and a bar."""

    def __init__(self, name: str):
        super().__init__()
        self._text = label("", "small")
        self._bar = QProgressBar(maximum=1000, textVisible=False)
        self._bar.setAccessibleName(name)
        self.setLayout(column(row(label(name, "small"), None, self._text), self._bar, gap=0.1))

    def show_value(self, value: float, needed: float, words: str) -> None:
        self._bar.setValue(round(1000 * min(max(value / needed, 0.0), 1.0)) if needed > 0 else 1000)
        self._text.setText(words)


class CameraNeeds(QWidget):
    """One camera: its name, whether it has what it needs, where it saw the board, and what is missing."""

    def __init__(self, meters: tuple[str, ...]):
        super().__init__()
        self.icon, self.name = IconLabel("cross", "muted"), label("", "figure")
        self.coverage, self.words = CoverageMark(), label("", "small", wrap=True)
        self.meters = {name: Meter(name) for name in meters}
        head = row(self.icon, self.name, None, self.coverage)
        self.setLayout(column(head, row(*self.meters.values(), gap=0.8), self.words, gap=0.15))

    def show_state(self, name: str, complete: bool, regions: np.ndarray, words: str) -> None:
        self.name.setText(name)
        self.icon.show_icon("check" if complete else "info", "success" if complete else "warning")
        self.coverage.show_regions(regions)
        self.words.setText(words[:1].upper() + words[1:])
        self.words.setVisible(bool(words))
