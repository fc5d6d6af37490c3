"""Step bar: the steps from an instruction to a stored outcome, the current one, and whether the arm may move."""

from collections.abc import Sequence

from PySide6.QtWidgets import QFrame

from gui.widgets.basics import IconLabel, label, row
from gui.widgets.theme import look, space

STEPS = ("Ask", "Watch", "Decide", "Run", "Outcome")


class StepBar(QFrame):
    """Bar of numbered steps; `show_step(2, ...)` marks the third as the current one."""

    def __init__(self, steps: Sequence[str] = STEPS):
        super().__init__()
        self.chips = tuple(label(f"{number}  {name}", "chip") for number, name in enumerate(steps, start=1))
        self._icon, self.safety = IconLabel("check", "success"), label("", "muted", name="safety")
        layout = row(*self.chips, None, self._icon, self.safety, gap=0.35)
        layout.setContentsMargins(0, 0, space(0.2), 0)
        self.setLayout(layout)

    def show_step(self, step: int, safety: str, colour: str, icon: str) -> None:
        """Mark a step (from 0) as current and show a sentence about what the arm may do, with its colour and icon."""
        for i, chip in enumerate(self.chips):
            look(chip, "chip-accent" if i == step else "chip-success" if i < step else "chip")
            chip.setAccessibleDescription("now" if i == step else "done" if i < step else "later")
        self._icon.show_icon(icon, colour)
        self.safety.setText(safety)
        look(self.safety, colour)
