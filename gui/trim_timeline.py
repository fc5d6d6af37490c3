"""A timeline with two handles: what lies outside them is trimmed away, and stays in the files."""

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from gui.theme import colours, em
from gui.timeline import Timeline, TimelineContent

_NEAR = 8.0  # px within which a press takes a handle


class TrimTimeline(Timeline):
    """`trimmed(first, last)` comes when a handle was let go, or by the keys [ and ] which take the frame shown."""

    trimmed = Signal(int, int)

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._span = (0, 0)
        self._held: int | None = None  # 0 the first handle, 1 the last
        self._before = (0, 0)

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last frame that are left."""
        return self._span

    def show_content(self, content: TimelineContent) -> None:
        super().show_content(content)
        self.show_span(0, len(content.times) - 1)

    def show_span(self, first: int, last: int) -> None:
        """What is left after trimming; both frames belong to it."""
        self._span = (max(first, 0), min(last, self.maximum()))
        self.update()

    def trim_here(self, handle: int) -> None:
        """Bring the first (0) or the last (1) handle to the frame that is shown."""
        before = self._span
        self._move_handle(handle, self.value())
        if self._span != before:
            self.trimmed.emit(*self._span)

    # --- Qt ---

    def mousePressEvent(self, event: QMouseEvent) -> None:
        handle = self._handle_at(event.position())
        if event.button() != Qt.MouseButton.LeftButton or handle is None:
            super().mousePressEvent(event)
            return
        self._held, self._before = handle, self._span
        self.setSliderDown(True)
        self.setValue(self._span[handle])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is None:
            near = self._handle_at(event.position()) is not None
            self.setCursor(Qt.CursorShape.SizeHorCursor if near else Qt.CursorShape.ArrowCursor)
            super().mouseMoveEvent(event)
            return
        self._move_handle(self._held, self.frame_at(event.position().x()))
        self.setValue(self._span[self._held])  # what is cut off is seen while it is chosen

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if self._held is not None:
            self._held = None
            if self._span != self._before:
                self.trimmed.emit(*self._span)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.maximum() == 0:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        c, band = colours(), self.band()
        left, right = self.place_of(self._span[0]), self.place_of(self._span[1])
        outside = c.q("window")
        outside.setAlphaF(0.72)
        painter.fillRect(QRectF(band.left(), band.top(), left - band.left(), band.height()), outside)
        painter.fillRect(QRectF(right, band.top(), band.right() - right, band.height()), outside)
        for x, inwards in ((left, 1), (right, -1)):
            painter.setPen(QPen(c.q("accent"), 2))
            painter.drawLine(QPointF(x, band.top() - 2), QPointF(x, band.bottom() + 2))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(c.q("accent"))
            size = 0.42 * em()
            corner = QPointF(x, band.top() - 2)
            painter.drawPolygon(
                QPolygonF([corner, corner + QPointF(-inwards * size, 0), corner + QPointF(-inwards * size, 1.6 * size)])
            )
            painter.drawRect(QRectF(min(x, x - inwards * size), band.top() - 2, size, 1.1 * size))
        painter.end()

    # --- parts ---

    def _handle_at(self, place: QPointF) -> int | None:
        """The handle under the pointer; they are held at the upper part of the band."""
        if self.maximum() == 0 or place.y() > self.band().center().y():
            return None
        away = [abs(self.place_of(frame) - place.x()) for frame in self._span]
        nearest = 0 if away[0] <= away[1] else 1
        return nearest if away[nearest] <= _NEAR else None

    def _move_handle(self, handle: int, frame: int) -> None:
        """At least two frames are left."""
        first, last = self._span
        if handle == 0:
            self.show_span(min(frame, last - 1), last)
        else:
            self.show_span(first, max(frame, first + 1))
