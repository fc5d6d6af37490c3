"""Arm screen: guided recovery to a ready arm, hand control, gripper, home, hand guiding."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QScrollArea, QSlider, QVBoxLayout, QWidget

from gui.arm.hand_control import FASTEST_MM_S, SLOWEST_MM_S, STEP_SIZES, ArmControlPresenter, Frame
from gui.arm.jog_pads import JogPads
from gui.arm.panel import TroubleNote
from gui.arm.phrases import STEPS
from gui.arm.presenter import ArmPresenter
from gui.widgets.basics import Button, Card, column, label, line, row
from gui.widgets.deliberate_press import DeliberateButton
from gui.widgets.segmented_control import SegmentedControl
from gui.widgets.theme import look, space
from robot.control.recovery import RecoveryStep
from robot.state import ArmState


class RecoveryCard(Card):
    """Guided recovery: fault, remedy, and the numbered steps left, each started by the operator. Hidden when ready."""

    def __init__(self, presenter: ArmPresenter):
        super().__init__()
        self.setObjectName("recovery")
        self._presenter = presenter
        self.heading = label("", "heading")
        self.trouble = TroubleNote()
        self.rows = {step: _StepRow(step, presenter) for step in STEPS}
        self.connect_again = Button("Connect again", "primary", icon_name="refresh", on=presenter.connect_again)
        self.body.addWidget(self.heading)
        self.body.addWidget(self.trouble)
        for each in self.rows.values():
            self.body.addWidget(each)
        self.body.addLayout(row(self.connect_again, None))
        presenter.refreshed.connect(self._show)
        presenter.busy_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        presenter, figures = self._presenter, self._presenter.figures
        disconnected = figures.state is ArmState.DISCONNECTED
        self.setVisible(bool(figures.steps) or disconnected)
        self.heading.setText(_HEADINGS.get(figures.state, "Get the arm ready"))
        self.trouble.show_figures(figures)
        for step, each in self.rows.items():
            number = figures.steps.index(step) + 1 if step in figures.steps else 0
            each.setVisible(number > 0)
            each.show_step(number, step is figures.press, not presenter.busy)
        self.connect_again.setVisible(disconnected and not presenter.connection.opening)


_HEADINGS = {
    ArmState.DISCONNECTED: "The arm is not connected",
    ArmState.ERROR: "The arm reports an error",
    ArmState.STOPPED: "The arm was stopped",
}


class _StepRow(Card):
    """One step: number, description, and its button when it is the next one."""

    def __init__(self, step: RecoveryStep, presenter: ArmPresenter):
        super().__init__()
        look(self, "")
        words, why = STEPS[step]
        self.number, self.words = label("", "chip"), label(words, "figure")
        self.button = DeliberateButton(words, "primary", clock=presenter.connection.clock, on=presenter.recover)
        self.button.setObjectName(f"step {step.name}")
        self._own = step is RecoveryStep.REMOVE_CAUSE  # a manual step has no button
        self.body.setContentsMargins(0, 0, 0, 0)
        texts: QVBoxLayout = column(self.words, label(why, "muted", wrap=True), gap=0.1)
        self.number.setFixedWidth(space(1.6))
        self.number.setAlignment(Qt.AlignmentFlag.AlignCenter)
        line = row(self.number, texts, self.button, gap=0.7)
        line.setStretch(1, 1)
        self.body.addLayout(line)

    def show_step(self, number: int, its_turn: bool, enabled: bool) -> None:
        if self.number.text() != str(number):
            self.number.setText(str(number))
        look(self.number, "chip-accent" if its_turn or (self._own and number == 1) else "chip")
        self.button.setVisible(its_turn)
        self.button.setEnabled(enabled)


class ArmScreen(QWidget):
    """View of ArmControlPresenter. Keys arrive through `take_key`, so that they work wherever the focus is."""

    title = "Arm"
    shows_live_views = True

    def __init__(self, arm: ArmPresenter, control: ArmControlPresenter):
        super().__init__()
        self._control = control
        self.gripper = GripperCard(control)
        self.pads = JogPads(control, (self.gripper.open, self.gripper.close_))
        self.jog_buttons = self.pads.buttons
        self.recovery = RecoveryCard(arm)
        self.note = label("", "warning", wrap=True, name="jog note")
        clock = control.clock
        self.home = DeliberateButton("Drive to the home position", clock=clock, icon_name="home", on=control.go_home)
        self.guide = DeliberateButton("", clock=clock, icon_name="hand", on=control.toggle_guiding)
        scroll, inside = QScrollArea(), QWidget()
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(inside)
        self.setLayout(column(scroll))
        content = QVBoxLayout(inside)
        content.setContentsMargins(space(1), space(1), space(1), space(1))
        content.setSpacing(space(0.8))
        content.addWidget(self._move_card())
        lower = row(self.gripper, self._whole_arm_card(), gap=0.8)
        lower.setStretch(0, 1)
        lower.setStretch(1, 1)
        content.addLayout(lower)
        content.addWidget(self.recovery)  # last: it appears and disappears, and must not move the jog buttons
        content.addStretch(1)
        control.changed.connect(self._show)
        control.note.connect(self._show_note)
        self._show()

    def take_key(self, key: int, pressed: bool) -> bool:
        """Handle press or release of a key; return whether it is bound here."""
        return self.pads.take_key(key, pressed)

    def leave(self) -> None:
        """Release all inputs: another screen is shown, or the keyboard focus was lost."""
        self._control.release_all()

    # --- helpers ---

    def _move_card(self) -> Card:
        card = Card("Move the tool")
        self.frames = SegmentedControl(("From the base", "As the tool points"), self._choose_frame)
        self.frames.setToolTip("Whether X, Y and Z are those of the robot's base or of the gripper")
        self.steps = SegmentedControl(tuple(name for name, _, _ in STEP_SIZES), self._control.choose_step)
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
        card.body.addWidget(self.pads)
        self.how = label("", "small", wrap=True)
        for each, lines in ((self.note, 1.2), (self.how, 2.4)):
            each.setMinimumHeight(space(lines))  # whatever the length of the text, what is below stays in place
            each.setAlignment(Qt.AlignmentFlag.AlignTop)
        card.body.addWidget(self.note)
        card.body.addWidget(self.how)
        return card

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

    # --- display ---

    def _choose_frame(self, index: int) -> None:
        self._control.choose_frame((Frame.BASE, Frame.TOOL)[index])

    def _show(self) -> None:
        control = self._control
        self.speed_text.setText(f"{control.speed_mm_s} mm/s")
        self.frames.choose(0 if control.frame is Frame.BASE else 1)
        self.steps.choose(control.step_index)
        held = STEP_SIZES[control.step_index][1] == 0.0
        how = "Hold a button or its key: the arm moves as long as you hold it."
        if not held:
            how = "One press of a button or its key is one step of this size."
        if not control.can_jog and not control.moving:
            how = "The arm is not ready: see the panel beside the cameras, or below."
        elif control.gamepad:
            how += f"\n{control.gamepad}: hold its left (shoulder) button and move. A gamepad's Start is Stop."
        self.how.setText(how)
        self.home.setEnabled(control.can_press)
        self.guide.setEnabled(control.can_press or control.guiding)
        self.guide.only_rests(control.guiding)
        self.guide.setText("End hand guiding" if control.guiding else "Start hand guiding")
        text = "Hold the arm before you press: it then gives way to your hands."
        self.guide_text.setText("Move the arm with your hands. It keeps its own weight." if control.guiding else text)

    def _show_note(self, sentence: str) -> None:
        self.note.setText(sentence)


def gripper_buttons(control: ArmControlPresenter) -> tuple[DeliberateButton, DeliberateButton]:
    """Return the buttons that open and close the gripper."""
    clock = control.clock
    return (
        DeliberateButton("Open  (O)", clock=clock, icon_name="gripper-open", on=lambda: control.gripper(1.0)),
        DeliberateButton("Close  (C)", clock=clock, icon_name="gripper-closed", on=lambda: control.gripper(0.0)),
    )


class GripperCard(Card):
    """Gripper control: open, close, or a width in between."""

    def __init__(self, control: ArmControlPresenter):
        super().__init__("Gripper")
        self._control = control
        self.open, self.close_ = gripper_buttons(control)
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
