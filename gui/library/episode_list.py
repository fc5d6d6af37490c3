"""List of episodes: thumbnail, instruction, date and operator, and marks for success, quality and exclusion."""

import uuid
from functools import lru_cache

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QPainter, QPainterPath, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from gui.library import phrases
from gui.library.episode_model import EpisodeModel
from gui.library.thumbnails import Thumbnails
from gui.widgets.icons import pixmap
from gui.widgets.theme import Colours, colours, em, space
from storage.queries import EpisodeRow

_LINES = 4.1  # height of a row
_SHAPE = 4 / 3
_SETTLED_MS = 60  # debounce, so that holding an arrow key opens only the last episode


class EpisodeDelegate(QStyledItemDelegate):
    """Item delegate of one episode; shows a placeholder while its row is being loaded."""

    def __init__(self, model: EpisodeModel, thumbnails: Thumbnails, parent: QAbstractItemView):
        super().__init__(parent)
        self._model, self._thumbnails = model, thumbnails

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # type: ignore[override]
        return QSize(200, space(_LINES))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:  # type: ignore[override]
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        c, state = colours(), option.state  # type: ignore[attr-defined]
        place: QRect = option.rect  # type: ignore[attr-defined]
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(place, c.q("accent_soft"))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(place, c.q("hover"))
        inside = place.adjusted(space(0.4), space(0.3), -space(0.4), -space(0.3))
        row = self._model.row(index.row())
        picture = QRect(inside.left(), inside.top(), round(inside.height() * _SHAPE), inside.height())
        self._draw_picture(painter, picture, None if row is None else self._thumbnails.picture(row.id), c)
        words = inside.adjusted(picture.width() + space(0.5), 0, 0, 0)
        if row is None:
            painter.fillRect(QRect(words.left(), words.top() + space(0.3), space(9), space(0.6)), c.q("sunken"))
        else:
            self._draw_words(painter, words, row, c)
        painter.setPen(c.q("border"))
        painter.drawLine(place.bottomLeft(), place.bottomRight())
        painter.restore()

    @staticmethod
    def _draw_picture(painter: QPainter, place: QRect, picture: QPixmap | None, c: Colours) -> None:
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(place), 4, 4)
        painter.fillPath(outline, c.q("sunken"))
        if picture is None:
            return
        painter.setClipPath(outline)
        scale = max(place.width() / picture.width(), place.height() / picture.height())
        width, height = picture.width() * scale, picture.height() * scale
        centre = QRectF(place).center()
        painter.drawPixmap(
            QRectF(centre.x() - width / 2, centre.y() - height / 2, width, height), picture, QRectF(picture.rect())
        )
        painter.setClipping(False)

    @staticmethod
    def _draw_words(painter: QPainter, place: QRect, row: EpisodeRow, c: Colours) -> None:
        right = place.right()
        for name, colour in marks(row):
            mark = _mark(name, space(1.0), getattr(c, colour))
            right -= space(1.0)
            painter.drawPixmap(QRectF(right, place.top(), space(1.0), space(1.0)), mark, QRectF(mark.rect()))
            right -= space(0.25)
        line = place.height() / 3
        lines = (
            (row.instruction, "faint" if row.excluded else "text", True, right - place.left() - space(0.2)),
            (phrases.second_line(row), "muted", False, place.width()),
            (phrases.third_line(row), "muted", False, place.width()),
        )
        for i, (words, colour, strong, width) in enumerate(lines):
            font = QFont(painter.font())
            font.setWeight(QFont.Weight.DemiBold if strong else QFont.Weight.Normal)
            painter.setFont(font)
            painter.setPen(c.q(colour))
            where = QRectF(place.left(), place.top() + i * line, width, line)
            words = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, round(width))
            painter.drawText(where, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)


def marks(row: EpisodeRow) -> list[tuple[str, str]]:
    """Return icon and colour of an episode's marks, the rightmost first."""
    found = []
    if row.success is not None:
        found.append(("check", "success") if row.success else ("cross", "danger"))
    if row.quality:
        found.append(("warning", "danger" if row.quality > 1 else "warning"))
    if row.excluded:
        found.append(("minus", "muted"))
    return found


@lru_cache(maxsize=32)
def _mark(name: str, size: int, colour: str) -> QPixmap:
    return pixmap(name, size, colour)


class EpisodeList(QTableView):
    """Table of one column: unlike a list view it requests only visible rows, however many there are.

    `chosen` is emitted with a delay after the selection has changed.
    """

    chosen = Signal()

    def __init__(self, model: EpisodeModel, thumbnails: Thumbnails):
        super().__init__()
        self._model = model
        self._settling = QTimer(self, interval=_SETTLED_MS, singleShot=True)
        self._settling.timeout.connect(self.chosen)
        self.setItemDelegate(EpisodeDelegate(model, thumbnails, self))
        self.setModel(model)
        self.horizontalHeader().hide()
        self.verticalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setMinimumSectionSize(1)
        self.verticalHeader().setDefaultSectionSize(space(_LINES))
        self.setShowGrid(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalScrollBar().setSingleStep(round(em()))
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.setAccessibleName("Episodes")
        thumbnails.arrived.connect(self.viewport().update)

    def selectionChanged(self, selected, deselected) -> None:
        super().selectionChanged(selected, deselected)
        self._settling.start()

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """Selected ranges of rows as (first, last), from the top."""
        found = self.selectionModel().selection()
        stretches = (found.at(i) for i in range(found.count()))
        return sorted((each.top(), each.bottom()) for each in stretches)

    def choose_row(self, number: int) -> None:
        """Select one row, or the last one when there are fewer."""
        number = min(number, self._model.rowCount() - 1)
        if number >= 0:
            self.setCurrentIndex(self._model.index(number, 0))

    def choose(self, episodes: set[uuid.UUID]) -> bool:
        """Select these episodes as far as they are loaded; return whether any was found."""
        found = [number for number in (self._model.find(each) for each in episodes) if number is not None]
        flags = QItemSelectionModel.SelectionFlag
        for i, number in enumerate(sorted(found)):
            how = flags.ClearAndSelect if i == 0 else flags.Select
            self.selectionModel().setCurrentIndex(self._model.index(number, 0), how | flags.Rows)
        return bool(found)
