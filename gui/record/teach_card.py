"""Card for the source of motion during a recording: hand guiding, keys and gamepad, or the lab's demonstrator."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy, QSlider, QSpinBox, QStackedWidget, QWidget

from gui.arm.hand_control import FASTEST_MM_S, SLOWEST_MM_S, ArmControlPresenter
from gui.arm.jog_pads import DIRECTION_OF_KEY, JogPads
from gui.arm.phrases import hand_words
from gui.arm.screen import gripper_buttons
from gui.record.phrases import SOURCE_NAMES
from gui.record.presenter import BY_HAND, BY_KEYS, DEMONSTRATOR, RecordPresenter
from gui.widgets.basics import Card, column, label, row
from gui.widgets.deliberate_press import DeliberateButton
from gui.widgets.segmented_control import SegmentedControl
from gui.widgets.theme import space
from workflows.recording.facts import RecordState

_SOURCES = (BY_HAND, BY_KEYS, DEMONSTRATOR)
_COUNT = 20


class TeachCard(Card):
    """Buttons of the arm control and of the demonstrator."""

    def __init__(self, presenter: RecordPresenter, control: ArmControlPresenter):
        super().__init__()
        self._presenter, self._control = presenter, control
        self.choice = SegmentedControl(tuple(SOURCE_NAMES[source] for source in _SOURCES), self._choose)
        self.guide = DeliberateButton("", clock=control.clock, icon_name="hand", on=control.toggle_guiding)
        self.guide_words = label("", "small", wrap=True)
        self.open, self.close_ = gripper_buttons(control)
        self.pads = JogPads(control, (self.open, self.close_))
        self.speed = QSlider(Qt.Orientation.Horizontal)
        self.speed.setRange(SLOWEST_MM_S, FASTEST_MM_S)
        self.speed.setValue(control.speed_mm_s)
        self.speed.setAccessibleName("Speed")
        self.speed.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.speed.valueChanged.connect(control.choose_speed)
        self.speed_text = label("", "figure")
        self.count = QSpinBox()
        self.count.setRange(1, 1000)
        self.count.setValue(_COUNT)
        self.count.setAccessibleName("How many demonstrations")
        self.demonstrate = DeliberateButton(
            "", "primary", clock=control.clock, icon_name="play", on=lambda: presenter.demonstrate(self.count.value())
        )
        for button in (self.guide, self.demonstrate):
            policy = button.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            button.setSizePolicy(policy)
        self.count.valueChanged.connect(lambda _: self._show())
        self.pages = QStackedWidget()
        self.pages.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        for page in (self._hand_page(), self._keys_page(), self._demonstrator_page()):
            self.pages.addWidget(page)
        self.gripper = row(label("Gripper", "muted"), self.open, self.close_, gap=0.4)
        # Pages grow upwards: what is below them stays in place whichever of them is shown.
        self.body.addWidget(self.pages)
        self.body.addLayout(row(self.guide, self.demonstrate, self.count, None))
        self.body.addLayout(row(label("Taught", "muted"), self.choice, None, self.gripper, gap=0.6))
        presenter.changed.connect(self._show)
        control.changed.connect(self._show)
        self._show()

    def take_key(self, key: int, pressed: bool) -> bool:
        """Handle the keys that move the arm."""
        if key == Qt.Key.Key_G:
            if pressed and self.isVisible():
                self._toggle_guiding()
            return True
        direction = DIRECTION_OF_KEY.get(Qt.Key(key))
        if direction is not None and (self._presenter.hand.can_pull or not pressed):
            (self._presenter.hand.pull if pressed and self.isVisible() else self._presenter.hand.release)(direction)
        # Hidden pads do not move the arm, but key releases are always handled.
        by_keys = self._presenter.source == BY_KEYS and self.isVisible()
        return (self.pads.take_key if by_keys or not pressed else self.pads.take_gripper_key)(key, pressed)

    # --- helpers ---

    def _hand_page(self) -> QWidget:
        page = QWidget()
        page.setLayout(column(None, self.guide_words))
        return page

    def _keys_page(self) -> QWidget:
        page = QWidget()
        speed = row(label("Speed", "muted"), self.speed, self.speed_text, gap=0.6)
        page.setLayout(column(self.pads, speed))
        return page

    def _demonstrator_page(self) -> QWidget:
        page = QWidget()
        words = "The lab's own script does the task, each time on another bench, and its judge says whether it worked."
        page.setLayout(column(None, label(words, "small", wrap=True)))
        return page

    def _toggle_guiding(self) -> None:
        """Handle the hand guiding key, which ends hand guiding even while its button is hidden."""
        if self.guide.isVisible():
            self.guide.press_by_own_key()
        elif self._control.guiding:
            self._control.toggle_guiding()

    def _choose(self, index: int) -> None:
        self._presenter.choose_source(_SOURCES[index])

    def _show(self) -> None:
        presenter, control = self._presenter, self._control
        source = presenter.source
        self.choice.choose(_SOURCES.index(source))
        free = presenter.state in (RecordState.READY, RecordState.RESET) and not presenter.busy
        for index, each in enumerate(_SOURCES):
            self.choice.button(index).setEnabled(free and each in presenter.sources)
            self.choice.button(index).setVisible(each in presenter.sources)
        self.pages.setCurrentIndex(_SOURCES.index(source))
        self.pages.setFixedHeight(space(13.5) if source == BY_KEYS else space(2.4))
        self.guide.setVisible(source == BY_HAND)
        self.demonstrate.setVisible(source == DEMONSTRATOR)
        self.count.setVisible(source == DEMONSTRATOR)
        self.guide.only_rests(control.guiding)
        self.guide.setEnabled(control.can_press or control.guiding)
        self.guide.setText("End hand guiding  (G)" if control.guiding else "Start hand guiding  (G)")
        self.guide_words.setText(hand_words(control.guiding, presenter.simulated))
        self.speed_text.setText(f"{control.speed_mm_s} mm/s")
        for button in (self.open, self.close_):
            button.setEnabled(control.can_grip)
        self.demonstrate.setText(f"Record {self.count.value()} demonstrations")
        self.demonstrate.setEnabled(presenter.can_demonstrate)
        self.count.setEnabled(free)
