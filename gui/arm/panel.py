"""Arm panel in the sidebar: connection, state, faults with their remedy, the next step, and the pose."""

from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from gui.arm.figures import ArmFiguresTable
from gui.arm.phrases import STEPS
from gui.arm.presenter import ArmFigures, ArmPresenter
from gui.widgets.basics import Card, label, row
from gui.widgets.deliberate_press import DeliberateButton
from gui.widgets.theme import look, space
from robot.state import ArmState


class TroubleNote(QFrame):
    """Fault and its remedy; hidden without a fault."""

    def __init__(self):
        super().__init__()
        look(self, "note-danger")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(space(0.5), space(0.4), space(0.5), space(0.4))
        layout.setSpacing(space(0.2))
        self.error, self.cure = label("", "danger", wrap=True, name="error"), label("", wrap=True, name="cure")
        layout.addWidget(self.error)
        layout.addWidget(self.cure)
        self.setVisible(False)

    def show_figures(self, figures: ArmFigures) -> None:
        severe = figures.state in (ArmState.ERROR, ArmState.DISCONNECTED)
        sentence = figures.error or figures.gripper_fault or figures.warning
        look(self, "note-danger" if severe else "note-warning")
        look(self.error, "danger" if severe else "warning")
        _say(self.error, sentence)
        _say(self.cure, figures.cure)
        self.cure.setVisible(bool(figures.cure))
        self.setVisible(bool(sentence))


class ArmPanel(Card):
    """View of ArmPresenter for a narrow column."""

    def __init__(self, presenter: ArmPresenter):
        super().__init__()
        self._presenter = presenter
        self.setObjectName("arm panel")
        self.name, self.chip = label("", "heading"), label("", "chip", name="arm state")
        self.meaning = label("", "small", wrap=True)
        self.trouble = TroubleNote()
        self.step = DeliberateButton("", "primary", clock=presenter.connection.clock, on=self._press)
        self.step.setObjectName("next step")
        self.table = ArmFiguresTable()
        self.body.addLayout(row(self.name, None, self.chip))
        for part in (self.meaning, self.trouble, self.step, self.table):
            self.body.addWidget(part)
        presenter.refreshed.connect(self._show)
        presenter.busy_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        figures = self._presenter.figures
        _say(self.name, figures.name)
        _say(self.chip, figures.word)
        look(self.chip, figures.look)
        _say(self.meaning, figures.meaning)
        self.trouble.show_figures(figures)
        self.table.show_figures(figures)
        disconnected = figures.state is ArmState.DISCONNECTED and not self._presenter.connection.opening
        press = figures.press
        self.step.setVisible(disconnected or press is not None)
        self.step.setText("Connect again" if press is None else STEPS[press][0])
        self.step.setToolTip("" if press is None else STEPS[press][1])
        self.step.setEnabled(not self._presenter.busy)

    def _press(self) -> None:
        if self._presenter.figures.state is ArmState.DISCONNECTED:
            self._presenter.connect_again()
        else:
            self._presenter.recover()


def _say(widget: QWidget, text: str) -> None:
    if widget.property("text") != text:
        widget.setProperty("text", text)
