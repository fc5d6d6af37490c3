"""Cards beside the images of the Record screen: the task, the state with its buttons, and the figures."""

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QFrame, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from gui.arm.presenter import ArmPresenter
from gui.arm.state_line import ArmLine
from gui.record import phrases
from gui.record.presenter import COUNTDOWNS_S, DEMONSTRATOR, RecordPresenter
from gui.widgets.basics import Button, Card, label, row
from gui.widgets.deliberate_press import DeliberateButton
from gui.widgets.facts import Facts, Note
from gui.widgets.theme import look, space
from workflows.recording.facts import RecordState

_SEPARATOR = ";"


class TaskCard(Card):
    """Selection of the task to be recorded, with its paraphrases."""

    def __init__(self, presenter: RecordPresenter):
        super().__init__("Task")
        self._presenter = presenter
        self.task = QComboBox()
        self.task.setEditable(True)
        self.task.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.task.setAccessibleName("Task")
        self.task.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.line.setPlaceholderText("For example: pick up the red cube")
        self.line.setMaxLength(20_000)  # a text that is too long is reported, not cut off
        self.paraphrases = QLineEdit()
        self.paraphrases.setPlaceholderText("Other words; with semicolons between")
        self.paraphrases.setAccessibleName("Other words for the task")
        self.body.addWidget(self.task)
        self.body.addWidget(self.paraphrases)
        self.task.textActivated.connect(self._chosen)
        self.line.editingFinished.connect(lambda: self._chosen(self.line.text()))
        self.line.returnPressed.connect(self._leave)
        self.paraphrases.editingFinished.connect(self._paraphrased)
        self.paraphrases.returnPressed.connect(self._leave)
        presenter.changed.connect(self.refresh)
        self.refresh()

    @property
    def line(self) -> QLineEdit:
        line = self.task.lineEdit()
        assert line is not None
        return line

    def refresh(self) -> None:
        presenter = self._presenter
        wanted = list(presenter.tasks.suggestions)
        if wanted != [self.task.itemText(i) for i in range(self.task.count())]:
            typed = self.line.text()
            with QSignalBlocker(self.task):
                self.task.clear()
                self.task.addItems(wanted)
                self.task.setCurrentIndex(-1)
                self.line.setText(typed)
        free = presenter.state in (RecordState.READY, RecordState.RESET) and not presenter.busy
        self.task.setEnabled(free)
        self.paraphrases.setEnabled(free)
        if not self.line.hasFocus() and self.line.text() != presenter.instruction:
            self.line.setText(presenter.instruction)
        words = f"{_SEPARATOR} ".join(presenter.paraphrases)
        if not self.paraphrases.hasFocus() and self.paraphrases.text() != words:
            self.paraphrases.setText(words)
            self.paraphrases.setCursorPosition(0)

    def _chosen(self, text: str) -> None:
        if " ".join(text.split()) != self._presenter.instruction:
            self._presenter.choose_task(text)

    def _paraphrased(self) -> None:
        texts = (" ".join(text.split()) for text in self.paraphrases.text().split(_SEPARATOR))
        self._presenter.choose_paraphrases(tuple(dict.fromkeys(text for text in texts if text)))

    def _leave(self) -> None:
        """Remove the focus from the text fields, so that keys control the recording again."""
        self.line.clearFocus()
        self.paraphrases.clearFocus()


class StateBanner(QFrame):
    """State of the recording in large letters, and the time."""

    def __init__(self):
        super().__init__()
        self.name, self.time = label("", "title", name="record state"), label("", "title", name="record time")
        layout = row(self.name, None, self.time)
        layout.setContentsMargins(space(0.7), space(0.5), space(0.7), space(0.5))
        self.setLayout(layout)

    def show_words(self, name: str, time: str, kind: str) -> None:
        self.name.setText(name)
        self.time.setText(time)
        look(self, kind)


