"""Camera image widget, scaled to fit, with overlays: an action image layer, the motion's path, markers."""

from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.pictures.time_colormap import time_colours
from gui.widgets.theme import colours, em

_AXES = (QColor(255, 70, 60), QColor(70, 230, 80), QColor(80, 150, 255))
ACTUAL = QColor(255, 80, 220)  # measured position of the arm; unlike any other colour of the overlay
EXPECTED = QColor(60, 225, 235)  # expected outline
FOUND = QColor(90, 235, 110)  # detected outline


@dataclass(frozen=True, eq=False)
class Drawing:
    """Overlay of an image, in its pixels: arrays (n, 2), NaN where a point is not visible.

    Attributes:
        path: planned path, coloured by time; `passed`: index up to which it is drawn opaque, None for all of it.
        tool: origin and axis tips of the current tool pose (4, 2); `closed`: whether the gripper is closed.
        trail: measured path of the tool; its last point is the current one.
        outlines: closed polygons (n, 2) of what is expected to be visible; `found`: of what was detected.
    """

    path: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    passed: int | None = None
    tool: np.ndarray | None = None
    closed: bool = False
    trail: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    outlines: tuple[np.ndarray, ...] = ()
    found: tuple[np.ndarray, ...] = ()


class Picture(QWidget):
    """Shows rgb (H, W, 3) uint8 with a name in its corner; for `None` it shows a text instead.

    `clicked` carries the position x, y of a press in image pixels.
    """

    clicked = Signal(float, float)

    def __init__(self, name: str = "", parent: QWidget | None = None):
        super().__init__(parent)
        self.name, self._note, self._note_colour = name, "", "muted"
        self._words = "no picture yet"
        self._rgb: np.ndarray | None = None
        self._layer: np.ndarray | None = None
        self._drawing: Drawing | None = None
        self._light: tuple[str, str] | None = None
        self.setMinimumSize(160, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(f"Camera {name}")

    def sizeHint(self) -> QSize:
        return QSize(320, 240)

    @property
    def rgb(self) -> np.ndarray | None:
        """Image on display, without overlays."""
        return self._rgb

    @property
    def drawing(self) -> Drawing | None:
        return self._drawing

    def show_rgb(self, rgb: np.ndarray | None, layer: np.ndarray | None = None) -> None:
        """Show an image (H, W, 3) uint8, and an alpha-blended layer (h, w, 4) uint8 of the same aspect ratio."""
        self._rgb = None if rgb is None else np.ascontiguousarray(rgb)
        self._layer = None if layer is None else np.ascontiguousarray(layer)
        self.update()

    def show_drawing(self, drawing: Drawing | None) -> None:
        self._drawing = drawing
        self.update()

    def show_words(self, words: str) -> None:
        """Set the text that is shown while there is no image."""
        self._words = words
        self.update()

    def show_note(self, note: str, colour: str = "muted") -> None:
        """Show a short note beside the name, such as the age of a live frame, in a colour of the theme."""
        if (note, colour) != (self._note, self._note_colour):
            self._note, self._note_colour = note, colour
            self.update()

    def show_light(self, colour: str, words: str, sentence: str) -> None:
        """Show a status light in a theme `colour` with a short text and a tool tip; '' as colour removes it."""
        light = (colour, words) if colour else None
        if light != self._light:
            self._light = light
            self.update()
        self.setToolTip(sentence)

    # --- Qt ---

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._rgb is None or event.button() != Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        height, width = self._rgb.shape[:2]
        where = self._where(width, height)
        if where.contains(event.position()):
            at = (event.position() - where.topLeft()) * (width / where.width())
            self.clicked.emit(at.x() - 0.5, at.y() - 0.5)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        c, frame = colours(), QRectF(self.rect())
        outline = QPainterPath()
        outline.addRoundedRect(frame, 6, 6)
        painter.fillPath(outline, c.q("sunken"))
        if self._rgb is None:
            painter.setPen(c.q("muted"))
            painter.drawText(frame.adjusted(12, 12, -12, -12), _CENTRED, self._words)
        else:
            painter.setClipPath(outline)
            where = self._where(self._rgb.shape[1], self._rgb.shape[0])
            painter.drawImage(where, _image(self._rgb))
            if self._layer is not None:
                painter.drawImage(where, _image(self._layer))
            if self._drawing is not None:
                painter.setClipRect(where, Qt.ClipOperation.IntersectClip)
                self._draw(painter, self._drawing, where, where.width() / self._rgb.shape[1])
                painter.setClipPath(outline)
        self._draw_name(painter)
        if self._light is not None:
            self._draw_light(painter, *self._light)
        painter.end()

    def _where(self, width: int, height: int) -> QRectF:
        """Return the rectangle of an image of this size, scaled to fit and centred."""
        scale = min(self.width() / width, self.height() / height)
        size = (width * scale, height * scale)
        return QRectF((self.width() - size[0]) / 2, (self.height() - size[1]) / 2, *size)

    def _draw(self, painter: QPainter, drawing: Drawing, where: QRectF, scale: float) -> None:
        def placed(pixels: np.ndarray) -> list[QPointF | None]:
            known = np.abs(pixels).max(axis=-1, initial=0.0) < 1e5  # also false for NaN
            shown = (pixels + 0.5) * scale + (where.left(), where.top())
            return [QPointF(*point) if ok else None for point, ok in zip(shown.tolist(), known, strict=True)]

        unit = max(1.0, where.height() / 240)
        for outline in drawing.outlines:
            _closed_line(painter, placed(outline), EXPECTED, unit)
        for outline in drawing.found:
            _closed_line(painter, placed(outline), FOUND, unit)
        self._draw_path(painter, placed(drawing.path), drawing.passed, unit)
        trail = placed(drawing.trail)
        painter.setPen(QPen(ACTUAL, 1.6 * unit))
        painter.drawPolyline(QPolygonF([point for point in trail if point is not None]))
        if drawing.tool is not None:
            origin, *tips = placed(drawing.tool)
            for tip, colour in zip(tips, _AXES, strict=True):
                _line(painter, origin, tip, QColor(0, 0, 0, 150), 3.4 * unit)
                _line(painter, origin, tip, colour, 2.0 * unit)
            _disc(painter, origin, 3.2 * unit, QColor("white"), filled=drawing.closed)
        if trail:
            _disc(painter, trail[-1], 2.6 * unit, ACTUAL, filled=True)

    @staticmethod
    def _draw_path(painter: QPainter, points: list[QPointF | None], passed: int | None, unit: float) -> None:
        ramp = time_colours(max(len(points) - 1, 1)).tolist()
        pieces = list(zip(points[:-1], points[1:], ramp, strict=False))
        for start, end, _ in pieces:
            _line(painter, start, end, QColor(0, 0, 0, 110), 3.6 * unit)
        for i, (start, end, rgb) in enumerate(pieces):
            colour = QColor(*rgb)
            colour.setAlphaF(1.0 if passed is None or i < passed else 0.45)
            _line(painter, start, end, colour, 2.0 * unit)

    def _draw_name(self, painter: QPainter) -> None:
        text, gap = self.name, 0.35 * em()
        metrics = QFontMetricsF(painter.font())
        width = metrics.horizontalAdvance(text)
        note = f"  {self._note}" if self._note else ""
        chip = QRectF(6, 6, width + metrics.horizontalAdvance(note) + 2 * gap, 1.25 * em())
        if not text:
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 150))
        painter.drawRoundedRect(chip, 4, 4)
        painter.setPen(QColor("white"))
        inside = chip.adjusted(gap, 0, 0, 0)
        painter.drawText(inside, _LEFT, text)
        if note:
            painter.setPen(_bright(self._note_colour))
            painter.drawText(inside.adjusted(width, 0, 0, 0), _LEFT, note)

    def _draw_light(self, painter: QPainter, colour: str, words: str) -> None:
        gap, radius = 0.35 * em(), 0.3 * em()
        width = QFontMetricsF(painter.font()).horizontalAdvance(words) + 3 * gap + 2 * radius
        chip = QRectF(6, self.height() - 1.25 * em() - 6, width, 1.25 * em())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 150))
        painter.drawRoundedRect(chip, 4, 4)
        painter.setBrush(_bright(colour))
        painter.drawEllipse(QPointF(chip.left() + gap + radius, chip.center().y()), radius, radius)
        painter.setPen(QColor("white"))
        painter.drawText(chip.adjusted(2 * gap + 2 * radius, 0, 0, 0), _LEFT, words)


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_CENTRED = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap


