"""Table of the arm's pose: tool position and orientation, joint positions, gripper."""

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from gui.arm.presenter import ArmFigures
from gui.widgets.basics import label
from gui.widgets.theme import space

_POSITION = (("X", "forward from the base"), ("Y", "to the left of the base"), ("Z", "up from the base"))
_TURN = (("Roll", "turn about X"), ("Pitch", "turn about Y"), ("Yaw", "turn about Z"))


class ArmFiguresTable(QWidget):
    """Shows ArmFigures in mm and degrees; unknown values are a dash."""

    def __init__(self):
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(space(0.35))
        self._grid.setVerticalSpacing(space(0.15))
        for column in (1, 3, 5):
            self._grid.setColumnStretch(column, 1)
        self._position = [self._cell(0, i, *names, "mm") for i, names in enumerate(_POSITION)]
        self._turn = [self._cell(1, i, *names, "degrees") for i, names in enumerate(_TURN)]
        self._joints = [self._cell(2 + i // 3, i % 3, f"J{i + 1}", f"joint {i + 1}", "degrees") for i in range(7)]
        self._gripper = self._cell(4, 1, "Grip", "gripper: 0 % closed, 100 % open", "")

    def show_figures(self, figures: ArmFigures) -> None:
        groups = (
            (self._position, figures.position_mm, ""),
            (self._turn, figures.turn_deg, "°"),
            (self._joints, figures.joints_deg, "°"),
        )
        for cells, values, unit in groups:
            for cell, value in zip(cells, values, strict=True):
                _say(cell, f"{value + 0.0:.1f}{unit}" if np.isfinite(value) else "–")
        openness = figures.openness_pct
        _say(self._gripper, "–" if openness is None else f"{openness:.0f} %")

    def _cell(self, row: int, column: int, name: str, tip: str, unit: str) -> QLabel:
        head, value = label(name, "small"), label("–", "figure")
        for part in (head, value):
            part.setToolTip(f"{tip}, {unit}" if unit else tip)
        value.setAlignment(Qt.AlignmentFlag.AlignRight)
        value.setMinimumWidth(value.fontMetrics().horizontalAdvance("-180.0°"))
        self._grid.addWidget(head, row, 2 * column)
        self._grid.addWidget(value, row, 2 * column + 1)
        return value


def _say(cell: QLabel, text: str) -> None:
    if cell.text() != text:  # called at 30 Hz: only changed cells are redrawn
        cell.setText(text)
