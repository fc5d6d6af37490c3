"""The style sheet, put on the window piece by piece.

Qt styles every widget of the program anew when the program's style sheet changes, and each once more for everything
it lies in: a second without a heartbeat, after which the arm is stopped. So the style sheet belongs to pieces of the
window that take a few milliseconds each, and other looks reach one piece after the other, those that are seen first.
"""

from PySide6.QtCore import QChildEvent, QEvent, QObject, Qt
from PySide6.QtWidgets import QCompleter, QMainWindow, QSplitter, QStackedWidget, QWidget

from gui.slices import slices

_MANY = 50  # widgets in a piece: they take five to ten milliseconds
_PLAIN = (QWidget, QStackedWidget, QMainWindow, QSplitter)  # what only holds others, and has no looks itself
_HOLDERS = "QSplitter::handle { background: transparent; }"  # the same in all looks
_DIRECT = Qt.FindChildOption.FindDirectChildrenOnly


class Dressing(QObject):
    """Cuts windows into pieces, and keeps the style sheet of each at what was used last."""

    def __init__(self, parent: QObject):
        super().__init__(parent)
        self._sheet = ""
        self._pieces: dict[QWidget, str] = {}  # with what each wears
        self._holders: set[QWidget] = set()

    @property
    def done(self) -> bool:
        return all(worn == self._sheet for worn in self._pieces.values())

    def use(self, sheet: str) -> None:
        """Another style sheet, for every piece in turn."""
        if sheet != self._sheet:
            self._sheet = sheet
            for piece in sorted(self._pieces, key=lambda piece: not piece.isVisible()):
                slices().add(piece, lambda piece=piece: self._put_on(piece))

    def add(self, window: QWidget) -> None:
        """Style a window with all that is in it, at once, and what will be put in later."""
        for piece in self._cut(window):
            self._put_on(piece)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Something was put into what only holds others: a screen that is made when it is first needed, a dialog."""
        if isinstance(event, QChildEvent):
            child, kind = event.child(), event.type()
            # A page is there as a whole when it is added, and is not seen yet; others may still be in the making.
            early = kind is QEvent.Type.ChildAdded and isinstance(watched, QStackedWidget)
            new = early or kind is QEvent.Type.ChildPolished
            if new and isinstance(child, QWidget) and child not in self._pieces and child not in self._holders:
                for piece in self._cut(child):
                    if early:
                        slices().add(piece, lambda piece=piece: self._put_on(piece))
                    else:
                        self._put_on(piece)
        return False

    def _cut(self, widget: QWidget) -> list[QWidget]:
        """The pieces that a widget consists of."""
        if not _plain(widget) or not (_fills(widget) or len(widget.findChildren(QWidget)) > _MANY):
            pieces = [widget]
            self._pieces[widget] = ""
            widget.destroyed.connect(lambda: self._pieces.pop(widget))
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

    def _put_on(self, piece: QWidget) -> None:
        if self._pieces[piece] != self._sheet:
            self._pieces[piece] = self._sheet
            piece.setStyleSheet(self._sheet)


def _plain(widget: QWidget) -> bool:
    """Whether a widget only holds others: no rule of the style sheet is about it."""
    kind = next(each for each in type(widget).__mro__ if each.__module__.startswith("PySide6"))
    return kind in _PLAIN and not widget.property("look")


def _fills(widget: QWidget) -> bool:
    """Whether more may be put into it when it is first needed."""
    return isinstance(widget, QStackedWidget) or widget.findChild(QStackedWidget) is not None
