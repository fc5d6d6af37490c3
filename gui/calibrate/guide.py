"""Guide beside the images: instructions for the step, what is still missing, and the button for the next step."""

import numpy as np
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from foundation.clocks import Clock
from gui.widgets.basics import Button, Card, IconLabel, column, label, row
from gui.widgets.deliberate_press import DeliberateButton
from gui.widgets.facts import Note
from gui.widgets.theme import colours, space

GUIDE_LINES = 25.0  # width of the guide in lines of text


class GuidePage(Card):
    """Page with heading, text, `middle` for the step's own contents, other buttons in `below`, `moves` and `main`.

    `moves` is the only button that moves the arm. `fills`: something in `middle` takes all the space. `refresh` is
    called at every change.
    """

    def __init__(self, heading: str, clock: Clock, *, fills: bool = False):
        super().__init__()
        self.heading, self.words, self.problem = label(heading, "heading", wrap=True), label("", wrap=True), Note()
        self.middle, self.below = QVBoxLayout(), QVBoxLayout()
        self.main = Button("", "primary")
        self.moves = DeliberateButton("", "primary", clock=clock, icon_name="play")
        for button in (self.moves, self.main):  # reserved on every page: no other control is ever where `moves` is
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
        """Update the page to the present state."""
        raise NotImplementedError

    def say(self, heading: str, words: str, problem: str = "", colour: str = "danger") -> None:
        self.heading.setText(heading)
        self.words.setText(words)
        self.problem.show_words(problem, colour)

    def offer(self, words: str, icon: str, *, enabled: bool = True) -> None:
        """Set the main button's text, icon and state."""
        self.main.setText(words)
        self.main.set_icon(icon)
        self.main.setEnabled(enabled)
        self.main.show()
        self.moves.hide()

    def offer_to_move(self, words: str, *, enabled: bool, icon: str = "play", alone: bool = True) -> None:
        """Show `moves`, in a place of its own, as the button of the next step; `alone`: without the main button."""
        self.moves.setText(words)
        self.moves.set_icon(icon)
        self.moves.setEnabled(enabled)
        self.moves.show()
        self.main.setVisible(not alone)


class CoverageMark(QWidget):
    """Coverage of a camera's image by the board, as a 3 x 3 grid."""

    def __init__(self, lines: float = 1.7):
        super().__init__()
        self._regions = np.zeros((3, 3), bool)
        self._high = space(lines)
        self.setFixedSize(self.sizeHint())
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(round(self._high * 4 / 3), self._high)

    def show_regions(self, regions: np.ndarray) -> None:
        """Show the covered regions (3, 3) bool, the top row of the image first."""
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
    """Progress bar with a name, the present and the required value."""

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
    """Requirements of one camera: name, completeness, coverage by the board, and what is missing."""

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
