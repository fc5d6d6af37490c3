"""Buttons that accept only deliberate presses, for whatever starts motion of the arm or judges its result.

A person takes up to half a second from seeing to pressing, and impatient ones press twice. Such a button therefore
accepts a press only after it has been visible and unchanged (place, state, text) for RIPE_AFTER seconds. Until then it
is greyed and its edge fills. A press that only stops the arm is always accepted.
"""

import math
from collections.abc import Callable, Hashable

from PySide6.QtCore import QEvent, QPoint, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QHelpEvent, QHideEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QToolTip

from foundation.clocks import Clock
from gui.widgets.basics import Button
from gui.widgets.theme import colours, space

RIPE_AFTER = 0.8  # s
NOT_YET = "A moment: this button has only just come, or has changed. It can be pressed as soon as its edge is full."
_LOOK_EVERY_MS = 80
_MOST_AT_ONCE = 0.2  # s: longer gaps mean the window was blocked; a press then refers to an older display
_MOUSE, _KEY = "mouse", "key"
_TABS = (Qt.Key.Key_Tab, Qt.Key.Key_Backtab)
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class Ripening:
    """Dwell timer: how long a button has been visible unchanged; only time in which the event loop ran counts."""

    def __init__(self, clock: Clock):
        self._clock, self._looked = clock, clock.now()
        self._face: Hashable = None
        self._age, self._seen = 0.0, False

    @property
    def ripe(self) -> bool:
        return self._face is not None and self._age > RIPE_AFTER - 1e-9

    @property
    def share(self) -> float:
        """Elapsed share of the dwell time in [0, 1]."""
        return min(self._age / RIPE_AFTER, 1.0)

    def look(self, face: Hashable) -> bool:
        """Update the timer with the present appearance (None: cannot be pressed); return whether it has changed."""
        now, changed = self._clock.now(), face != self._face
        if changed:
            self._face = face
            self.begin_again()
        elif self._seen and face is not None:
            self._age += min(now - self._looked, _MOST_AT_ONCE)
        self._looked = now
        return changed

    def show(self) -> None:
        """Start counting: the button is now visible as it is."""
        if not self._seen:
            self._seen, self._looked = True, self._clock.now()

    @property
    def seen(self) -> bool:
        return self._seen

    def begin_again(self) -> None:
        self._age, self._seen = 0.0, False


