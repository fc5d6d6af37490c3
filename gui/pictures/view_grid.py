"""Grid of equally sized images, with the number of columns that makes them largest."""

from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.pictures.camera_view import Picture
from gui.widgets.basics import label
from gui.widgets.theme import space

_SHAPE = 4 / 3  # aspect ratio of most cameras' images


class PictureGrid(QWidget):
    """Images by name, set with `show_names`. `clicked` carries an image's name and a position in its own pixels."""

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
        """Set the text that is shown while the grid is empty."""
        self._nothing.setText(words)

    def show_names(self, names: Sequence[str]) -> tuple[Picture, ...]:
        """Show one image widget per name and return them; existing widgets are kept when the names are unchanged."""
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
    """Return the number of columns in which `count` images become largest in an area of this size in px."""

    def shown_width(columns: int) -> float:
        rows = -(-count // columns)
        wide, high = (width - gap * (columns - 1)) / columns, (height - gap * (rows - 1)) / rows
        return min(wide, high * _SHAPE)

    return max(range(1, count + 1), key=shown_width)
