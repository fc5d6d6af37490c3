"""Drawing a motion on the Rehearse screen: clicks into the live images become waypoints, shown in the images and in
3-D.
"""

import numpy as np
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QWidget

from foundation import xarm7
from gui.pictures.view_grid import PictureGrid
from gui.rehearse.presenter import RehearsePresenter
from gui.view3d.panel import ScenePanel
from gui.widgets.basics import Button, column, label, row
from gui.widgets.theme import space
from workflows.proposals.drawn_motion import DrawnPoint, drawn_trajectory, point_at_height

_USUAL_HEIGHT_MM, _HIGHEST_MM = 150.0, 800.0
_GRIPPER = {"open": 1.0, "closed": 0.0}


class DrawPanel(QWidget):
    """Panel for drawing: `point_height` m and `openness` apply to the next point; `applied`, `undone`, `closed` are
    presses.
    """

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
        self.height_mm.lineEdit().setTextMargins(space(0.4), 0, 0, 0)  # not covered by the style sheet's padding
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
        """Height of the next point above the table, m."""
        return self.height_mm.value() / 1000.0

    @property
    def openness(self) -> float:
        """Gripper opening from the next point on, in [0, 1]."""
        return _GRIPPER[self.gripper.currentText()]

    def show_points(self, count: int, metres: float, problem: str = "") -> None:
        """Show the number of points, the length of the path, and the error of the last click."""
        how = (
            "Click into a picture: the tool goes straight over that place of the table, at the height below. "
            "Each further click is the next point; the line shows the way in every picture."
        )
        self.words.setText(problem or how)
        points = "1 point" if count == 1 else f"{count} points"
        self.count.setText(f"{points}, {1000 * metres:.0f} mm" if count else "Nothing is drawn yet.")
        self.undo.setEnabled(count > 0)
        self.apply.setEnabled(count > 0)


_UNNAMED = "a drawn motion"


class MotionDrawing(QObject):
    """Controller of the drawing; `ended`: another page is requested.

    The points are kept until they are applied or discarded.
    """

    ended = Signal()

    def __init__(self, presenter: RehearsePresenter, grid: PictureGrid, scene: ScenePanel, parent: QObject):
        super().__init__(parent)
        self.panel = DrawPanel()
        self.points: list[DrawnPoint] = []
        self.active = False
        self._presenter, self._grid, self._scene = presenter, grid, scene
        self._instruction = ""
        self.panel.undone.connect(self._undo)
        self.panel.applied.connect(self._apply)
        self.panel.closed.connect(self._give_up)
        grid.clicked.connect(self._clicked)

    def begin(self, instruction: str) -> None:
        """Start an empty drawing; `instruction` names the motion."""
        self.active, self.points, self._instruction = True, [], instruction
        self.panel.gripper.setCurrentIndex(0)
        self._grid.setCursor(Qt.CursorShape.CrossCursor)
        self._show()

    def end(self) -> None:
        """End drawing and remove it from the views."""
        if self.active:
            self.active = False
            self._grid.unsetCursor()
            self._presenter.draw_over(None)
            self._scene.show_path(None)

    # --- helpers ---

    def _clicked(self, name: str, x: float, y: float) -> None:
        if not self.active:
            return
        cameras = {camera.name: camera for camera in self._presenter.overlay.cameras.values()}
        place = point_at_height(cameras[name], np.array([x, y]), 0.0) if name in cameras else None
        if place is None:
            self._show("There is no table where you clicked. Click onto it.")
            return
        self.points.append(DrawnPoint((float(place[0]), float(place[1]), self.panel.point_height), self.panel.openness))
        self._show()

    def _undo(self) -> None:
        if self.points:
            self.points.pop()
        self._show()

    def _show(self, problem: str = "") -> None:
        """Show the path through the points, not yet checked."""
        status = self._presenter.connection.status
        if status is None or not self.points:
            self.panel.show_points(0, 0.0, problem)
            self._presenter.draw_over(None)
            self._scene.show_path(None)
            return
        openness = 1.0 if status.openness is None else status.openness
        way = drawn_trajectory(xarm7.forward(status.position), openness, self.points)
        tool = way.base_from_tool[:, :3, 3]
        self.panel.show_points(len(self.points), float(np.linalg.norm(np.diff(tool, axis=0), axis=1).sum()), problem)
        self._presenter.draw_over(way)
        self._scene.show_path(way.base_from_tool)

    def _apply(self) -> None:
        points = tuple(self.points)
        self.end()
        self._presenter.draw(self._instruction.strip() or _UNNAMED, points)

    def _give_up(self) -> None:
        self.end()
        self.ended.emit()
