"""The guided way back to a ready arm: what happened, what to do, one button for the next step."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout

from gui.arm_panel import TroubleNote
from gui.arm_presenter import ArmPresenter
from gui.arm_words import STEPS
from gui.deliberate import DeliberateButton
from gui.parts import Button, Card, column, label, row
from gui.theme import look, space
from robot.recovery import RecoveryStep
from robot.state import ArmState


class RecoveryCard(Card):
    """Hidden while the arm is ready. The steps left are numbered; a person starts each one."""

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
    """One step: number, what it does, and its button when it is its turn."""

    def __init__(self, step: RecoveryStep, presenter: ArmPresenter):
        super().__init__()
        look(self, "")
        words, why = STEPS[step]
        self.number, self.words = label("", "chip"), label(words, "figure")
        self.button = DeliberateButton(words, "primary", clock=presenter.connection.clock, on=presenter.recover)
        self.button.setObjectName(f"step {step.name}")
        self._own = step is RecoveryStep.REMOVE_CAUSE  # a person's own work has no button
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