class StateCard(Card):
    """State, instructions, and the buttons with their keys."""

    def __init__(self, presenter: RecordPresenter, arm: ArmPresenter):
        super().__init__()
        self._presenter = presenter
        self.banner, self.problem, self.words = StateBanner(), Note(), label("", "muted", wrap=True)
        self.arm = ArmLine(arm)
        self.start = Button("", "primary", icon_name="record", on=presenter.start_or_end)
        clock = presenter.connection.clock
        self.bench = DeliberateButton("", clock=clock, icon_name="refresh", on=presenter.bench_is_ready)
        self.note = QLineEdit()
        self.note.setPlaceholderText("A note, if you like  (T)")
        # Else Qt would move the focus here when a button is hidden, and Y and N would be typed into the note.
        self.note.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.note.setAccessibleName("Note about the episode")
        self.note.setMaxLength(1000)
        self.note.returnPressed.connect(self.note.clearFocus)
        self.success = DeliberateButton("It worked: keep  (Y)", "primary", clock=clock, icon_name="check")
        self.failure = DeliberateButton("It failed: keep  (N)", clock=clock, icon_name="cross")
        self.discard = DeliberateButton("Discard, do it again  (Del)", "danger", clock=clock, icon_name="trash")
        self.success.taken.connect(lambda: self.keep(True))
        self.failure.taken.connect(lambda: self.keep(False))
        self.discard.taken.connect(presenter.discard)
        self.countdown = QComboBox()
        for seconds in COUNTDOWNS_S:
            self.countdown.addItem(f"after {seconds} s" if seconds else "at once", seconds)
        self.countdown.setCurrentIndex(COUNTDOWNS_S.index(presenter.countdown_s))
        self.countdown.setAccessibleName("When the recording begins after the press")
        self.countdown.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.countdown.activated.connect(lambda _: presenter.choose_countdown(self.countdown.currentData()))
        starting = row(self.start, self.countdown, gap=0.35)
        starting.setStretch(0, 1)
        for part in (self.banner, self.problem, self.words, self.arm):
            self.body.addWidget(part)
        # A card of its own in a fixed place, in which hidden buttons keep their space too.
        self.presses = Card()
        self.presses.body.setSpacing(space(0.35))
        for button in (self.start, self.bench, self.success, self.failure, self.discard):
            policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            policy.setRetainSizeWhenHidden(True)
            button.setSizePolicy(policy)
        self.presses.body.addWidget(self.note)
        self.presses.body.addLayout(starting)
        for button in (self.bench, self.success, self.failure, self.discard):
            self.presses.body.addWidget(button)
        presenter.changed.connect(self.refresh)
        presenter.live_changed.connect(self._show_time)
        self.refresh()

    def keep(self, success: bool) -> None:
        self._presenter.keep(success, self.note.text().strip())
        self.note.clear()

    def refresh(self) -> None:
        presenter, state = self._presenter, self._presenter.state
        self._show_time()
        self.problem.show_words(presenter.problem, "warning" if state is RecordState.REVIEW else "danger")
        self.words.setText(phrases.next_words(presenter))
        self.words.setVisible(bool(self.words.text()))
        reviewing = state is RecordState.REVIEW and not presenter.demonstrating
        self.note.setEnabled(reviewing)
        for button, kind in ((self.success, "primary"), (self.failure, ""), (self.discard, "danger")):
            button.setEnabled(reviewing and not presenter.busy)
            plain = not reviewing or (button is self.success and bool(presenter.problem))
            button.show_as("" if plain else kind)
        self._show_start(state)
        self.bench.setEnabled(state is RecordState.RESET and not presenter.demonstrating and not presenter.busy)
        lab = presenter.simulated
        self.bench.setText("New bench, arm home  (B)" if lab else "The bench is ready  (B)")
        self.bench.setToolTip("Other things in other places; the arm drives home before" if lab else "")

    def _show_start(self, state: RecordState) -> None:
        presenter = self._presenter
        words = {
            RecordState.RECORDING: "End the recording  (R)",
            RecordState.COUNTDOWN: "Cancel  (R)",
        }.get(state, "Start the recording  (R)")
        self.start.setText(words)
        self.start.set_icon("stop" if state is RecordState.RECORDING else "record")
        mine = presenter.source != DEMONSTRATOR and not presenter.demonstrating
        self.start.setVisible(mine and state is not RecordState.REVIEW)
        ending = state is RecordState.COUNTDOWN or (state is RecordState.RECORDING and not presenter.busy)
        self.start.setEnabled(presenter.can_start or ending)
        self.countdown.setVisible(mine and state in (RecordState.READY, RecordState.RESET))

    def _show_time(self) -> None:
        if self.isVisible() or not self.banner.name.text():
            self.banner.show_words(*phrases.state_words(self._presenter))


class FiguresCard(Card):
    """Frame rates, losses, synchronisation and disk space."""

    def __init__(self, presenter: RecordPresenter):
        super().__init__()
        self._presenter, self.facts = presenter, Facts()
        self.body.addWidget(self.facts)
        presenter.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        self.facts.show_facts(phrases.figures_words(self._presenter))


def cards(*parts: QWidget) -> QWidget:
    """Stack cards vertically."""
    result = QWidget()
    layout = QVBoxLayout(result)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(space(0.6))
    for part in parts:
        layout.addWidget(part)
    layout.addStretch(1)
    return result
