"""Jog pads to translate and rotate the tool, and their key bindings."""

from collections.abc import Hashable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from gui.arm.hand_control import ArmControlPresenter, Direction, Frame
from gui.widgets.basics import column, label, row
from gui.widgets.deliberate_press import DeliberateButton
from gui.widgets.theme import colours, space

# (row, column) in its pad, direction, label in the base frame, key's name, key
_MOVES = (
    ((0, 1), Direction(0, 1), "Away · X+", "↑", Qt.Key.Key_Up),
    ((1, 0), Direction(1, 1), "Left · Y+", "←", Qt.Key.Key_Left),
    ((1, 2), Direction(1, -1), "Right · Y−", "→", Qt.Key.Key_Right),
    ((2, 1), Direction(0, -1), "Back · X−", "↓", Qt.Key.Key_Down),
    ((0, 3), Direction(2, 1), "Up · Z+", "Page ↑", Qt.Key.Key_PageUp),
    ((2, 3), Direction(2, -1), "Down · Z−", "Page ↓", Qt.Key.Key_PageDown),
)
_TURNS = (
    ((0, 1), Direction(4, 1), "Pitch +", "W", Qt.Key.Key_W),
    ((1, 0), Direction(3, -1), "Roll −", "A", Qt.Key.Key_A),
    ((1, 2), Direction(3, 1), "Roll +", "D", Qt.Key.Key_D),
    ((2, 1), Direction(4, -1), "Pitch −", "S", Qt.Key.Key_S),
    ((0, 0), Direction(5, 1), "Yaw +", "Q", Qt.Key.Key_Q),
    ((0, 2), Direction(5, -1), "Yaw −", "E", Qt.Key.Key_E),
)
DIRECTION_OF_KEY = {key: direction for _, direction, _, _, key in (*_MOVES, *_TURNS)}
_OPEN_KEY, _CLOSE_KEY = Qt.Key.Key_O, Qt.Key.Key_C


class JogPads(QWidget):
    """One button per direction, in `buttons`; keys arrive through `take_key`, also those of `grip`."""

    def __init__(self, control: ArmControlPresenter, grip: tuple[DeliberateButton, DeliberateButton]):
        super().__init__()
        self._control = control
        self._grip: dict[Qt.Key, DeliberateButton] = {_OPEN_KEY: grip[0], _CLOSE_KEY: grip[1]}
        self.buttons: dict[Direction, JogButton] = {}
        pads = row(gap=1.5)
        for heading, entries in (("Move", _MOVES), ("Turn", _TURNS)):
            pads.addLayout(column(label(heading, "muted"), self._pad(entries)))
        self.setLayout(pads)
        control.changed.connect(self._show)
        self._show()

    def take_key(self, key: int, pressed: bool) -> bool:
        """Handle press or release of a key; return whether it is bound here."""
        if key in DIRECTION_OF_KEY:
            self.buttons[DIRECTION_OF_KEY[Qt.Key(key)]].hold_by_key(pressed)
            return True
        return self.take_gripper_key(key, pressed)

    def take_gripper_key(self, key: int, pressed: bool) -> bool:
        """Handle only the gripper's keys; return whether the key is one of them."""
        button = self._grip.get(Qt.Key(key))
        if button is not None and pressed:
            button.press_by_own_key()
        return button is not None

    def _pad(self, entries) -> QWidget:
        pad = QWidget()
        grid = QGridLayout(pad)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(space(0.35))
        for (at_row, at_column), direction, words, key_name, _ in entries:
            button = JogButton(direction, words, key_name, self._control)
            grid.addWidget(button, at_row, at_column)
            self.buttons[direction] = button
        return pad

    def _show(self) -> None:
        for button in self.buttons.values():
            button.show_frame(self._control.frame)
            button.setEnabled(self._control.can_jog)


class JogButton(DeliberateButton):
    """Moves the arm in one direction while it is held; shows the key with the same function."""

    def __init__(self, direction: Direction, words: str, key_name: str, control: ArmControlPresenter):
        self.direction, self._words, self._key_name, self._shown = direction, words, key_name, words
        super().__init__("", "jog", clock=control.clock)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keyboard has its own keys for this
        self.setAutoRepeat(False)
        self.held.connect(lambda held: (control.press if held else control.release)(direction))
        self.show_frame(Frame.BASE)

    def sizeHint(self) -> QSize:
        return QSize(space(5.6), space(3.1))

    def meaning(self) -> Hashable:
        return self._shown

    def show_frame(self, frame: Frame) -> None:
        words = self._words
        if frame is Frame.TOOL and "·" in words:
            words = f"Tool {words.partition('· ')[2]}"
        self._shown = words
        self.setToolTip(f"Key {self._key_name}")
        self.setAccessibleName(words)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the label, and its key below as on a keyboard."""
        super().paintEvent(event)
        with QPainter(self) as painter:
            self._draw(painter)
        self.paint_ripening()

    def _draw(self, painter: QPainter) -> None:
        c = colours()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = c.q("on_accent" if self.isDown() else "text" if self.isEnabled() else "faint")
        area = QRectF(self.rect())
        painter.setPen(ink)
        painter.drawText(area.adjusted(0, 0, 0, -0.42 * area.height()), Qt.AlignmentFlag.AlignCenter, self._shown)
        font = painter.font()
        font.setBold(False)
        painter.setFont(font)
        width = max(painter.fontMetrics().horizontalAdvance(self._key_name) + space(0.6), space(1.4))
        cap = QRectF(0, 0, width, space(1.15))
        cap.moveCenter(QPointF(area.center().x(), area.top() + 0.7 * area.height()))
        if not self.isDown():
            ink = c.q("muted" if self.isEnabled() else "faint")
        painter.setPen(ink)
        painter.drawRoundedRect(cap, 3, 3)
        painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, self._key_name)
