"""Where the tool has been, seen from above and from the side: the more episodes passed a place, the stronger."""

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.theme import Colours, colours, em

_LOW, _HIGH = np.array([-0.35, -0.75, -0.05]), np.array([0.85, 0.75, 0.95])  # m: what the xArm7 reaches on a bench
_FAINTEST = 0.25  # opacity of a place passed once


class WorkspacePicture(QWidget):
    """`show_cells` takes `storage.workspace.visited_cells`; `cell` m is the cubes' edge."""

    def __init__(self, cell: float):
        super().__init__()
        self._cell = cell
        self._cells, self._numbers = np.zeros((0, 3), int), np.zeros(0, int)
        self.setMinimumHeight(round(9 * em()))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Where the tool has been")

    def sizeHint(self) -> QSize:
        return QSize(480, 260)

    @property
    def litres(self) -> float:
        """How much of the workspace was visited."""
        return 1000.0 * self._cell**3 * len(self._cells)

    def show_cells(self, cells: np.ndarray, numbers: np.ndarray) -> None:
        """Cubes (n, 3), and how many episodes (n,) passed each."""
        self._cells, self._numbers = cells, numbers
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        c, half = colours(), self.width() / 2
        # x is ahead of the arm: up in the plan, to the right in the elevation.
        self._draw(painter, QRectF(0, 0, half - em(), self.height()), c, "From above", (1, 0), (-1, 1))
        self._draw(painter, QRectF(half, 0, half, self.height()), c, "From the side", (0, 2), (1, 1))
        painter.end()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()

    def _draw(
        self,
        painter: QPainter,
        room: QRectF,
        c: Colours,
        title: str,
        axes: tuple[int, int],
        signs: tuple[int, int],
    ) -> None:
        """Project along the third axis; `axes` run to the right and up, `signs` -1 where they are turned round."""
        painter.setPen(c.q("muted"))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, title)
        room = room.adjusted(0, 1.3 * em(), 0, 0)
        low, high = _LOW[list(axes)], _HIGH[list(axes)]
        scale = min(room.width() / (high - low)[0], room.height() / (high - low)[1])
        size = scale * (high - low)
        frame = QRectF(room.left(), room.top(), float(size[0]), float(size[1]))
        painter.fillRect(frame, c.q("sunken"))
        places, numbers = projected(self._cells, self._numbers, axes)
        most = max(int(numbers.max(initial=0)), 1)
        painter.setClipRect(frame)
        for place, number in zip(places, numbers, strict=True):
            corner = self._cell * place
            left = corner[0] - low[0] if signs[0] > 0 else high[0] - corner[0] - self._cell
            top = high[1] - corner[1] - self._cell
            colour = c.q("accent")
            colour.setAlphaF(_FAINTEST + (1 - _FAINTEST) * float(np.log1p(number) / np.log1p(most)))
            painter.fillRect(
                QRectF(frame.left() + scale * left, frame.top() + scale * top, scale * self._cell, scale * self._cell),
                colour,
            )
        self._draw_base(painter, frame, c, scale, low, high, signs)
        painter.setClipping(False)

    @staticmethod
    def _draw_base(painter: QPainter, frame: QRectF, c: Colours, scale: float, low, high, signs) -> None:
        """The arm's base at the origin."""
        x = frame.left() + scale * (-low[0] if signs[0] > 0 else high[0])
        y = frame.top() + scale * high[1]
        painter.setPen(QPen(c.q("text"), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QPointF(x, y), 0.06 * scale, 0.06 * scale)
        painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y)) if signs[0] > 0 else None


def projected(cells: np.ndarray, numbers: np.ndarray, axes: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The squares (m, 2) along two axes, and of the cubes (n, 3) over each the most visited one's number (m,)."""
    if not len(cells):
        return np.zeros((0, 2), int), np.zeros(0, int)
    places, which = np.unique(cells[:, list(axes)], axis=0, return_inverse=True)
    most = np.zeros(len(places), int)
    np.maximum.at(most, which.reshape(-1), numbers)
    return places, most
