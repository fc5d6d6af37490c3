"""One-line display of the arm's state."""

from PySide6.QtWidgets import QWidget

from gui.arm.phrases import STEPS
from gui.arm.presenter import ArmPresenter
from gui.widgets.basics import column, label, row
from gui.widgets.deliberate_press import DeliberateButton
from gui.widgets.theme import look


class ArmLine(QWidget):
    """The arm's state as one label, and the button for the next recovery step until it is ready."""

    def __init__(self, arm: ArmPresenter):
        super().__init__()
        self._arm = arm
        self.name, self.chip = label("", "muted"), label("", "chip")
        self.step = DeliberateButton("", "primary", clock=arm.connection.clock, on=arm.recover)
        self.setLayout(column(row(self.name, self.chip, None), self.step, gap=0.35))
        arm.refreshed.connect(self._show)
        arm.busy_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        figures = self._arm.figures
        self.name.setText(figures.name)
        self.chip.setText(figures.word)
        look(self.chip, figures.look)
        self.step.setVisible(figures.press is not None)
        self.step.setEnabled(not self._arm.busy)
        if figures.press is not None:
            self.step.setText(STEPS[figures.press][0])
            self.step.setToolTip(STEPS[figures.press][1])
