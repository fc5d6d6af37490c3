"""Curve of the tracking error, in mm over the motion's time, with the player's position."""

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QWidget

from gui.widgets.basics import column, label
from gui.widgets.theme import colours, em


class ErrorCurve(QWidget):
    """Plot of the tracking error; `asked` carries a clicked time in s of the motion."""

    asked = Signal(float)

    def __init__(self):
        super().__init__()
        self.words = label("", "muted", wrap=True, name="error words")
        self.board = pg.GraphicsLayoutWidget()
        self.board.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.board.setMinimumHeight(round(6.5 * em()))
        self.board.ci.setContentsMargins(0, 0, 0, 0)
        self.plot: pg.PlotItem = self.board.ci.addPlot(row=0, col=0, enableMenu=False)
        self.plot.hideButtons()
        self.plot.getViewBox().setMouseEnabled(x=False, y=False)
        self.plot.getAxis("left").setWidth(round(2.6 * em()))
        self.line = pg.InfiniteLine(0.0, angle=90)
        self.curve = self.plot.plot([], [], connect="finite")
        self.plot.addItem(self.line, ignoreBounds=True)
        self.board.viewport().installEventFilter(self)
        layout = column(self.words, self.board, gap=0.2)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self._colour()

    def show_error(self, moments: np.ndarray, error_mm: np.ndarray, words: str) -> None:
        """Show the error (n,) mm at times (n,) s, NaN where unknown; `words` summarise it, or say why it is missing."""
        known = error_mm[np.isfinite(error_mm)]
        self.board.setVisible(len(known) > 1)
        self.words.setText(words)
        if len(known) < 2:
            self.curve.setData([], [])
            return
        self.curve.setData(moments, error_mm)
        self.plot.getViewBox().setXRange(float(moments[0]), float(moments[-1]), padding=0.01)
        self.plot.getViewBox().setYRange(0.0, max(1.0, 1.1 * float(known.max())), padding=0.02)

    def show_moment(self, seconds: float) -> None:
        self.line.setValue(seconds)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._colour()

    def eventFilter(self, watched, event: QEvent) -> bool:
        """Handle presses and drags as seeking."""
        if isinstance(event, QMouseEvent) and event.buttons() & Qt.MouseButton.LeftButton:
            box = self.plot.getViewBox()
            at = self.board.mapToScene(event.position().toPoint())
            self.asked.emit(float(box.mapSceneToView(QPointF(at)).x()))
            return True
        return False

    def _colour(self) -> None:
        c = colours()
        self.board.setBackground(c.surface)
        for side in ("left", "bottom"):
            self.plot.getAxis(side).setPen(c.border)
            self.plot.getAxis(side).setTextPen(c.muted)
        self.curve.setPen(pg.mkPen(c.danger, width=1.6))
        self.line.setPen(pg.mkPen(c.text, width=1.3))
