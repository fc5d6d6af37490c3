"""Residuals of the calibration: each camera's scatter about zero, and their distribution over its image."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from gui.widgets.basics import column, label
from gui.widgets.theme import colours, em, space

if TYPE_CHECKING:  # imported with the solver
    from workflows.calibration.calibrate import CalibrationReport, CameraReport

_LARGER = 60.0  # magnification of the residuals drawn in the image
_MOST = 1500  # points of a plot
_RANGE_PX, _GOOD_PX = 1.0, 0.5  # about zero; residuals outside the range are drawn at its edge


class ResidualPlots(QWidget):
    """Two plots per camera, side by side.

    They are painted directly: creating pyqtgraph plots takes 250 ms, in which no heartbeat is sent and the arm is
    stopped.
    """

    def __init__(self):
        super().__init__()
        self.words = label("", "muted", wrap=True)
        self.cameras: list[CameraResiduals] = []
        self._side_by_side = QHBoxLayout()
        self._side_by_side.setSpacing(space(0.6))
        board = QWidget()
        board.setLayout(self._side_by_side)
        self._side_by_side.setContentsMargins(0, 0, 0, 0)
        layout = column(self.words, board, gap=0.4)
        layout.setStretch(1, 1)
        self.setLayout(layout)

    def show_report(self, report: "CalibrationReport | None") -> None:
        for old in self.cameras:
            self._side_by_side.removeWidget(old)
            old.hide()  # else it stays visible until it is deleted
            old.deleteLater()
        self.cameras = [] if report is None else [CameraResiduals(camera) for camera in report.cameras]
        for each in self.cameras:
            self._side_by_side.addWidget(each)
        self.words.setText(
            ""
            if report is None
            else "Above: how far each corner lies from where it should; a round cloud within the dashed circle is "
            f"good. Below: where in the picture, drawn {_LARGER:.0f} times larger; lines that agree in a region mean "
            "that the lens is not known well."
        )


class CameraResiduals(QWidget):
    """Two plots of one camera under its `title`."""

    def __init__(self, camera: "CameraReport"):
        super().__init__()
        self.title = f"{camera.name}: {_rms(camera.residuals_px):.2f} px"
        self.setAccessibleName(f"Residuals of {self.title}")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._size = camera.intrinsics.width, camera.intrinsics.height
        pixels, residuals = _some(camera.pixels), _some(camera.residuals_px)
        self._cloud = np.clip(residuals, -_RANGE_PX, _RANGE_PX)
        self._lines = np.concatenate([pixels, pixels + _LARGER * residuals], axis=1)

    def sizeHint(self) -> QSize:
        return QSize(space(12), space(22))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, c, line = QPainter(self), colours(), 1.3 * em()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(c.q("text"))
        painter.drawText(QRectF(0, 0, self.width(), line), Qt.AlignmentFlag.AlignCenter, self.title)
        high = 0.5 * (self.height() - 1.5 * line) - 2
        cloud = _fitted(QRectF(0, line, self.width(), high), 1.0)
        self._paint_cloud(painter, cloud)
        below = QRectF(0, cloud.bottom() + 0.5 * line, self.width(), high)
        self._paint_picture(painter, _fitted(below, self._size[0] / self._size[1]))
        painter.end()

    def _paint_cloud(self, painter: QPainter, frame: QRectF) -> None:
        c, middle, scale = colours(), frame.center(), 0.5 * frame.width() / _RANGE_PX
        _paint_frame(painter, frame)
        painter.drawLine(QPointF(frame.left(), middle.y()), QPointF(frame.right(), middle.y()))
        painter.drawLine(QPointF(middle.x(), frame.top()), QPointF(middle.x(), frame.bottom()))
        shown = self._cloud * scale + (middle.x(), middle.y())
        accent = c.q("accent")
        accent.setAlpha(110)
        painter.setPen(QPen(accent, 4.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPoints(QPolygonF([QPointF(x, y) for x, y in shown.tolist()]))
        painter.setPen(QPen(c.q("muted"), 1.0, Qt.PenStyle.DashLine))
        painter.drawEllipse(middle, _GOOD_PX * scale, _GOOD_PX * scale)
        painter.drawText(middle + QPointF(0.72 * _GOOD_PX * scale + 3, -0.72 * _GOOD_PX * scale), f"{_GOOD_PX:g} px")
        _name_corner(painter, frame, f"± {_RANGE_PX:g} px")

    def _paint_picture(self, painter: QPainter, frame: QRectF) -> None:
        scale = frame.width() / self._size[0]
        _paint_frame(painter, frame)
        painter.save()
        painter.setClipRect(frame)
        shown = self._lines * scale + np.tile((frame.left(), frame.top()), 2)
        painter.setPen(QPen(colours().q("accent"), 1.0))
        painter.drawLines([QLineF(*ends) for ends in shown.tolist()])
        painter.restore()
        _name_corner(painter, frame, f"{self._size[0]} × {self._size[1]} px")


def _paint_frame(painter: QPainter, frame: QRectF) -> None:
    painter.setPen(QPen(colours().q("border"), 1.0))
    painter.setBrush(colours().q("surface"))
    painter.drawRect(frame)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _name_corner(painter: QPainter, frame: QRectF, words: str) -> None:
    """Label the extent of a frame in its lower right corner, on a translucent background."""
    metrics = QFontMetricsF(painter.font())
    size = QRectF(0, 0, metrics.horizontalAdvance(words) + 6, metrics.height())
    size.moveBottomRight(frame.bottomRight() - QPointF(1, 1))
    ground = colours().q("surface")
    ground.setAlpha(200)
    painter.fillRect(size, ground)
    painter.setPen(colours().q("muted"))
    painter.drawText(size, Qt.AlignmentFlag.AlignCenter, words)


def _fitted(room: QRectF, shape: float) -> QRectF:
    """Return the largest rectangle with aspect ratio `shape`, at the top of the area and centred horizontally."""
    wide = min(room.width() - 2, shape * room.height())
    return QRectF(room.center().x() - wide / 2, room.top(), wide, wide / shape)


def _some(rows: np.ndarray) -> np.ndarray:
    """Subsample rows evenly to a number that can be drawn at once."""
    return np.asarray(rows)[:: 1 + len(rows) // _MOST]


def _rms(residuals: np.ndarray) -> float:
    return float(np.sqrt((np.asarray(residuals) ** 2).sum(axis=1).mean())) if len(residuals) else 0.0
