"""3-D views of the calibration: the proposed poses before any motion, and afterwards the cameras with an error map."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QResizeEvent

from foundation.camera import Camera
from foundation.poses import pose, transform
from gui.view3d.meshes import Mesh, box, joined
from gui.view3d.panel import ScenePanel
from gui.widgets.theme import colours

if TYPE_CHECKING:  # imported with the solver
    from workflows.calibration.calibrate import CalibrationReport
    from workflows.calibration.poses import PoseProposal

_EACH_MS = 650  # display time of each proposed pose
_SHAPE = 1.4  # aspect ratio of a view in which the distance is `far`
_HALF_POINT, _LARGER = 0.009, 0.006  # m, and m per mm of error
_GOOD_MM, _BAD_MM = 0.2, 1.5  # ends of the colour ramp
# From good to bad; lighting takes a third of the brightness, and a dark background needs lighter colours.
_COLOURS = np.array([[0.16, 0.76, 0.44], [1.00, 0.78, 0.15], [0.95, 0.22, 0.18]])
_COLOURS_ON_DARK = np.array([[0.40, 1.00, 0.62], [1.00, 0.88, 0.35], [1.00, 0.42, 0.38]])


class RigPanel(ScenePanel):
    """3-D view that shows the whole arm at any aspect ratio; `far` is the distance in m at the usual one."""

    far = 1.5

    def look_from(self, name: str) -> None:
        super().look_from(name)
        self._keep_whole()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._keep_whole()

    def _keep_whole(self) -> None:
        self.setCameraPosition(distance=self.far * max(1.0, self.width() / max(self.height(), 1) / _SHAPE))


class PoseScene(RigPanel):
    """Proposed poses, shown by a ghost one after the other; `shown` carries the pose's index."""

    shown = Signal(int)

    def __init__(self):
        super().__init__()
        self._poses: tuple[PoseProposal, ...] = ()
        self._at, self._playing = 0, True
        self._outline, self._tool_from_board = np.zeros((0, 3)), np.eye(4)
        self._timer = QTimer(self, interval=_EACH_MS)
        self._timer.timeout.connect(self._next)

    def show_poses(
        self,
        poses: "tuple[PoseProposal, ...]",
        cameras: Iterable[Camera],
        outline: np.ndarray,
        tool_from_board: np.ndarray,
    ) -> None:
        """Show poses in driving order, the known cameras, and the board: `outline` (4, 3) m, pose on the tool."""
        self._poses, self._at = poses, 0
        self._outline, self._tool_from_board = np.concatenate([outline, outline[:1]]), tool_from_board
        self.show_cameras(cameras)
        self.show_path(np.array([each.base_from_tool for each in poses]) if len(poses) > 1 else None)
        self._show()

    def play(self, playing: bool) -> None:
        """Start or stop cycling the ghost through the poses; stopped while the arm itself moves."""
        self._playing = playing
        self._show()

    def _show(self) -> None:
        wanted = self._playing and bool(self._poses)
        if wanted and not self._timer.isActive():
            self._timer.start()
        elif not wanted:
            self._timer.stop()
            self.show_ghost(None)
            self.show_actual(np.zeros((0, 3)))
            self.show_legend("Grey: the arm now. Line: the tool's way through the poses." if self._poses else "")
        if wanted:
            self._show_pose()

    def _next(self) -> None:
        if self.isVisible() and self._poses:
            self._at = (self._at + 1) % len(self._poses)
            self._show_pose()

    def _show_pose(self) -> None:
        each = self._poses[self._at]
        self.show_ghost(each.joints)
        self.show_actual(transform(each.base_from_tool @ self._tool_from_board, self._outline))
        seen = sum(share > 0 for share in each.visible.values())
        words = f", seen by {seen} of {len(each.visible)} cameras" if each.visible else ""
        self.show_legend(
            f"Blue: pose {self._at + 1} of {len(self._poses)}, board (pink) tilted {each.tilt_deg:.0f}°{words}. "
            "Grey: the arm now. Nothing has moved yet."
        )
        self.shown.emit(self._at)


class RigScene(RigPanel):
    """The calibrated cameras, and the error to expect in the workspace."""

    far = 2.0
    _report: "CalibrationReport | None" = None

    def show_report(self, report: "CalibrationReport | None") -> None:
        self._report = report
        self.show_cameras(() if report is None else rig_cameras(report))
        self._show_errors()

    def _show_errors(self) -> None:
        report = self._report
        if report is None:
            self.show_things(())
            self.show_legend("")
            return
        points, errors = report.error_map.points, report.error_map.expected_mm
        known = np.isfinite(errors)
        ramp = _COLOURS_ON_DARK if colours().dark else _COLOURS
        self.show_things((error_solid(points[known], errors[known], ramp),) if known.any() else ())
        unseen = f" {int((~known).sum())} points that no camera sees are left out." if not known.all() else ""
        ends = f"green {_GOOD_MM:g} mm or less, yellow, red and larger {_BAD_MM:g} mm or more"
        self.show_legend(f"Cubes: how far things will be misplaced there, {ends}.{unseen}")

    def _take_palette(self) -> None:
        super()._take_palette()
        if self._report is not None:
            self._show_errors()


def rig_cameras(report: "CalibrationReport") -> tuple[Camera, ...]:
    """Return the cameras of a report without distortion."""
    return tuple(
        Camera(each.name, each.intrinsics.width, each.intrinsics.height, each.intrinsics.K, each.base_from_camera)
        for each in report.cameras
    )


def error_solid(points: np.ndarray, errors_mm: np.ndarray, ramp: np.ndarray) -> Mesh:
    """Return a cube per point (n, 3) m, larger and redder with its error (n,); `ramp` (3, 3) is from good to bad."""
    halves = _HALF_POINT + _LARGER * np.minimum(errors_mm, 2 * _BAD_MM)
    cubes = zip(points, halves, error_colours(errors_mm, ramp), strict=True)
    return joined([box(np.full(3, half)).moved(pose(position=at)).coloured((*rgb, 1.0)) for at, half, rgb in cubes])


def error_colours(errors_mm: np.ndarray, ramp: np.ndarray) -> np.ndarray:
    """Return colours (n, 3) in [0, 1] along the ramp (3, 3)."""
    share = np.clip((np.asarray(errors_mm, float) - _GOOD_MM) / (_BAD_MM - _GOOD_MM), 0.0, 1.0)
    return np.stack([np.interp(share, [0.0, 0.5, 1.0], ramp[:, channel]) for channel in range(3)], axis=-1)
