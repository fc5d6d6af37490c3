"""Pages of a rehearsal from the approval on: run, watch the run, enter the outcome."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QLineEdit, QProgressBar, QWidget

from gui.rehearse import phrases
from gui.rehearse.presenter import RehearsePresenter
from gui.rehearse.press_column import PressColumn
from gui.rehearse.steps import Step
from gui.widgets.basics import Button, column, label, row
from gui.widgets.facts import Facts, Note

SPEEDS_PCT = (25, 50, 100)


class ApprovedPage(QWidget):
    """Page of an approved motion that is not running: speed, and hold-to-run."""

    def __init__(self, presenter: RehearsePresenter, presses: PressColumn):
        super().__init__()
        self._presenter, self._presses = presenter, presses
        self.heading, self.problem, self.facts = label("", "heading", wrap=True), Note(), Facts()
        self.speeds = QButtonGroup(self)
        choices = row(label("Speed", "muted"), gap=0.3)
        for pct in SPEEDS_PCT:
            button = Button(f"{pct} %")
            button.setCheckable(True)
            button.setAccessibleName(f"Speed {pct} percent")
            self.speeds.addButton(button, pct)
            choices.addWidget(button)
        self.slow = label("", "muted", wrap=True)
        choices.addWidget(self.slow, 1)
        self.hold = QCheckBox("Move only while I hold the button")
        self.hold.setToolTip("The arm rests on its way as soon as you let go. Also: hold the key H")
        self.hold.clicked.connect(presenter.choose_hold)
        self.take_back = Button("Take the approval back", on=presenter.take_back)
        self.ready, self.run = presses.ready, presses.run
        self.ready.taken.connect(presenter.make_ready)
        self.run.taken.connect(self._run)
        self.run.held.connect(self._hold)
        self.speeds.idToggled.connect(lambda *_: self.refresh())
        parts = (self.heading, self.problem, choices, self.hold, self.facts, None, row(self.take_back, None))
        self.setLayout(column(*parts, gap=0.4))
        self.begin()

    @property
    def speed(self) -> float:
        """Selected share of full speed, in (0, 1]."""
        return self.speeds.checkedId() / 100.0

    def begin(self) -> None:
        """Preselect the speed for a new approval: the lowest for a new task, else the highest that succeeded before."""
        good = self._presenter.memory.good_speed
        known = SPEEDS_PCT[0] if good is None else max((p for p in SPEEDS_PCT if p <= 100 * good + 1e-6), default=25)
        self.speeds.button(known).setChecked(True)

    def refresh(self) -> None:
        presenter, pct = self._presenter, self.speeds.checkedId()
        self.heading.setText(phrases.approved_words(presenter))
        self.problem.show_words(presenter.problem)
        self.facts.show_facts(phrases.run_words(presenter, pct / 100.0))
        self.facts.setVisible(not presenter.problem)
        self.slow.setText(phrases.speed_words(presenter, pct))
        most = 1.0 if presenter.cover is None else presenter.cover.allowance.speed
        for button_pct in SPEEDS_PCT:
            self.speeds.button(button_pct).setEnabled(button_pct <= 100 * most + 1e-6)
        self.hold.setChecked(presenter.hold_to_run)
        self._presses.speed_pct = pct
        self._presses.refresh(by_hand=False)

    def _run(self) -> None:
        """Start or resume the motion; with hold-to-run only the held button counts."""
        if self._presenter.step is Step.RUNNING:
            self._presenter.go_on()
        else:
            self._presenter.run(self.speed)

    def _hold(self, held: bool) -> None:
        presenter = self._presenter
        if not held or presenter.held_run or presenter.hold_to_run:
            presenter.hold(held, self.speed)


class RunningPage(QWidget):
    """Page shown while the arm moves. No other page has a control where its Stop is.

    The button that is held, or that resumes, is the one that started the motion.
    """

    def __init__(self, presenter: RehearsePresenter, presses: PressColumn):
        super().__init__()
        self._presenter = presenter
        self.heading, self.problem, self.facts = label("", "heading", wrap=True), Note(), Facts()
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.hold = presses.run
        self.pause = Button("Pause", icon_name="pause", on=presenter.pause)
        self.pause.setToolTip("The arm comes to rest on its way. It goes on only after another press")
        self.stop = Button("Stop", "stop", icon_name="stop", on=presenter.stop)
        self.stop.setToolTip("Stop the arm at once (space bar)")
        top = row(self.heading, self.stop)
        top.setStretch(0, 1)
        self.setLayout(column(top, self.bar, self.problem, self.facts, None, row(self.pause, None)))

    def refresh(self) -> None:
        presenter = self._presenter
        self.heading.setText(phrases.running_words(presenter))
        self.pause.setVisible(not presenter.held_run)
        run = presenter.rehearsal.current_run
        self.bar.setValue(0 if run is None else round(1000 * run.progress))
        self.problem.show_words(presenter.problem, "warning")
        self.facts.show_facts(phrases.tracking_words(presenter))


class OutcomePage(QWidget):
    """Page for the outcome, once the arm stands still."""

    def __init__(self, presenter: RehearsePresenter, presses: PressColumn):
        super().__init__()
        self._presenter = presenter
        self.heading, self.problem, self.facts = label("", "heading", wrap=True), Note(), Facts()
        self.note = QLineEdit()
        self.note.setPlaceholderText("A note, if you like: what was good, what went wrong")
        self.note.setAccessibleName("Note about the outcome")
        self.note.setMaxLength(1000)
        self.keep = QCheckBox("Keep as a demonstration")
        self.why_not = label("", "small", wrap=True, name="why it cannot be kept")
        self.success, self.failure = presses.success, presses.failure
        self.success.taken.connect(lambda: self._finish(True))
        self.failure.taken.connect(lambda: self._finish(False))
        self.setLayout(column(self.heading, self.problem, self.facts, self.note, self.keep, self.why_not, None))

    def begin(self) -> None:
        self.note.clear()
        self.keep.setChecked(False)

    def refresh(self) -> None:
        presenter = self._presenter
        self.heading.setText(phrases.outcome_heading(presenter))
        self.problem.show_words(presenter.problem)
        self.facts.show_facts(phrases.outcome_words(presenter))
        self.facts.setVisible(not presenter.problem)
        self.keep.setEnabled(presenter.rehearsal.recorded)
        reason = presenter.rehearsal.recording_problem
        if reason:
            self.keep.setChecked(False)
        self.why_not.setText(f"It cannot be kept: {reason}" if reason else "")
        self.why_not.setVisible(bool(reason))
        self.keep.setToolTip(reason or "The run is then an episode of the library, and the model can learn from it")

    def _finish(self, success: bool) -> None:
        keep = self.keep.isEnabled() and self.keep.isChecked()
        self._presenter.finish(success, self.note.text().strip(), keep)


class SavedPage(QWidget):
    """Page after everything is stored, with the next actions."""

    def __init__(self, presenter: RehearsePresenter):
        super().__init__()
        self._presenter = presenter
        self.heading, self.facts = label("", "heading", wrap=True), Facts()
        self.where = label("", "small", wrap=True)
        self.where.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.again = Button("The same again", icon_name="refresh", on=presenter.ask_again)
        self.next = Button("Next instruction", "primary", icon_name="right", on=presenter.begin_new)
        self.setLayout(column(self.heading, self.facts, self.where, None, row(self.again, self.next, None)))

    def refresh(self) -> None:
        presenter = self._presenter
        self.heading.setText(phrases.saved_heading(presenter))
        self.facts.show_facts(phrases.outcome_words(presenter))
        self.where.setText(phrases.saved_words(presenter))
