"""Control box card of the Set up screen: each setting, its required value, and the button that sets it."""

from PySide6.QtWidgets import QGridLayout, QLabel

from gui.setup.control_box_presenter import ControlBoxPresenter
from gui.widgets.basics import Button, Card, IconLabel, label
from gui.widgets.theme import space
from robot.box_check import Compared


class ControlBoxCard(Card):
    """View of ControlBoxPresenter.lines."""

    def __init__(self, presenter: ControlBoxPresenter):
        super().__init__("Control box")
        self._presenter = presenter
        self.note = label("", "small", wrap=True, name="control box note")
        self.problem = label("", "small", wrap=True, name="control box problem")
        self.body.addWidget(self.note)
        self.body.addWidget(self.problem)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(space(0.7))
        self._grid.setVerticalSpacing(space(0.25))
        self._grid.setColumnStretch(4, 1)
        self.body.addLayout(self._grid)
        self.rows: dict[str, Line] = {}
        presenter.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        presenter = self._presenter
        different = presenter.different
        if not presenter.lines:
            self.note.setText("Its settings are shown here as soon as an arm is connected.")
        elif not different:
            self.note.setText(f"{presenter.box_words}. Everything is set as the program needs it.")
        else:
            held = any(line.refuses for line in different)
            self.note.setText(
                f"{presenter.box_words}. "
                + ("Nothing moves before the settings in red are right. " if held else "The arm can be moved. ")
                + "The presses below change the box itself; the arm stops and has to be made ready again."
            )
        self.problem.setText(presenter.problem)
        self.problem.setVisible(bool(presenter.problem))
        for line in presenter.lines:
            if line.name not in self.rows:
                self.rows[line.name] = Line(presenter, self._grid, len(self.rows))
            self.rows[line.name].show_line(line)
        for each in self.rows.values():
            each.set_visible(bool(presenter.lines))


class Line:
    """One setting: tick or cross, name, actual and required value, and its button."""

    def __init__(self, presenter: ControlBoxPresenter, grid: QGridLayout, number: int):
        self._presenter, self._grid, self._number = presenter, grid, number
        self._line: Compared | None = None
        self.icon, self.name = IconLabel("check", "success"), label("", "muted")
        self.found, self.expected = label("", "figure"), label("", "small", wrap=True)
        self.set_right: Button | None = None  # most settings never need one
        self.undo: Button | None = None
        self._labels = (self.icon, self.name, self.found, self.expected)
        for part, column in zip(self._labels, (0, 1, 2, 4), strict=True):
            grid.addWidget(part, number, column)

    def show_line(self, line: Compared) -> None:
        self._line = line
        icon = ("cross", "danger") if line.differs and line.refuses else ("warning", "warning")
        self.icon.show_icon(*(icon if line.differs else ("check", "success")))
        _say(self.name, line.label)
        _say(self.found, line.found)
        was = self._presenter.was.get(line.name)
        if line.differs:
            _say(self.expected, f"It must be {line.expected}. {line.why}")
        else:
            _say(self.expected, f"It was {was}." if was else "")
        if line.differs and line.write and self.set_right is None:
            self.set_right = self._button(Button("", on=self._write))
        if was and self.undo is None:
            self.undo = self._button(Button("Undo", "quiet", icon_name="undo", on=self._undo))
        if self.set_right is not None:
            self.set_right.setText(line.press)
            self.set_right.setAccessibleName(f"Set {line.label} to {line.expected}")
        for button in (self.set_right, self.undo):
            if button is not None:
                button.setEnabled(not self._presenter.busy)

    def set_visible(self, visible: bool) -> None:
        for part in self._labels:
            part.setVisible(visible)
        line = self._line
        if self.set_right is not None:
            self.set_right.setVisible(visible and line is not None and line.differs and bool(line.write))
        if self.undo is not None:
            self.undo.setVisible(visible and line is not None and not line.differs and line.name in self._presenter.was)

    def _button(self, button: Button) -> Button:
        self._grid.addWidget(button, self._number, 3)
        return button

    def _write(self) -> None:
        if self._line is not None:
            self._presenter.write(self._line)

    def _undo(self) -> None:
        if self._line is not None:
            self._presenter.undo(self._line.name)


def _say(part: QLabel, text: str) -> None:
    if part.text() != text:
        part.setText(text)
