"""Icons of the program, in the colour of the text beside them."""

from functools import cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from gui.widgets.icon_paths import svg
from gui.widgets.theme import colours


@cache
def pixmap(name: str, size: int, colour: str, ratio: float = 2.0) -> QPixmap:
    """Return the icon `size` px wide with `ratio` device pixels per px; cached for all buttons and styles."""
    result = QPixmap(round(size * ratio), round(size * ratio))
    result.fill(Qt.GlobalColor.transparent)
    painter = QPainter(result)
    QSvgRenderer(QByteArray(svg(name, QColor(colour).name()))).render(painter, QRectF(result.rect()))
    painter.end()
    result.setDevicePixelRatio(ratio)
    return result


def icon(name: str, colour: str | None = None, checked: str | None = None) -> QIcon:
    """Return a button's icon, by default in the text's colour; `checked` is its colour while the button is checked.

    The colour is that of the present theme: call again when the theme has changed.
    """
    present = colours()
    return _icon(name, colour or present.text, present.faint, checked)


@cache
def _icon(name: str, colour: str, disabled: str, checked: str | None) -> QIcon:
    result = QIcon(pixmap(name, 48, colour))
    result.addPixmap(pixmap(name, 48, disabled), QIcon.Mode.Disabled)
    if checked:
        result.addPixmap(pixmap(name, 48, checked), QIcon.Mode.Normal, QIcon.State.On)
    return result
