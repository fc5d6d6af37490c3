"""3-D view with a choice of viewpoints, a legend, and a point that can be dragged parallel to the screen."""

import numpy as np
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QMatrix4x4, QMouseEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from foundation.poses import pose
from gui.view3d.items import LitMesh
from gui.view3d.meshes import sphere
from gui.view3d.view import SceneView
from gui.widgets.basics import Button, label, row
from gui.widgets.theme import space

NEAR_PX = 16.0  # distance from the point within which a press grabs it


class DragHandle:
    """Draggable `point` (3,) m in the base frame; the matrices are the view's at the time of the call."""

    def __init__(self):
        self.point: np.ndarray | None = None
        self.held = False

    def takes(self, at: QPointF, size: tuple[int, int], projection: QMatrix4x4, view: QMatrix4x4) -> bool:
        """Grab the point if the press is on it; return whether it was grabbed."""
        place = None if self.point is None else pixel_of(self.point, size, projection, view)
        self.held = place is not None and float(np.hypot(place[0] - at.x(), place[1] - at.y())) <= NEAR_PX
        return self.held

    def drag(self, at: QPointF, size: tuple[int, int], projection: QMatrix4x4, view: QMatrix4x4) -> None:
        """Move the grabbed point under the pointer."""
        if self.held and self.point is not None:
            self.point = point_under(at, self.point, size, projection, view)


def pixel_of(point: np.ndarray, size: tuple[int, int], projection: QMatrix4x4, view: QMatrix4x4) -> np.ndarray | None:
    """Project a point (3,) to the view (2,) px; None behind the viewer."""
    clip = _matrix(projection) @ _matrix(view) @ np.append(point, 1.0)
    if clip[3] <= 0.0:
        return None
    x, y = clip[:2] / clip[3]
    return np.array([0.5 * (x + 1.0) * size[0], 0.5 * (1.0 - y) * size[1]])


def point_under(
    at: QPointF, like: np.ndarray, size: tuple[int, int], projection: QMatrix4x4, view: QMatrix4x4
) -> np.ndarray:
    """Return the point (3,) at a pixel, at the depth of `like` (3,)."""
    both = _matrix(projection) @ _matrix(view)
    clip = both @ np.append(like, 1.0)
    x, y = 2.0 * at.x() / size[0] - 1.0, 1.0 - 2.0 * at.y() / size[1]
    found = np.linalg.solve(both, np.array([x, y, clip[2] / clip[3], 1.0]))
    return found[:3] / found[3]


def _matrix(matrix: QMatrix4x4) -> np.ndarray:
    return np.array(matrix.copyDataTo(), float).reshape(4, 4)


_HANDLE = 0.014  # m: radius of the draggable ball


class ScenePanel(SceneView):
    """SceneView with viewpoint buttons in its upper corner and a legend.

    `dragged` carries a waypoint's new position (3,) m.
    """

    dragged = Signal(object)

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.handle = DragHandle()
        self._ball = LitMesh(sphere(_HANDLE).coloured((1.0, 1.0, 1.0, 1.0)))
        self._ball.setDepthValue(20)
        self._ball.setVisible(False)
        self.addItem(self._ball)
        self.legend = label("", "legend", wrap=True, name="3-D legend")
        buttons = []
        for name in self.view_names():
            button = Button(name.capitalize(), "quiet", tip=_TIPS[name], on=lambda name=name: self.look_from(name))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAccessibleName(f"3-D view from {name}")
            buttons.append(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(space(0.3), space(0.2), space(0.3), space(0.2))
        layout.addLayout(row(None, *buttons, gap=0.1))
        layout.addStretch(1)
        layout.addWidget(self.legend)

    def show_handle(self, point: np.ndarray | None) -> None:
        """Show a draggable white ball at a point; None hides it."""
        self.handle.point = None if point is None else np.asarray(point, float)
        self._ball.setVisible(point is not None)
        if point is not None:
            self._ball.show_solid(sphere(_HANDLE).moved(pose(position=self.handle.point)).coloured((1.0,) * 4))

    def mousePressEvent(self, ev: QMouseEvent) -> None:
        left = ev.button() == Qt.MouseButton.LeftButton
        if not (left and self.handle.takes(ev.position(), *self._eye())):
            super().mousePressEvent(ev)

    def mouseMoveEvent(self, ev: QMouseEvent) -> None:
        if not self.handle.held:
            super().mouseMoveEvent(ev)
            return
        self.handle.drag(ev.position(), *self._eye())
        self.show_handle(self.handle.point)
        self.dragged.emit(self.handle.point)

    def mouseReleaseEvent(self, ev: QMouseEvent) -> None:
        if self.handle.held:
            self.handle.held = False
        else:
            super().mouseReleaseEvent(ev)

    def _eye(self) -> tuple[tuple[int, int], QMatrix4x4, QMatrix4x4]:
        """Return the view's size, projection matrix and view matrix."""
        whole = (0, 0, self.width(), self.height())
        return (self.width(), self.height()), self.projectionMatrix(whole, whole), self.viewMatrix()

    def show_legend(self, words: str) -> None:
        self.legend.setText(words)
        self.legend.setVisible(bool(words))


_TIPS = {
    "free": "From the side and above; drag to turn, wheel to come nearer (a double click brings this view back)",
    "front": "Looking at the arm from the front",
    "side": "From the arm's right side",
    "top": "Straight down",
}
