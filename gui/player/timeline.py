"""Timeline below the views: frames, time's colour map, confidence, gripper state, and marks at findings."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QHelpEvent,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QAbstractSlider, QSizePolicy, QToolTip, QWidget

from gui.pictures.time_colormap import time_colours
from gui.widgets.theme import Colours, colours, em

SURE, UNSURE = 0.75, 0.4  # confidence from which a frame is shown green, and amber
_MOST_RESIDUAL = 6.0  # px of disagreement at the top of the strip; a finding from 3 px on
_NEAR = 6  # px: distance of the pointer within which a mark shows its tool tip


@dataclass(frozen=True)
class Mark:
    """Mark at a frame: `level` is note, warning or refusal."""

    frame: int
    level: str
    sentence: str


@dataclass(frozen=True, eq=False)
class TimelineContent:
    """Contents of a timeline.

    Attributes:
        times: (T,) s, increasing.
        confidence: (T,) in [0, 1] or None; `closed`: (T,) bool, where the gripper is closed.
        residual_px: (T,) disagreement between the views, or None.
    """

    times: np.ndarray
    confidence: np.ndarray | None = None
    closed: np.ndarray | None = None
    marks: tuple[Mark, ...] = field(default=())
    residual_px: np.ndarray | None = None


class Timeline(QAbstractSlider):
    """Slider over frames: click, drag, wheel, arrow keys, Home, End. Its value is always the frame on display."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._content = TimelineContent(np.zeros(1))
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Timeline")
        self.setMouseTracking(True)
        self.setSingleStep(1)
        self.setPageStep(5)
        self.setRange(0, 0)

    def sizeHint(self) -> QSize:
        return QSize(300, round(5.0 * em()))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, round(5.0 * em()))

    def show_content(self, content: TimelineContent) -> None:
        self._content = content
        self.setRange(0, len(content.times) - 1)
        self.setValue(0)
        self.update()

    def frame_at(self, x: float) -> int:
        """Return the frame nearest to the position x px from the left."""
        return int(np.argmin(np.abs(self._places() - x)))

    def place_of(self, frame: int) -> float:
        """Return the position of a frame in px from the left."""
        return float(self._places()[frame])

    # --- Qt ---

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self._go(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.setSliderDown(False)

    def event(self, event) -> bool:
        if isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self._tip(event.pos()), self)
            return True
        return super().event(event)

    def sliderChange(self, change) -> None:
        self.update()
        super().sliderChange(change)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        c, band = colours(), self.band()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(c.q("sunken"))
        painter.drawRoundedRect(band, 4, 4)
        if len(self._content.times) > 1:
            self._draw_confidence(painter, band, c)
            self._draw_residual(painter, band, c)
            self._draw_gripper(painter, band, c)
            self._draw_colours(painter, band)
            self._draw_words(painter, band, c)
            self._draw_seconds(painter, band, c)
            self._draw_marks(painter, band, c)
            self._draw_head(painter, band, c)
        if self.hasFocus():
            painter.setPen(QPen(c.q("accent"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 5, 5)
        painter.end()

    # --- helpers ---

    def band(self) -> QRectF:
        """Return the rectangle of the strip that holds the frames; marks are above it, seconds below."""
        line = em()
        return QRectF(line, 0.95 * line, self.width() - 2 * line, self.height() - 2.0 * line)

    def _places(self) -> np.ndarray:
        """Return the frames' positions (T,) in px from the left."""
        band, times = self.band(), self._content.times
        span = times[-1] - times[0]
        return band.left() + band.width() * (times - times[0]) / (span if span > 0 else 1.0)

    def _go(self, event: QMouseEvent) -> None:
        self.setValue(self.frame_at(event.position().x()))

    def _tip(self, at: QPoint) -> str:
        places = self._places()
        near = [mark for mark in self._content.marks if abs(places[mark.frame] - at.x()) <= _NEAR]
        if near:
            return "\n".join(mark.sentence for mark in near)
        frame, content = self.frame_at(at.x()), self._content
        text = f"{content.times[frame] - content.times[0]:.2f} s, frame {frame + 1} of {len(content.times)}"
        if content.confidence is not None:
            text += f"\nConfidence {100 * content.confidence[frame]:.0f} %"
        if content.residual_px is not None and np.isfinite(content.residual_px[frame]):
            text += f"\nThe views disagree by {content.residual_px[frame]:.1f} px"
        if content.closed is not None:
            text += f"\nGripper {'closed' if content.closed[frame] else 'open'}"
        return text

    def _draw_confidence(self, painter: QPainter, band: QRectF, c: Colours) -> None:
        """Draw the confidence of each frame as a line over an area, green where it is high and red where it is low."""
        if self._content.confidence is None:
            return
        confidence, places = np.nan_to_num(np.clip(self._content.confidence, 0, 1)), self._places()
        bottom, height = band.bottom() - 0.5 * em(), band.height() - 1.55 * em()
        points = [QPointF(x, bottom - height * y) for x, y in zip(places, confidence, strict=True)]
        scale = QLinearGradient(band.left(), 0, band.right(), 0)
        for x, sure in zip(places, confidence, strict=True):
            name = "success" if sure >= SURE else "warning" if sure >= UNSURE else "danger"
            scale.setColorAt(float(np.clip((x - band.left()) / max(band.width(), 1.0), 0, 1)), c.q(name))
        painter.setOpacity(0.25)
        painter.setBrush(scale)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawPolygon(QPolygonF([QPointF(points[0].x(), bottom), *points, QPointF(points[-1].x(), bottom)]))
        painter.setOpacity(1.0)
        painter.setPen(QPen(QBrush(scale), 1.6))
        painter.drawPolyline(QPolygonF(points))

    def _draw_residual(self, painter: QPainter, band: QRectF, c: Colours) -> None:
        """Draw the disagreement of the views as a dotted line; the top of the strip is _MOST_RESIDUAL or more."""
        residual = self._content.residual_px
        if residual is None or not np.isfinite(residual).any():
            return
        share = np.clip(residual / _MOST_RESIDUAL, 0.0, 1.0)
        bottom, height = band.bottom() - 0.5 * em(), band.height() - 1.55 * em()
        painter.setPen(QPen(c.q("text"), 1.2, Qt.PenStyle.DotLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        points = zip(self._places(), share, strict=True)
        painter.drawPolyline(QPolygonF([QPointF(x, bottom - height * y) for x, y in points if np.isfinite(y)]))

    def _draw_gripper(self, painter: QPainter, band: QRectF, c: Colours) -> None:
        """Draw a line along the top while the gripper is closed."""
        if self._content.closed is None:
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(c.q("muted"))
        for first, last in runs(self._content.closed):
            left, right = self.place_of(first), self.place_of(last)
            painter.drawRoundedRect(QRectF(left, band.top() + 1, max(right - left, 3.0), 3), 1.5, 1.5)

    def _draw_words(self, painter: QPainter, band: QRectF, c: Colours) -> None:
        """Draw the legends of the line and the bar."""
        painter.setPen(c.q("muted"))
        painter.setFont(self._small())
        height = 0.9 * em()
        if self._content.confidence is not None:
            inside = QRectF(band.left() + 5, band.bottom() - 0.5 * em() - height, band.width(), height)
            residual = "   ··· views disagree" if self._content.residual_px is not None else ""
            painter.drawText(inside, Qt.AlignmentFlag.AlignLeft, f"confidence{residual}")
        if self._content.closed is not None:
            for first, last in runs(self._content.closed):
                inside = QRectF(self.place_of(first) + 3, band.top() + 3, band.width(), height)
                if self.place_of(last) - self.place_of(first) > 6 * em():
                    painter.drawText(inside, Qt.AlignmentFlag.AlignLeft, "gripper closed")

    def _small(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(0.85 * font.pointSizeF())
        return font

    def _draw_colours(self, painter: QPainter, band: QRectF) -> None:
        """Draw the colour map of the path."""
        scale = QLinearGradient(band.left(), 0, band.right(), 0)
        places, ramp = self._places(), time_colours(len(self._content.times))
        for x, rgb in zip(places, ramp.tolist(), strict=True):
            scale.setColorAt(float(np.clip((x - band.left()) / max(band.width(), 1.0), 0, 1)), QColor(*rgb))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(scale)
        height = 0.4 * em()
        painter.drawRoundedRect(QRectF(band.left(), band.bottom() - height, band.width(), height), 3, 3)

    def _draw_seconds(self, painter: QPainter, band: QRectF, c: Colours) -> None:
        times = self._content.times - self._content.times[0]
        step = next((s for s in (0.5, 1, 2, 5, 10, 20, 60) if times[-1] / s <= band.width() / (5.5 * em())), 120)
        painter.setFont(self._small())
        painter.setPen(c.q("muted"))
        for second in np.arange(0.0, times[-1] + 1e-6, step):
            x = band.left() + band.width() * second / times[-1]
            painter.drawLine(QPointF(x, band.bottom()), QPointF(x, band.bottom() + 3))
            text = f"{second:g} s"
            painter.drawText(QRectF(x - 30, band.bottom() + 2, 60, em()), Qt.AlignmentFlag.AlignCenter, text)

    def _draw_marks(self, painter: QPainter, band: QRectF, c: Colours) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        for mark in self._content.marks:
            x, size = self.place_of(mark.frame), 0.32 * em()
            painter.setBrush(c.q(level_colour(mark.level)))
            tip = QPointF(x, band.top() - 1)
            painter.drawPolygon(QPolygonF([tip, tip + QPointF(size, -1.7 * size), tip + QPointF(-size, -1.7 * size)]))

    def _draw_head(self, painter: QPainter, band: QRectF, c: Colours) -> None:
        x = self.place_of(self.value())
        painter.setPen(QPen(c.q("text"), 2))
        painter.drawLine(QPointF(x, band.top() - 3), QPointF(x, band.bottom() + 2))
        painter.setBrush(c.q("surface"))
        painter.drawEllipse(QPointF(x, band.bottom() - 0.2 * em()), 0.32 * em(), 0.32 * em())


def level_colour(level: str) -> str:
    """Return the theme's colour for a finding's level."""
    return {"refusal": "danger", "warning": "warning"}.get(level, "accent")


def runs(flags: Sequence[bool] | np.ndarray) -> list[tuple[int, int]]:
    """Return first and last index of each run of true values."""
    padded = np.concatenate([[0], np.asarray(flags, int), [0]])
    change = np.diff(padded)
    return list(zip(np.flatnonzero(change == 1).tolist(), (np.flatnonzero(change == -1) - 1).tolist(), strict=True))