def _bright(colour: str) -> QColor:
    """Return a variant of a theme colour that is legible on a dark ground in either theme."""
    bright = {"danger": "#ff8a80", "warning": "#f0bd55", "success": "#8fe0b0", "accent": "#8ab4ff"}
    return QColor(bright.get(colour, "#d0d4da"))


def _image(pixels: np.ndarray) -> QImage:
    """Wrap an array in a QImage without copying; the array must outlive it."""
    height, width, channels = pixels.shape
    kind = QImage.Format.Format_RGB888 if channels == 3 else QImage.Format.Format_RGBA8888
    return QImage(pixels.data, width, height, channels * width, kind)


def _line(painter: QPainter, start: QPointF | None, end: QPointF | None, colour: QColor, width: float) -> None:
    if start is not None and end is not None:
        painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(start, end)


def _closed_line(painter: QPainter, points: list[QPointF | None], shown: QColor, unit: float) -> None:
    known = QPolygonF([point for point in points if point is not None])
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, width in ((QColor(0, 0, 0, 130), 2.8), (shown, 1.3)):
        painter.setPen(QPen(colour, width * unit, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPolygon(known)


def _disc(painter: QPainter, centre: QPointF | None, radius: float, colour: QColor, *, filled: bool) -> None:
    if centre is None:
        return
    painter.setPen(QPen(QColor(0, 0, 0, 150), 3))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(centre, radius, radius)
    painter.setPen(QPen(colour, 1.6))
    painter.setBrush(colour if filled else Qt.BrushStyle.NoBrush)
    painter.drawEllipse(centre, radius, radius)
