"""The Arm screen: get the arm going, move it by hand control, gripper, home, hand guiding."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from gui.arm_control_presenter import (
    FASTEST_MM_S,
    SLOWEST_MM_S,
    STEP_SIZES,
    ArmControlPresenter,
    Direction,
    Frame,
)
from gui.arm_presenter import ArmPresenter
from gui.parts import Button, Card, column, label, line, row
from gui.recovery_card import RecoveryCard
from gui.theme import colours, look, space

# (row, column) in its pad, direction, words in the base frame, key's name, key
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
_OPEN_KEY, _CLOSE_KEY = Qt.Key.Key_O, Qt.Key.Key_C


class ArmScreen(QWidget):
    """See ArmControlPresenter. Keys come through `take_key`, so that they work wherever the focus is."""

    title = "Arm"
    shows_live_views = True

    def __init__(self, arm: ArmPresenter, control: ArmControlPresenter):
        super().__init__()
        self._control = control
        self.jog_buttons: dict[Direction, JogButton] = {}
        self._keys = {key: direction for _, direction, _, _, key in (*_MOVES, *_TURNS)}
        self.recovery = RecoveryCard(arm)
        self.note = label("", "warning", wrap=True, name="jog note")
        self.gripper = GripperCard(control)
        self.home = Button("Drive to the home position", icon_name="home", on=control.go_home)
        self.guide = Button("Start hand guiding", icon_name="hand", on=control.toggle_guiding)
        scroll, inside = QScrollArea(), QWidget()
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(inside)
        self.setLayout(column(scroll))
        content = QVBoxLayout(inside)
        content.setContentsMargins(space(1), space(1), space(1), space(1))
        content.setSpacing(space(0.8))
        content.addWidget(self.recovery)
        content.addWidget(self._move_card())
        lower = row(self.gripper, self._whole_arm_card(), gap=0.8)
        lower.setStretch(0, 1)
        lower.setStretch(1, 1)
        content.addLayout(lower)
        content.addStretch(1)
        control.changed.connect(self._show)
        control.note.connect(self._show_note)
        self._show()

    def take_key(self, key: int, pressed: bool) -> bool:
        """Whether a key meant something here; called for both going down and coming up."""
        if key in self._keys:
            direction = self._keys[Qt.Key(key)]
            (self._control.press if pressed else self._control.release)(direction)
            return True
        if key in (_OPEN_KEY, _CLOSE_KEY):
            if pressed:
                self._control.gripper(1.0 if key == _OPEN_KEY else 0.0)
            return True
        return False

    def leave(self) -> None:
        """Another screen is shown, or another window has the keyboard."""
        self._control.release_all()

    # --- parts ---

    def _move_card(self) -> Card:
        card = Card("Move the tool")
        self.frames = Choice(("From the base", "As the tool points"), self._choose_frame)
        self.frames.setToolTip("Whether X, Y and Z are those of the robot's base or of the gripper")
        self.steps = Choice(tuple(name for name, _, _ in STEP_SIZES), self._control.choose_step)
        self.speed = QSlider(Qt.Orientation.Horizontal)
        self.speed.setRange(SLOWEST_MM_S, FASTEST_MM_S)
        self.speed.setValue(self._control.speed_mm_s)
        self.speed.setAccessibleName("Speed")
        self.speed.valueChanged.connect(self._control.choose_speed)
        self.speed_text = label("", "figure")
        self.speed_text.setMinimumWidth(self.speed_text.fontMetrics().horizontalAdvance("150 mm/s "))
        card.body.addLayout(row(label("Directions", "muted"), self.frames, None, gap=0.6))
        card.body.addLayout(row(label("Step", "muted"), self.steps, None, gap=0.6))
        card.body.addLayout(row(label("Speed", "muted"), self.speed, self.speed_text, gap=0.6))
        card.body.addWidget(line())
        pads = row(gap=1.5)
        for heading, entries in (("Move", _MOVES), ("Turn", _TURNS)):
            pads.addLayout(column(label(heading, "muted"), self._pad(entries)))
        card.body.addLayout(pads)
        self.how = label("", "small", wrap=True)
        card.body.addWidget(self.note)
        card.body.addWidget(self.how)
        return card

    def _pad(self, entries) -> QWidget:
        pad = QWidget()
        grid = QGridLayout(pad)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(space(0.35))
        for (at_row, at_column), direction, words, key_name, _ in entries:
            button = JogButton(direction, words, key_name, self._control)
            grid.addWidget(button, at_row, at_column)
            self.jog_buttons[direction] = button
        return pad

    def _whole_arm_card(self) -> Card:
        card = Card("Whole arm")
        card.body.addWidget(self.home)
        card.body.addWidget(label("The arm drives there at once, slowly, by the way it finds.", "small", wrap=True))
        card.body.addWidget(line())
        card.body.addWidget(self.guide)
        self.guide_text = label("", "small", wrap=True)
        card.body.addWidget(self.guide_text)
        card.body.addStretch(1)
        return card

    # --- showing ---

    def _choose_frame(self, index: int) -> None:
        self._control.choose_frame((Frame.BASE, Frame.TOOL)[index])

    def _show(self) -> None:
        control = self._control
        for button in self.jog_buttons.values():
            button.show_frame(control.frame)
            button.setEnabled(control.can_jog)
        self.speed_text.setText(f"{control.speed_mm_s} mm/s")
        self.frames.choose(0 if control.frame is Frame.BASE else 1)
        self.steps.choose(control.step_index)
        held = STEP_SIZES[control.step_index][1] == 0.0
        how = "Hold a button or its key: the arm moves as long as you hold it."
        if not held:
            how = "One press of a button or its key is one step of this size."
        if not control.can_jog and not control.moving:
            how = "The arm is not ready: see above, or the panel beside the cameras."
        elif control.gamepad:
            how += f"\n{control.gamepad}: hold the left shoulder button and move the sticks. Start is Stop."
        self.how.setText(how)
        self.home.setEnabled(control.can_press)
        self.guide.setEnabled(control.can_press or control.guiding)
        self.guide.setText("End hand guiding" if control.guiding else "Start hand guiding")
        text = "Hold the arm before you press: it then gives way to your hands."
        self.guide_text.setText("Move the arm with your hands. It keeps its own weight." if control.guiding else text)

    def _show_note(self, sentence: str) -> None:
        self.note.setText(sentence)


class JogButton(QPushButton):
    """Moves the arm in one direction; says which key does the same."""

    def __init__(self, direction: Direction, words: str, key_name: str, control: ArmControlPresenter):
        super().__init__()
        look(self, "jog")
        self.direction, self._words, self._key_name, self._shown = direction, words, key_name, words
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keyboard has its own keys for this
        self.setAutoRepeat(False)
        self.pressed.connect(lambda: control.press(direction))
        self.released.connect(lambda: control.release(direction))
        self.show_frame(Frame.BASE)

    def sizeHint(self) -> QSize:
        return QSize(space(5.6), space(3.1))

    def show_frame(self, frame: Frame) -> None:
        words = self._words
        if frame is Frame.TOOL and "·" in words:
            words = f"Tool {words.partition('· ')[2]}"
        self._shown = words
        self.setToolTip(f"Key {self._key_name}")
        self.setAccessibleName(words)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The words, and the key below them as on a keyboard."""
        super().paintEvent(event)
        with QPainter(self) as painter:
            self._draw(painter)

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


