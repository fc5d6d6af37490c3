"""Drawing a motion on the Rehearse screen: clicks into the live pictures become points, shown in them and in 3-D."""

import numpy as np
from PySide6.QtCore import QObject, Qt, Signal

from foundation import xarm7
from gui.draw_panel import DrawPanel
from gui.picture_grid import PictureGrid
from gui.rehearse_presenter import RehearsePresenter
from gui.scene_panel import ScenePanel
from workflows.drawn_motion import DrawnPoint, drawn_trajectory, point_at_height

_UNNAMED = "a drawn motion"


class MotionDrawing(QObject):
    """`ended`: another page is wanted. What is drawn is kept until it is shown or given up."""

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
        """Nothing is drawn yet; `instruction` is what the motion will be called."""
        self.active, self.points, self._instruction = True, [], instruction
        self.panel.gripper.setCurrentIndex(0)
        self._grid.setCursor(Qt.CursorShape.CrossCursor)
        self._show()

    def end(self) -> None:
        """Whatever is shown next shows no drawing."""
        if self.active:
            self.active = False
            self._grid.unsetCursor()
            self._presenter.draw_over(None)
            self._scene.show_path(None)

    # --- parts ---

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
        """The way as it would be, before it is checked."""
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
