"""Drawing a motion: what was clicked into the pictures so far, how high the next point lies, and the gripper there."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QWidget

from gui.parts import Button, column, label, row
from gui.theme import space

_USUAL_HEIGHT_MM, _HIGHEST_MM = 150.0, 800.0
_GRIPPER = {"open": 1.0, "closed": 0.0}


class DrawPanel(QWidget):
    """`point_height` m and `openness` are those of the next point; `applied`, `undone`, `closed` are presses."""

    applied = Signal()
    undone = Signal()
    closed = Signal()

    def __init__(self):
        super().__init__()
        self.words = label("", "muted", wrap=True)
        self.count = label("", "figure")
        self.height_mm = QDoubleSpinBox()
        self.height_mm.setRange(0.0, _HIGHEST_MM)
        self.height_mm.setDecimals(0)
        self.height_mm.setSingleStep(10.0)
        self.height_mm.setSuffix(" mm")
        self.height_mm.setValue(_USUAL_HEIGHT_MM)
        self.height_mm.lineEdit().setTextMargins(space(0.4), 0, 0, 0)  # the style sheet's padding does not reach it
        self.height_mm.setAccessibleName("Height of the next point")
        self.gripper = QComboBox()
        self.gripper.addItems(list(_GRIPPER))
        self.gripper.setAccessibleName("Gripper at the next point")
        self.undo = Button("Take the last one back", icon_name="left", on=self.undone.emit)
        self.apply = Button("Show this motion", "primary", icon_name="play", on=self.applied.emit)
        self.apply.setToolTip("Plan and check the motion, and show it. The arm does not move")
        self.back = Button("Back", "quiet", on=self.closed.emit)
        heading = label("Draw the motion. The arm does not move.", "heading", wrap=True)
        numbers = row(label("Next point: height above the table", "muted"), self.height_mm, gap=0.3)
        for part in (label("gripper", "muted"), self.gripper):
            numbers.addWidget(part)
        numbers.addStretch(1)
        buttons = row(self.back, self.undo, None, self.apply)
        self.setLayout(column(heading, self.words, self.count, numbers, None, buttons, gap=0.4))
        self.show_points(0, 0.0)

    @property
    def point_height(self) -> float:
        """Of the next point over the table, m."""
        return self.height_mm.value() / 1000.0

    @property
    def openness(self) -> float:
        """Of the gripper from the next point on."""
        return _GRIPPER[self.gripper.currentText()]

    def show_points(self, count: int, metres: float, problem: str = "") -> None:
        """How many there are, how long the way is, and what is wrong with the last click."""
        how = (
            "Click into a picture: the tool goes straight over that place of the table, at the height below. "
            "Each further click is the next point; the line shows the way in every picture."
        )
        self.words.setText(problem or how)
        points = "1 point" if count == 1 else f"{count} points"
        self.count.setText(f"{points}, {1000 * metres:.0f} mm" if count else "Nothing is drawn yet.")
        self.undo.setEnabled(count > 0)
        self.apply.setEnabled(count > 0)