class Choice(QWidget):
    """A few choices side by side, one of them chosen."""

    chosen = Signal(int)

    def __init__(self, names: tuple[str, ...], on) -> None:
        super().__init__()
        self._group = QButtonGroup(self)
        layout = row(gap=0.25)
        for i, name in enumerate(names):
            button = QPushButton(name)
            button.setCheckable(True)
            self._group.addButton(button, i)
            layout.addWidget(button)
        self.setLayout(layout)
        self.choose(0)
        self._group.idClicked.connect(on)

    def choose(self, index: int) -> None:
        self._group.button(index).setChecked(True)

    def button(self, index: int) -> QPushButton:
        button = self._group.button(index)
        assert isinstance(button, QPushButton)
        return button


class GripperCard(Card):
    """Open, close, or a width in between."""

    def __init__(self, control: ArmControlPresenter):
        super().__init__("Gripper")
        self._control = control
        self.open = Button("Open  (O)", icon_name="gripper-open", on=lambda: control.gripper(1.0))
        self.close_ = Button("Close  (C)", icon_name="gripper-closed", on=lambda: control.gripper(0.0))
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 100)
        self.slider.setValue(100)
        self.slider.setAccessibleName("Gripper opening in per cent")
        self.slider.setTracking(False)
        self.slider.valueChanged.connect(self._moved)
        self.text: QLabel = label("100 %", "figure")
        self.slider.sliderMoved.connect(lambda value: self.text.setText(f"{value} %"))
        self.body.addLayout(row(self.open, self.close_))
        self.body.addLayout(row(label("closed", "small"), self.slider, label("open", "small"), self.text))
        self.body.addWidget(label("Let go of the slider to move the gripper there.", "small", wrap=True))
        self.body.addStretch(1)
        control.changed.connect(self._show)
        self._show()

    def _moved(self, value: int) -> None:
        self.text.setText(f"{value} %")
        self._control.gripper(value / 100.0)

    def _show(self) -> None:
        for part in (self.open, self.close_, self.slider):
            part.setEnabled(self._control.can_grip)
