"""Checklist of the set-up, and below it the button for the next step."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.arm.phrases import STEPS
from gui.arm.presenter import ArmPresenter
from gui.setup.control_box_presenter import ControlBoxPresenter
from gui.setup.presenter import SetupPresenter
from gui.widgets.basics import Button, Card, IconLabel, column, label, row
from gui.widgets.deliberate_press import DeliberateButton
from robot.box_check import SET_RIGHT, Compared
from workflows.session import Check


class CheckRow(QWidget):
    """One check: tick or cross, name, and message."""

    def __init__(self):
        super().__init__()
        self.icon, self.name, self.text = (
            IconLabel("check", "success"),
            label("", "figure"),
            label("", "small", wrap=True),
        )
        layout = row(self.icon, column(self.name, self.text, gap=0.05), gap=0.5)
        layout.setStretch(1, 1)
        self.setLayout(layout)

    def show_check(self, check: Check) -> None:
        self.icon.show_icon("check" if check.ok else "cross", "success" if check.ok else "danger")
        self.name.setText(check.name)
        text = check.sentence[:1].upper() + check.sentence[1:]
        if text != self.text.text():
            self.text.setText(text)


class Checklist(Card):
    """View of SetupPresenter.checks. `further` is the screen to go to when all checks pass, '' for none."""

    def __init__(self, presenter: SetupPresenter, arm: ArmPresenter, box: ControlBoxPresenter, further: str = ""):
        super().__init__("Before you begin")
        self._presenter, self._arm, self._box, self.further = presenter, arm, box, further
        self.rows: list[CheckRow] = []
        self._list = QVBoxLayout()
        self.waiting = label("", "muted", wrap=True)
        self.next = DeliberateButton("", "primary", clock=presenter.connection.clock, on=self._press)
        self.next.setObjectName("next")
        self.undo = Button("Undo the changes", "quiet", on=presenter.undo)
        self.body.addWidget(self.waiting)
        self.body.addLayout(self._list)
        self.body.addStretch(1)
        self.body.addWidget(self.next)
        self.body.addWidget(self.undo)
        for signal in (presenter.changed, presenter.checked, arm.busy_changed, box.changed):
            signal.connect(self._show)
        self._show()

    def _show(self) -> None:
        presenter = self._presenter
        checks = presenter.checks
        while len(self.rows) < len(checks):
            self.rows.append(CheckRow())
            self._list.addWidget(self.rows[-1])
        for i, each in enumerate(self.rows):
            each.setVisible(i < len(checks))
            if i < len(checks):
                each.show_check(checks[i])
        words = "Connecting. This takes a few seconds." if presenter.connection.opening else ""
        if presenter.dirty and checks:
            words = "This is what is connected now. Your changes count after “Save and connect”."
        self.waiting.setVisible(bool(words))
        self.waiting.setText(words)
        self._show_next()

    def _show_next(self) -> None:
        presenter, press = self._presenter, self._arm.figures.press
        text, enabled = "Connect again", True
        if presenter.connection.opening:
            text = "Stop connecting"
        elif presenter.dirty:
            text = "Save and connect"
        elif (wrong := self._wrong_setting) is not None:
            text, enabled = f"Set the {_short(wrong)} right", not self._box.busy
        elif press is not None:
            text, enabled = STEPS[press][0], not self._arm.busy
        elif presenter.all_well:
            text, enabled = ("Rehearse a task", True) if self.further else ("All is well", False)
        self.next.setText(text)
        self.next.setEnabled(enabled)
        self.next.show_as("" if presenter.connection.opening else "primary")
        self.undo.setVisible(presenter.dirty and not presenter.connection.opening)

    @property
    def _wrong_setting(self) -> Compared | None:
        """Setting of the control box that must be corrected before any motion."""
        wrong = (line for line in self._box.different if line.refuses and line.write)
        return next((line for line in wrong if line.press == SET_RIGHT), None)  # others need a look at the arm first

    def _press(self) -> None:
        presenter, press = self._presenter, self._arm.figures.press
        if presenter.connection.opening:
            presenter.connection.cancel()
        elif presenter.dirty:
            presenter.apply()
        elif (wrong := self._wrong_setting) is not None:
            self._box.write(wrong)
        elif press is not None:
            self._arm.recover()
        elif presenter.all_well and self.further:
            presenter.go_on.emit(self.further)
        else:
            presenter.apply()


def _short(line: Compared) -> str:
    """Return the setting's label without the manufacturer's name in brackets."""
    return line.label.partition(" (")[0].lower()
