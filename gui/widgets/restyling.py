"""The style sheet, put on the window piece by piece.

Qt styles every widget of the program anew when the program's style sheet changes, and each once more for everything
it lies in: a second without a heartbeat, after which the arm is stopped. So the style sheet belongs to pieces of the
window that take a few milliseconds each, and other looks reach one piece after the other, those that are seen first.
"""

from collections import deque

from PySide6.QtCore import QChildEvent, QEvent, QObject, Qt
from PySide6.QtWidgets import QCompleter, QMainWindow, QSplitter, QStackedWidget, QWidget

from gui.runtime.time_slices import slices

_MANY = 50  # widgets in a piece: they take five to ten milliseconds
_PLAIN = (QWidget, QStackedWidget, QMainWindow, QSplitter)  # what only holds others, and has no looks itself
_HOLDERS = "QSplitter::handle { background: transparent; }"  # the same in all looks
_DIRECT = Qt.FindChildOption.FindDirectChildrenOnly


class Restyling(QObject):
    """Cuts windows into pieces, and keeps the style sheet of each at what was used last."""

    def __init__(self, parent: QObject):
        super().__init__(parent)
        self._sheet = ""
        self._pieces: dict[QWidget, int] = {}  # with how many widgets each lies in
        self._old: deque[QWidget] = deque()  # those that still have other looks, in the order of their turns
        self._holders: set[QWidget] = set()

    @property
    def done(self) -> bool:
        return not self._old

    def use(self, sheet: str) -> None:
        """Another style sheet, for every piece in turn."""
        if sheet != self._sheet:
            self._sheet = sheet
            # What is seen comes first, and of that the frame around the screens.
            order = sorted(self._pieces, key=lambda piece: (not piece.isVisible(), self._pieces[piece]))
            self._old.clear()
            self._later(order)

    def add(self, window: QWidget) -> None:
        """Style a window with all that is in it, at once, and what will be put in later."""
        for piece in self._cut(window):
            piece.setStyleSheet(self._sheet)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Something was put into what only holds others: a screen that is made when it is first needed, a dialog."""
        if isinstance(event, QChildEvent):
            child, kind = event.child(), event.type()
            # A page is there as a whole when it is added, and is not seen yet; others may still be in the making.
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
        """The pieces that a widget consists of."""
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
            popup = completer.popup()  # a window of its own, which is nobody's child; some complete in the line alone
            if popup is not None:
                pieces += self._cut(popup)
        return pieces

    def _forget(self, piece: QWidget) -> None:
        del self._pieces[piece]
        if piece in self._old:
            self._old.remove(piece)


def _plain(widget: QWidget) -> bool:
    """Whether a widget only holds others: no rule of the style sheet is about it."""
    kind = next(each for each in type(widget).__mro__ if each.__module__.startswith("PySide6"))
    return kind in _PLAIN and not widget.property("look")


def _depth(widget: QWidget) -> int:
    parent = widget.parentWidget()
    return 0 if parent is None or widget.isWindow() else 1 + _depth(parent)


def _fills(widget: QWidget) -> bool:
    """Whether more may be put into it when it is first needed."""
    return isinstance(widget, QStackedWidget) or widget.findChild(QStackedWidget) is not None
