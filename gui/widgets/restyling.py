"""Incremental application of the style sheet, one piece of the window at a time.

When the application's style sheet changes, Qt restyles every widget of the program, and each once more for each of its
ancestors: a second without a heartbeat, after which the arm is stopped. The style sheet is therefore set on pieces of
the window that take a few milliseconds each, and a change reaches one piece after the other, visible ones first.
"""

from collections import deque

from PySide6.QtCore import QChildEvent, QEvent, QObject, Qt
from PySide6.QtWidgets import QCompleter, QMainWindow, QSplitter, QStackedWidget, QWidget

from gui.runtime.time_slices import slices

_MANY = 50  # widgets in a piece: they take 5 to 10 ms
_PLAIN = (QWidget, QStackedWidget, QMainWindow, QSplitter)  # containers without a style of their own
_HOLDERS = "QSplitter::handle { background: transparent; }"  # the same in all themes
_DIRECT = Qt.FindChildOption.FindDirectChildrenOnly


class Restyling(QObject):
    """Splits windows into pieces and keeps the style sheet of each up to date."""

    def __init__(self, parent: QObject):
        super().__init__(parent)
        self._sheet = ""
        self._pieces: dict[QWidget, int] = {}  # each with its depth in the widget tree
        self._old: deque[QWidget] = deque()  # pieces still to be restyled, in the order of their turns
        self._holders: set[QWidget] = set()

    @property
    def done(self) -> bool:
        return not self._old

    def use(self, sheet: str) -> None:
        """Set another style sheet, applied to one piece after the other."""
        if sheet != self._sheet:
            self._sheet = sheet
            # Visible pieces first, and of those the frame around the screens.
            order = sorted(self._pieces, key=lambda piece: (not piece.isVisible(), self._pieces[piece]))
            self._old.clear()
            self._later(order)

    def add(self, window: QWidget) -> None:
        """Style a window and its children at once, and children added later."""
        for piece in self._cut(window):
            piece.setStyleSheet(self._sheet)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Style a widget added to a container: a screen that is created when first needed, a dialog."""
        if isinstance(event, QChildEvent):
            child, kind = event.child(), event.type()
            # A page is complete when it is added, and not visible yet; other children may still be under construction.
            early = kind is QEvent.Type.ChildAdded and isinstance(watched, QStackedWidget)
            new = early or kind is QEvent.Type.ChildPolished
            if new and isinstance(child, QWidget) and child not in self._pieces and child not in self._holders:
                if early:
                    self._later(self._cut(child))
                else:
                    self.add(child)
        return False

    def _later(self, pieces: list[QWidget]) -> None:
        self._old.extend(pieces)
        for _ in pieces:
            slices().add(self, self._next)

    def _next(self) -> None:
        if self._old:
            self._old.popleft().setStyleSheet(self._sheet)

    def _cut(self, widget: QWidget) -> list[QWidget]:
        """Split a widget into the pieces that are styled separately."""
        inside = len(widget.findChildren(QWidget))
        if not _plain(widget) or (inside <= _MANY and not _fills(widget)):
            pieces = [widget]
            self._pieces[widget] = _depth(widget)
            widget.destroyed.connect(lambda: self._forget(widget))
        else:
            pieces = [piece for child in widget.findChildren(QWidget, options=_DIRECT) for piece in self._cut(child)]
            self._holders.add(widget)
            widget.destroyed.connect(lambda: self._holders.remove(widget))
            widget.installEventFilter(self)
            if isinstance(widget, QSplitter):
                widget.setStyleSheet(_HOLDERS)
        for completer in widget.findChildren(QCompleter, options=_DIRECT):
            popup = completer.popup()  # a window without a parent widget; inline completion has no popup
            if popup is not None:
                pieces += self._cut(popup)
        return pieces

    def _forget(self, piece: QWidget) -> None:
        del self._pieces[piece]
        if piece in self._old:
            self._old.remove(piece)


def _plain(widget: QWidget) -> bool:
    """Return whether a widget is a mere container that no rule of the style sheet applies to."""
    kind = next(each for each in type(widget).__mro__ if each.__module__.startswith("PySide6"))
    return kind in _PLAIN and not widget.property("look")


def _depth(widget: QWidget) -> int:
    parent = widget.parentWidget()
    return 0 if parent is None or widget.isWindow() else 1 + _depth(parent)


def _fills(widget: QWidget) -> bool:
    """Return whether more widgets may be added when they are first needed."""
    return isinstance(widget, QStackedWidget) or widget.findChild(QStackedWidget) is not None
