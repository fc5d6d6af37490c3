"""3-D view: table, arm, the plan's ghost, the path coloured by time, the workspace box, cameras and objects."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from pyqtgraph import Vector
from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtWidgets import QWidget

from foundation.camera import Camera
from foundation.poses import pose
from gui.pictures.camera_view import ACTUAL
from gui.pictures.time_colormap import time_colours
from gui.view3d.arm_mesh import arm_shape, tool_marks
from gui.view3d.items import GhostMesh, Lines, LitMesh, box_edges, frustum_edges, grid_lines
from gui.view3d.meshes import Mesh, box, cylinder, joined, sphere
from gui.view3d.offscreen import OffscreenView

# Extent of the table in front of the arm as drawn; its top is z = 0.
TABLE_LOW, TABLE_HIGH = (-0.25, -0.65), (0.85, 0.65)
_GHOST = (0.20, 0.55, 1.0, 0.42)
_SEEN = 3e-4  # rad, or share of the gripper's opening: smaller changes are invisible
_MARKS = 7  # tool frames drawn along a path
_VIEWS = {"free": (-50.0, 26.0), "front": (0.0, 12.0), "side": (-90.0, 8.0), "top": (-180.0, 89.9)}
_AXES = np.array([[1.0, 0.28, 0.24, 1], [0.27, 0.8, 0.32, 1], [0.31, 0.59, 1.0, 1]])


class SceneView(OffscreenView):
    """Poses are joint positions (7,) rad, points are in m in the base frame.

    Dragging rotates the view, the wheel zooms.
    """

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.setMinimumSize(240, 200)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its key bindings would take the arrow keys from the timeline
        shape = arm_shape()
        self._table = LitMesh(_table(QColor("grey")))
        self._grid = Lines(width=1.0)
        self._arm = LitMesh(shape.solid)
        self._ghost = GhostMesh(shape.solid.coloured(_GHOST))
        self._things = LitMesh(box(np.zeros(3)))
        self._workspace, self._cameras = Lines(width=1.5), Lines(width=1.5)
        self._path, self._marks = Lines(width=3.0, joined=True), Lines(width=1.5)
        self._actual = Lines(width=2.5, joined=True)
        behind = (self._table, self._grid, self._things, self._arm, self._cameras, self._workspace)
        for order, item in enumerate((*behind, self._path, self._marks, self._actual, self._ghost)):
            item.setDepthValue(order)  # translucent items are drawn last
            self.addItem(item)
        for item in (self._arm, self._ghost, self._things):
            item.setVisible(False)
        self._camera_poses: tuple[Camera, ...] = ()
        self._box: tuple[np.ndarray, np.ndarray] | None = None
        self._take_palette()
        self.look_from("free")

    def sizeHint(self) -> QSize:
        return QSize(480, 360)

    # --- contents ---

    def show_arm(self, q: np.ndarray | None, openness: float = 1.0) -> None:
        """Show the arm at joint positions q; hidden when None or NaN (unknown)."""
        _pose(self._arm, q, openness)

    def show_ghost(self, q: np.ndarray | None, openness: float = 1.0) -> None:
        """Show a translucent second arm: the planned pose at the time on display."""
        _pose(self._ghost, q, openness)

    def show_path(self, base_from_tool: np.ndarray | None) -> None:
        """Show the tool's path along poses (T, 4, 4), coloured by time; NaN poses are skipped, None clears it."""
        poses = np.zeros((0, 4, 4)) if base_from_tool is None else base_from_tool
        known = np.isfinite(poses).all(axis=(1, 2))
        colours = np.concatenate([time_colours(len(poses)) / 255.0, np.ones((len(poses), 1))], axis=1)
        self._path.show_points(poses[known, :3, 3], colours[known])
        shown = np.flatnonzero(known)
        if len(shown):
            shown = shown[np.unique(np.linspace(0, len(shown) - 1, _MARKS).round().astype(int))]
        lines = tool_marks(poses[shown], 0.03)
        self._marks.show_points(lines.reshape(-1, 3), np.tile(np.repeat(_AXES, 2, axis=0), (len(shown), 1)))

    def show_actual(self, points: np.ndarray) -> None:
        """Show the measured path of the tool (n, 3); an empty array clears it."""
        self._actual.show_points(points, _rgba(ACTUAL))

    def show_workspace(self, low: ArrayLike | None, high: ArrayLike | None) -> None:
        """Show the box the arm may move in; None clears it."""
        self._box = None if low is None or high is None else (np.asarray(low, float), np.asarray(high, float))
        corners = np.zeros((0, 3)) if self._box is None else box_edges(*self._box)
        self._workspace.show_points(corners, _rgba(self.palette().highlight().color()))

    def show_cameras(self, cameras: Iterable[Camera]) -> None:
        """Show the cameras' poses as small frustums."""
        self._camera_poses = tuple(cameras)
        edges = [frustum_edges(camera, 0.08) for camera in self._camera_poses]
        points = np.concatenate(edges) if edges else np.zeros((0, 3))
        self._cameras.show_points(points, _rgba(self.palette().placeholderText().color()))

    def show_things(self, things: Sequence[Mesh]) -> None:
        """Show the objects on the bench, as far as they are known."""
        self._things.setVisible(bool(things))
        if things:
            self._things.show_solid(joined(things))

    def look_from(self, name: str) -> None:
        """Set the viewpoint: "free", "front", "side" or "top"."""
        azimuth, elevation = _VIEWS[name]
        self.setCameraPosition(pos=Vector(0.33, 0.0, 0.19), distance=1.35, azimuth=azimuth, elevation=elevation)

    @staticmethod
    def view_names() -> tuple[str, ...]:
        return tuple(_VIEWS)

    # --- Qt ---

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._take_palette()
        super().changeEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Reset the viewpoint to the default."""
        self.look_from("free")

    def _take_palette(self) -> None:
        palette = self.palette()
        dark = palette.window().color().lightness() < 128
        self.setBackgroundColor(palette.base().color())
        self._table.show_solid(_table(QColor("#3a3f46" if dark else "#d5d8dc")))
        line = _rgba(QColor("#565c64" if dark else "#b4b9bf"))
        self._grid.show_points(grid_lines(TABLE_LOW, TABLE_HIGH, 0.1, 0.001), line)
        self.show_cameras(self._camera_poses)
        if self._box is not None:
            self.show_workspace(*self._box)


def thing(shape: str, size: Sequence[float], base_from_thing: np.ndarray, colour: Sequence[float]) -> Mesh:
    """Return a "cube", "cylinder" or "ball" with bounding box `size` (3,) m, its origin at the centre."""
    half = 0.5 * np.asarray(size, float)
    solid = {"cube": lambda: box(half), "cylinder": lambda: cylinder(half[0], half[2]), "ball": lambda: sphere(half[0])}
    return solid[shape]().moved(base_from_thing).coloured((*colour[:3], 1.0))


def _table(colour: QColor) -> Mesh:
    low, high = np.array([*TABLE_LOW, -0.03]), np.array([*TABLE_HIGH, 0.0])
    return box(0.5 * (high - low)).moved(pose(position=0.5 * (low + high))).coloured(_rgba(colour))


def _rgba(colour: QColor) -> tuple[float, float, float, float]:
    return colour.redF(), colour.greenF(), colour.blueF(), colour.alphaF()


def _pose(mesh: LitMesh, q: np.ndarray | None, openness: float) -> None:
    """Pose a mesh of the arm at joint positions q; skip the redraw when the change is invisible."""
    known = q is not None and bool(np.isfinite(q).all())
    if mesh.visible() != known:
        mesh.setVisible(known)
    if not known or q is None:
        return
    pose_key = np.append(q, openness)
    if mesh.pose_key is None or np.abs(mesh.pose_key - pose_key).max() > _SEEN:
        mesh.pose_key = pose_key
        posed = arm_shape().at(q, openness)
        mesh.move_to(posed.vertices, posed.normals)
