"""The style sheet, put on the window piece by piece.

Qt styles every widget of the program anew when the program's style sheet changes, and each once more for everything it
lies in: a second without a heartbeat, after which the arm is stopped. So the style sheet belongs to pieces of the window
that take a few milliseconds each, and other looks reach one piece after the other, those that are seen first, with a turn
of the event loop between them.
"""

from collections import deque

from PySide6.QtCore import QChildEvent, QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QCompleter, QMainWindow, QSplitter, QStackedWidget, QWidget

_MANY = 50  # widgets in a piece: they take five to ten milliseconds
_PLAIN = (QWidget, QStackedWidget, QMainWindow, QSplitter)  # what only holds others, and has no looks itself
_HOLDERS = "QSplitter::handle { background: transparent; }"  # the same in all looks


class Dressing(QObject):
    """Cuts windows into pieces, and keeps the style sheet of each at what was used last."""

    def __init__(self, parent: QObject):
        super().__init__(parent)
        self._sheet = ""
        self._pieces: list[QWidget] = []
        self._holders: list[QWidget] = []
        self._old: deque[QWidget] = deque()  # pieces that still have the looks before
        self._turn = QTimer(self, interval=0)
        self._turn.timeout.connect(self._next)

    @property
    def done(self) -> bool:
        return not self._old

    def use(self, sheet: str) -> None:
        """Another style sheet, for every piece in turn."""
        if sheet != self._sheet:
            self._sheet = sheet
            self._old = deque(sorted(self._pieces, key=lambda piece: not piece.isVisible()))
            self._turn.start()

    def add(self, widget: QWidget) -> None:
        """Style a widget with all that is in it, and what will be put in later."""
        for completer in widget.findChildren(QCompleter, options=Qt.FindChildOption.FindDirectChildrenOnly):
            if completer.completionMode() is QCompleter.CompletionMode.PopupCompletion:
                self._dress(completer.popup())  # a window of its own, which is nobody's child
        inside = widget.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
        few = len(widget.findChildren(QWidget)) <= _MANY and widget.findChild(QStackedWidget) is None
        if not _plain(widget) or (few and not isinstance(widget, QStackedWidget)):
            self._dress(widget)
            return
        if isinstance(widget, QSplitter):
            widget.setStyleSheet(_HOLDERS)
        self._holders.append(widget)
        widget.destroyed.connect(lambda: self._holders.remove(widget))
        widget.installEventFilter(self)
        for each in inside:
            self.add(each)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Something was put into what only holds others: a screen that is made when it is first needed, a dialog."""
        if event.type() is QEvent.Type.ChildPolished and isinstance(event, QChildEvent):
            child = event.child()
            if isinstance(child, QWidget) and child not in self._pieces and child not in self._holders:
                self.add(child)
        return False

    def _dress(self, piece: QWidget) -> None:
        self._pieces.append(piece)
        piece.destroyed.connect(lambda: self._forget(piece))
        piece.setStyleSheet(self._sheet)

    def _next(self) -> None:
        if self._old:
            self._old.popleft().setStyleSheet(self._sheet)
        if not self._old:
            self._turn.stop()

    def _forget(self, piece: QWidget) -> None:
        self._pieces.remove(piece)
        if piece in self._old:
            self._old.remove(piece)


def _plain(widget: QWidget) -> bool:
    """Whether a widget only holds others: no rule of the style sheet is about it."""
    kind = next(each for each in type(widget).__mro__ if each.__module__.startswith("PySide6"))
    return kind in _PLAIN and not widget.property("look")