class DeliberateButton(Button):
    """Button whose press starts motion of the arm or judges its result. Connect to `taken`, never to `clicked`.

    `held`: an accepted press went down (True), or was released, left or cancelled (False). A button with `only_rests`
    does nothing but stop the arm: it accepts every press.
    """

    taken = Signal()
    held = Signal(bool)

    def __init__(
        self,
        text: str = "",
        kind: str = "",
        *,
        clock: Clock,
        icon_name: str = "",
        tip: str = "",
        on: Callable[[], object] | None = None,
    ):
        super().__init__(text, kind, icon_name=icon_name, tip=tip)
        self._clock, self._ripening, self._rests = clock, Ripening(clock), False
        self._began = False  # whether the mouse button went down here while the button was ripe
        self._chosen, self._focused = False, 0.0  # whether the operator moved the focus here, and when
        self._holding: set[str] = set()
        self.setAutoDefault(False)  # Enter presses the button the operator chose, not a dialog's default
        self.clicked.connect(self._clicked)
        if on is not None:
            self.taken.connect(lambda: on())
        self._looks = QTimer(self, interval=_LOOK_EVERY_MS)
        self._looks.timeout.connect(self.look)

    @property
    def ripe(self) -> bool:
        """Whether a press would be accepted now."""
        self.look()
        return self._pressable and (self._rests or self._ripening.ripe)

    @property
    def is_held(self) -> bool:
        return bool(self._holding)

    def only_rests(self, rests: bool) -> None:
        """Set whether a press does nothing but stop the arm from now on."""
        if rests != self._rests:
            self._rests = rests
            self.look()
            self.update()

    def setText(self, text: str) -> None:
        super().setText(text)
        if hasattr(self, "_ripening"):
            self.look()

    def meaning(self) -> Hashable:
        """Return what identifies the action of a press, as far as it can be read on the button."""
        return self.text()

    def look(self) -> None:
        """Check for changes; called every 80 ms while visible, and before every press."""
        before = self._ripening.share
        if self._ripening.look(self._face()):
            self._began = False
            self.setDown(False)
            self._let_go(_MOUSE)
            if not self._pressable:
                self._let_go(_KEY)
        if not self._ripening.seen and self.isVisible() and self.visibleRegion().isEmpty():
            self._ripening.show()  # scrolled out of view: the mouse cannot reach it, but its key can
        if self._ripening.share != before or not self._ripening.seen:
            self.update()

    def press_by_key(self) -> None:
        """Handle Enter on the focused button."""
        chosen = self._chosen and self._clock.now() - self._focused >= RIPE_AFTER
        if self._rests or (chosen and self._takes_press()):
            self.taken.emit()

    def press_by_own_key(self) -> None:
        """Handle the shortcut key shown on the button, wherever the focus is."""
        if self._takes_press():
            self.taken.emit()

    def hold_by_key(self, pressed: bool) -> None:
        """Handle press and release of the key that holds this button down."""
        if not pressed:
            self._let_go(_KEY)
        elif self._takes_press():
            self._take_hold(_KEY)

    # --- Qt ---

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        self._began = self._takes_press()
        if not self._began:
            event.accept()  # not accepted, and no widget below may get the press
            return
        self._chosen, self._focused = True, -math.inf
        super().mousePressEvent(event)
        self._take_hold(_MOUSE)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if _MOUSE in self._holding and not self.rect().contains(event.position().toPoint()):
            self._began = False  # re-entering with the button down is no press
            self.setDown(False)
            self._let_go(_MOUSE)
        if self._began:
            super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            super().mouseReleaseEvent(event)
            return
        self.look()
        if self._began:
            super().mouseReleaseEvent(event)
        else:
            event.accept()
        self._began = False
        self._let_go(_MOUSE)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in _ENTER:
            if not event.isAutoRepeat():
                self.press_by_key()
            return
        super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() in _TABS:
            self._chosen, self._focused = True, -math.inf
        super().keyReleaseEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() in (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason):
            return  # it had the focus before
        # Qt also moves the focus by itself, with Tab as the reason, when a button is hidden. A real Tab key is released
        # here.
        by_itself = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self._chosen, self._focused = event.reason() not in by_itself, self._clock.now()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._looks.start()
        self.look()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._looks.stop()
        self.look()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.EnabledChange and hasattr(self, "_ripening"):
            self.look()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip and self._pressable and not self.ripe:
            QToolTip.showText(event.globalPos(), NOT_YET, self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        self._ripening.show()
        self.paint_ripening()

    def paint_ripening(self) -> None:
        """Paint the grey overlay of a button that accepts no press yet, and its filling edge."""
        if not self._pressable or self._rests or self._ripening.ripe:
            return
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            grey, area = colours().q("sunken"), QRectF(self.rect()).adjusted(1, 1, -1, -1)
            grey.setAlphaF(0.62)
            painter.setBrush(grey)
            painter.drawRoundedRect(area, space(0.35), space(0.35))
            edge = max(3.0, space(0.2))
            full = QRectF(area.left(), area.bottom() - edge, area.width() * self._ripening.share, edge)
            painter.setBrush(colours().q("accent"))
            painter.drawRect(full)

    # --- helpers ---

    @property
    def _pressable(self) -> bool:
        return self.isVisible() and self.isEnabled()

    def _face(self) -> Hashable:
        """Return all that the operator's decision depends on; None while the button cannot be pressed."""
        window = self.window()
        above = QApplication.activePopupWidget(), QApplication.activeModalWidget()
        if not self._pressable or any(each not in (None, window) for each in above):
            return None
        at = self.mapToGlobal(QPoint())
        return (self.meaning(), self._rests, at.x(), at.y(), self.width(), self.height(), window.isActiveWindow())

    def _takes_press(self) -> bool:
        if self.ripe:
            return True
        self._ripening.begin_again()  # in a burst of presses, none was decided on what is shown now
        self.update()
        return False

    def _clicked(self) -> None:
        """Handle clicks by the mouse and by other sources, such as a screen reader."""
        if self._began or self.ripe:
            self.taken.emit()

    def _take_hold(self, by: str) -> None:
        self._holding.add(by)
        self.held.emit(True)

    def _let_go(self, by: str) -> None:
        if by in self._holding:
            self._holding.discard(by)
            if not self._holding:
                self.held.emit(False)


def press_by_enter(button: QAbstractButton) -> None:
    """Press the focused button as Enter does."""
    if isinstance(button, DeliberateButton):
        button.press_by_key()
    else:
        button.click()
