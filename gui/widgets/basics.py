"""Basic widgets and layouts shared by all screens, in the styles of `gui.widgets.theme`."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from gui.widgets.icons import icon, pixmap
from gui.widgets.theme import colours, look, space


def label(text: str = "", kind: str = "", *, wrap: bool = False, name: str = "") -> QLabel:
    """Return a label; `kind` is a style: title, heading, muted, small, figure, chip, ..."""
    result = QLabel(text)
    result.setTextFormat(Qt.TextFormat.PlainText)  # text from a controller or a file is never markup
    result.setWordWrap(wrap)
    if kind:
        look(result, kind)
    if name:
        result.setObjectName(name)
    return result


class Button(QPushButton):
    """Push button whose icon follows the theme's colours; `kind`: primary, danger, quiet, stop, jog or ''."""

    def __init__(
        self, text: str, kind: str = "", *, icon_name: str = "", tip: str = "", on: Callable[[], object] | None = None
    ):
        super().__init__(text)
        self._icon_name, self._kind = icon_name, kind
        if kind:
            look(self, kind)
        if tip:
            self.setToolTip(tip)
        if on is not None:
            self.clicked.connect(lambda: on())
        self.setIconSize(QSize(space(1.1), space(1.1)))
        self._colour_icon()

    def show_as(self, kind: str) -> None:
        """Change the style, for example when the step becomes the next one to do."""
        if kind != self._kind:
            self._kind = kind
            look(self, kind)
            self._colour_icon()

    def set_icon(self, icon_name: str) -> None:
        if icon_name != self._icon_name:
            self._icon_name = icon_name
            self._colour_icon()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._colour_icon()

    def _colour_icon(self) -> None:
        if self._icon_name:
            present = colours()
            on = {"primary": present.on_accent, "stop": "#ffffff", "danger": present.danger}
            self.setIcon(icon(self._icon_name, on.get(self._kind), present.accent))


class IconLabel(QLabel):
    """Small icon in one of the theme's colours, such as the green tick of a check."""

    def __init__(self, name: str = "", colour: str = "muted", lines: float = 1.1):
        super().__init__()
        self._name, self._colour, self._lines = name, colour, lines
        self._draw()

    def show_icon(self, name: str, colour: str) -> None:
        if (name, colour) != (self._name, self._colour):
            self._name, self._colour = name, colour
            self._draw()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw()

    def _draw(self) -> None:
        size = space(self._lines)
        self.setFixedSize(size, size)
        if self._name:
            self.setPixmap(pixmap(self._name, size, getattr(colours(), self._colour)))


class Card(QFrame):
    """Plain box with a heading; add contents to `body`."""

    def __init__(self, heading: str = "", note: str = ""):
        super().__init__()
        look(self, "card")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(space(0.9), space(0.8), space(0.9), space(0.9))
        layout.setSpacing(space(0.5))
        if heading:
            layout.addWidget(label(heading, "heading"))
        if note:
            layout.addWidget(label(note, "muted", wrap=True))
        self.body = layout


class Yielding(QWidget):
    """Widget that takes only the space left over: its contents may shrink to `lines` of text.

    The first child is twice as wide as the others.
    """

    def __init__(self, *inside: QWidget, lines: float):
        super().__init__()
        layout = row(*inside)
        for number, widget in enumerate(inside):
            layout.setStretch(number, 1 if number else 2)
            widget.setMinimumHeight(space(lines))
        self.setLayout(layout)

    def hasHeightForWidth(self) -> bool:
        return False  # wrapping text inside must not request its preferred height


def row(*items: QWidget | QLayout | None, gap: float = 0.5) -> QHBoxLayout:
    """Return a horizontal layout of `items`; None is a stretch."""
    return _filled(QHBoxLayout(), items, gap)


def column(*items: QWidget | QLayout | None, gap: float = 0.5) -> QVBoxLayout:
    """Return a vertical layout of `items`; None is a stretch."""
    return _filled(QVBoxLayout(), items, gap)


def _filled(layout, items, gap: float):
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(space(gap))
    for item in items:
        if item is None:
            layout.addStretch(1)
        elif isinstance(item, QLayout):
            layout.addLayout(item)
        else:
            layout.addWidget(item)
    return layout


def scrolled(content: QWidget | QLayout) -> QScrollArea:
    """Wrap `content` in a frameless scroll area."""
    if isinstance(content, QLayout):
        inside = QWidget()
        inside.setLayout(content)
        content = inside
    scroll = QScrollArea(widgetResizable=True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setWidget(content)
    return scroll


def line() -> QFrame:
    """Return a thin separating line."""
    result = QFrame()
    look(result, "line")
    return result


def form(*lines: tuple[str, QWidget]) -> QGridLayout:
    """Return a grid of labels with their fields, one line each."""
    grid = QGridLayout()
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(space(0.8))
    grid.setVerticalSpacing(space(0.3))
    grid.setColumnStretch(1, 1)
    for i, (words, field) in enumerate(lines):
        name = label(words, "muted")
        name.setBuddy(field)
        grid.addWidget(name, i, 0)
        grid.addWidget(field, i, 1)
    return grid


def show_or_cancel(button: Button, name: str, busy: bool) -> None:
    """Let the button that saves something cancel it as long as it is being saved."""
    button.setText("Cancel" if busy else name)
    button.set_icon("cross" if busy else "down")


def show_progress(bar: QProgressBar, said: QLabel, busy: bool, share: float, words: str) -> None:
    """Show a bar of 1000 steps while something is under way, and what there is to say of it."""
    bar.setVisible(busy)
    bar.setValue(round(1000 * share))
    said.setText(words)
    said.setVisible(bool(words))
