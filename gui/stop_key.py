"""Application-wide keys: Space stops the arm, and a screen's own keys move it, whichever widget has the focus.

Space stops whenever the arm moves, also from a text field or a dialog. While the arm stands still it types a blank in a
text field and is Stop everywhere else; buttons are pressed with Enter. Keys are filtered at the window that has the
keyboard focus, which also covers dialogs, menus and lists.
"""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QWindow
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from gui.widgets.deliberate_press import press_by_enter

_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class StopKey(QObject):
    """Event filter on every window that gets the keyboard focus. `may_move()`: the arm moves or may begin to move."""

    stop = Signal()
    keyboard_left = Signal()  # none of our windows has the focus: releases of held keys will not be received

    def __init__(self, app: QApplication, may_move: Callable[[], bool], take_key: Callable[[int, bool], bool]):
        super().__init__(app)
        self._may_move, self._take_key = may_move, take_key
        self._app = app
        self._windows: set[QWindow] = set()
        self._down: set[int] = set()
        app.focusWindowChanged.connect(self._watch)
        window = QGuiApplication.focusWindow()
        if window is not None:
            self._watch(window)

    def _watch(self, window: QWindow | None) -> None:
        self.keyboard_left.emit()
        if window is not None and window not in self._windows:
            self._windows.add(window)
            window.installEventFilter(self)
            window.destroyed.connect(lambda: self._windows.discard(window))

    def close(self) -> None:
        """Remove the event filter from all windows."""
        self._app.focusWindowChanged.disconnect(self._watch)
        for window in self._windows:
            window.removeEventFilter(self)
        self._windows.clear()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() not in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease) or not isinstance(event, QKeyEvent):
            return False
        return self._take(event)

    def _take(self, event: QKeyEvent) -> bool:
        """Handle a key event; return True when it must not be passed on."""
        pressed = event.type() == QEvent.Type.KeyPress
        typing, key = _typing(), event.key()
        if key == Qt.Key.Key_Space:
            if typing and not self._may_move():
                return False
            if pressed and not event.isAutoRepeat():
                self.stop.emit()
            return True
        if typing or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier or QApplication.activeModalWidget():
            return False
        focus = QApplication.focusWidget()
        if key in _ENTER and isinstance(focus, QAbstractButton):
            if pressed and not event.isAutoRepeat():
                press_by_enter(focus)
            return True
        if event.isAutoRepeat():  # auto-repeat is neither a press nor a release
            return key in self._down
        taken = self._take_key(key, pressed)
        (self._down.add if taken and pressed else self._down.discard)(key)
        return taken


def _typing() -> bool:
    """Return whether the focused widget accepts a typed blank."""
    focus: QWidget | None = QApplication.focusWidget()
    if isinstance(focus, QComboBox):
        return focus.isEditable()
    return isinstance(focus, QLineEdit | QTextEdit | QPlainTextEdit | QAbstractSpinBox)
