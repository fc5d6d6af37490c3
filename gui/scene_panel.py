"""The 3-D view with its points of view to choose, and what its colours mean."""

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMatrix4x4, QMouseEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from foundation.poses import pose
from gui.drag_handle import DragHandle
from gui.parts import Button, label, row
from gui.scene_items import LitMesh
from gui.scene_view import SceneView
from gui.solids import sphere
from gui.theme import space

_HANDLE = 0.014  # m: the radius of the ball that can be dragged


class ScenePanel(SceneView):
    """A SceneView with buttons in its upper corner and a legend below. `dragged` carries the point (3,) m to which a
    waypoint was moved with the mouse."""

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
        """A white ball to be dragged; None takes it away."""
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
        """The view's size, and what makes pixels of points."""
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
