"""The rig in 3-D: the poses before anything moves, and afterwards the cameras with where the error grows."""

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

if TYPE_CHECKING:  # loaded with the solver
    from workflows.calibration.calibrate import CalibrationReport
    from workflows.calibration.poses import PoseProposal

_EACH_MS = 650  # a proposed pose is looked at so long
_SHAPE = 1.4  # width to height of a view in which the distance is `far`
_HALF_POINT, _LARGER = 0.009, 0.006  # m, and m for each mm of error
_GOOD_MM, _BAD_MM = 0.2, 1.5  # the ends of the colours
# From good to bad; the lights take a third of it away, and on a dark ground it has to be lighter.
_COLOURS = np.array([[0.16, 0.76, 0.44], [1.00, 0.78, 0.15], [0.95, 0.22, 0.18]])
_COLOURS_ON_DARK = np.array([[0.40, 1.00, 0.62], [1.00, 0.88, 0.35], [1.00, 0.42, 0.38]])


class RigPanel(ScenePanel):
    """A 3-D view from far enough for the whole arm, also where it is wide and low; `far` m in a usual shape."""

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
    """The proposed poses, shown by a ghost one after the other; `shown` says which, from 0."""

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
        """Other poses, in the order of driving, the cameras as far as they are known, and the board: its `outline`
        (4, 3) m and where it is on the tool."""
        self._poses, self._at = poses, 0
        self._outline, self._tool_from_board = np.concatenate([outline, outline[:1]]), tool_from_board
        self.show_cameras(cameras)
        self.show_path(np.array([each.base_from_tool for each in poses]) if len(poses) > 1 else None)
        self._show()

    def play(self, playing: bool) -> None:
        """Whether the ghost goes through the poses; it does not while the arm itself moves."""
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
    """The cameras as they were found, and the error to expect in the workspace."""

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
    """The cameras of a report, ideal."""
    return tuple(
        Camera(each.name, each.intrinsics.width, each.intrinsics.height, each.intrinsics.K, each.base_from_camera)
        for each in report.cameras
    )


def error_solid(points: np.ndarray, errors_mm: np.ndarray, ramp: np.ndarray) -> Mesh:
    """A small cube for each of the points (n, 3) m, larger and redder with its error (n,); `ramp` (3, 3) from good to
    bad."""
    halves = _HALF_POINT + _LARGER * np.minimum(errors_mm, 2 * _BAD_MM)
    cubes = zip(points, halves, error_colours(errors_mm, ramp), strict=True)
    return joined([box(np.full(3, half)).moved(pose(position=at)).coloured((*rgb, 1.0)) for at, half, rgb in cubes])


def error_colours(errors_mm: np.ndarray, ramp: np.ndarray) -> np.ndarray:
    """(n, 3) in [0, 1]: along the ramp (3, 3)."""
    share = np.clip((np.asarray(errors_mm, float) - _GOOD_MM) / (_BAD_MM - _GOOD_MM), 0.0, 1.0)
    return np.stack([np.interp(share, [0.0, 0.5, 1.0], ramp[:, channel]) for channel in range(3)], axis=-1)
