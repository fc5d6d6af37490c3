"""What the solver could not explain: each camera's residuals about zero, and where in its picture they are."""

from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QWidget

from gui.parts import column, label
from gui.theme import colours, em

if TYPE_CHECKING:  # loaded with the solver
    from workflows.calibrate import CalibrationReport, CameraReport

_LARGER = 60.0  # how many times larger than the picture the residuals in it are drawn
_MOST = 1500  # points of a plot
_RANGE_PX = 1.0  # about zero; what lies outside is drawn at the edge


class ResidualPlots(QWidget):
    """Two plots for each camera, side by side."""

    def __init__(self):
        super().__init__()
        self.board = pg.GraphicsLayoutWidget()
        self.board.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.board.ci.setContentsMargins(0, 0, 0, 0)
        self.words = label("", "muted", wrap=True)
        self.setLayout(column(self.words, self.board, gap=0.4))
        self._report: CalibrationReport | None = None

    def show_report(self, report: "CalibrationReport | None") -> None:
        self._report = report
        self._draw()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw()

    def _draw(self) -> None:
        c = colours()
        self.board.setBackground(c.surface)
        self.board.ci.clear()
        report = self._report
        self.words.setText(
            ""
            if report is None
            else "Above: how far each corner lies from where it should, in px; a round cloud of less than half a pixel "
            f"is good. Below: where in the picture, drawn {_LARGER:.0f} times larger; arrows that agree mean "
            "a wrong lens."
        )
        for place, camera in enumerate(() if report is None else report.cameras):
            self._scatter(place, camera)
            self._in_picture(place, camera)

    def _scatter(self, place: int, camera: "CameraReport") -> None:
        plot = self._plot(0, place, f"{camera.name}: {_rms(camera.residuals_px):.2f} px")
        shown = np.clip(_some(camera.residuals_px), -_RANGE_PX, _RANGE_PX)
        accent = pg.mkColor(colours().accent)
        accent.setAlpha(90)
        plot.plot(*shown.T, pen=None, symbol="o", symbolSize=4, symbolPen=None, symbolBrush=accent)
        turn = np.linspace(0.0, 2 * np.pi, 73)
        pen = pg.mkPen(colours().muted, width=1, style=Qt.PenStyle.DashLine)
        plot.plot(0.5 * np.cos(turn), 0.5 * np.sin(turn), pen=pen)
        plot.getViewBox().setAspectLocked(True)
        plot.getViewBox().setRange(xRange=(-_RANGE_PX, _RANGE_PX), yRange=(-_RANGE_PX, _RANGE_PX), padding=0.02)

    def _in_picture(self, place: int, camera: "CameraReport") -> None:
        plot = self._plot(1, place, "")
        pixels, residuals = _some(camera.pixels), _some(camera.residuals_px)
        ends = np.stack([pixels, pixels + _LARGER * residuals], axis=1).reshape(-1, 2)
        plot.plot(*ends.T, connect="pairs", pen=pg.mkPen(colours().accent, width=1))
        wide, high = camera.intrinsics.width, camera.intrinsics.height
        frame = np.array([[0, 0], [wide, 0], [wide, high], [0, high], [0, 0]])
        plot.plot(*frame.T, pen=pg.mkPen(colours().border, width=1))
        plot.getViewBox().invertY(True)  # as the picture is seen
        plot.getViewBox().setAspectLocked(True)
        plot.getViewBox().setRange(xRange=(0, wide), yRange=(0, high), padding=0.03)

    def _plot(self, line: int, place: int, title: str) -> pg.PlotItem:
        plot = self.board.ci.addPlot(row=line, col=place)
        c = colours()
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.getViewBox().setMouseEnabled(False, False)
        for side in ("left", "bottom"):
            axis = plot.getAxis(side)
            axis.setPen(c.border)
            axis.setTextPen(c.muted)
            axis.setStyle(tickLength=-4)
        if title:
            plot.setTitle(f'<span style="color: {c.text}; font-size: {round(0.75 * em())}px">{escape(title)}</span>')
        return plot


def _some(rows: np.ndarray) -> np.ndarray:
    """At most so many that they can be drawn at once, spread evenly."""
    return np.asarray(rows)[:: 1 + len(rows) // _MOST]


def _rms(residuals: np.ndarray) -> float:
    return float(np.sqrt((np.asarray(residuals) ** 2).sum(axis=1).mean())) if len(residuals) else 0.0
