"""List of past rehearsals: instruction, approval, and outcome."""

import uuid
from functools import lru_cache

from PySide6.QtCore import QModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFont, QPainter, QPixmap
from PySide6.QtWidgets import QFrame, QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from gui.history import phrases
from gui.widgets.icons import pixmap
from gui.widgets.theme import colours, em
from storage.rehearsal_list import RehearsalRow

_ROW = Qt.ItemDataRole.UserRole


class HistoryList(QListWidget):
    """List widget; `chosen` carries the id of the selected rehearsal, None for none."""

    chosen = Signal(object)

    def __init__(self):
        super().__init__()
        self.setItemDelegate(_Painter(self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Past rehearsals")
        self.currentItemChanged.connect(lambda *_: self._changed())
        self._filling = False

    def show_rows(self, rows: tuple[RehearsalRow, ...]) -> None:
        """Show these rows; the selection is kept where possible."""
        before = self.chosen_id
        self._filling = True
        self.clear()
        for row in rows:
            item = QListWidgetItem(f"{row.instruction}, {phrases.ending(row)[0]}")  # for screen readers
            item.setData(_ROW, row)
            self.addItem(item)
            if row.id == before:
                self.setCurrentItem(item)
        self._filling = False
        if self.chosen_id != before:
            self._changed()

    @property
    def chosen_id(self) -> uuid.UUID | None:
        item = self.currentItem()
        return None if item is None else item.data(_ROW).id

    def _changed(self) -> None:
        if not self._filling:
            self.chosen.emit(self.chosen_id)


@lru_cache(maxsize=64)
def _icon(name: str, size: int, colour: str) -> QPixmap:
    return pixmap(name, size, colour)


class _Painter(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # type: ignore[override]
        return QSize(10, round(3.1 * em()))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:  # type: ignore[override]
        row: RehearsalRow = index.data(_ROW)
        c, line = colours(), em()
        rect: QRect = option.rect  # type: ignore[attr-defined]
        state = option.state  # type: ignore[attr-defined]
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, c.q("accent_soft"))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, c.q("hover"))
        words, colour, icon = phrases.ending(row)
        side = round(1.1 * line)
        left = rect.adjusted(round(0.4 * line), round(0.35 * line), -round(0.5 * line), 0)
        painter.drawPixmap(left.left(), left.top(), _icon(icon, side, getattr(c, colour)))
        text = left.adjusted(side + round(0.5 * line), 0, 0, 0)
        metrics = painter.fontMetrics()
        width = metrics.horizontalAdvance(words)
        painter.setPen(c.q(colour))
        painter.drawText(QRect(text.right() - width, text.top(), width, round(1.3 * line)), _LEFT, words)
        bold = QFont(painter.font())
        bold.setBold(True)
        plain = painter.font()
        painter.setFont(bold)
        painter.setPen(c.q("text"))
        room = text.width() - width - round(0.6 * line)
        instruction = painter.fontMetrics().elidedText(row.instruction, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRect(text.left(), text.top(), room, round(1.3 * line)), _LEFT, instruction)
        painter.setFont(plain)
        painter.setPen(c.q("muted"))
        second = metrics.elidedText(phrases.second_line(row), Qt.TextElideMode.ElideRight, text.width())
        below = QRect(text.left(), text.top() + round(1.3 * line), text.width(), round(1.3 * line))
        painter.drawText(below, _LEFT, second)
        painter.restore()


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
