"""Several pictures of equal size, in as many columns as make them largest."""

from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.pictures.camera_view import Picture
from gui.widgets.basics import label
from gui.widgets.theme import space

_SHAPE = 4 / 3  # width to height of most cameras' pictures


class PictureGrid(QWidget):
    """Pictures by name; `show_names` says which. `clicked` carries a picture's name and a place in its own pixels."""

    clicked = Signal(str, float, float)

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.pictures: tuple[Picture, ...] = ()
        self._nothing = label("", "muted", wrap=True)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._nothing.setParent(self)
        self.setMinimumSize(200, 150)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(640, 400)

    def show_words(self, words: str) -> None:
        """What to say while there is no picture at all."""
        self._nothing.setText(words)

    def show_names(self, names: Sequence[str]) -> tuple[Picture, ...]:
        """One picture for each name; those there are kept where the names are the same."""
        if tuple(picture.name for picture in self.pictures) != tuple(names):
            for picture in self.pictures:
                picture.hide()
                picture.deleteLater()
            self.pictures = tuple(Picture(name, self) for name in names)
            for picture in self.pictures:
                picture.setMinimumSize(1, 1)
                picture.clicked.connect(lambda x, y, name=picture.name: self.clicked.emit(name, x, y))
                picture.show()
            self._arrange()
        return self.pictures

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        count = len(self.pictures)
        self._nothing.setVisible(not count)
        self._nothing.setGeometry(self.rect())
        if not count:
            return
        columns = best_columns(count, self.width(), self.height(), space(0.4))
        gap, rows = space(0.4), -(-count // columns)
        width, height = (self.width() - gap * (columns - 1)) / columns, (self.height() - gap * (rows - 1)) / rows
        for i, picture in enumerate(self.pictures):
            left, top = i % columns * (width + gap), i // columns * (height + gap)
            picture.setGeometry(QRect(round(left), round(top), round(width), round(height)))


def best_columns(count: int, width: float, height: float, gap: float) -> int:
    """In how many columns `count` pictures become largest in a room of this size in px."""

    def shown_width(columns: int) -> float:
        rows = -(-count // columns)
        wide, high = (width - gap * (columns - 1)) / columns, (height - gap * (rows - 1)) / rows
        return min(wide, high * _SHAPE)

    return max(range(1, count + 1), key=shown_width)
