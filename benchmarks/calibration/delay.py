"""Delays between cameras and arm: a sweep in virtual time through controller and robot loop."""

import numpy as np

from benchmarks.calibration.scenes import KnownCase, seen_corners
from cameras.calibration.board import GRIPPER_BOARD
from cameras.calibration.board_view import BoardView, look_for_board
from cameras.calibration.delay import estimate_delay
from foundation import xarm7
from foundation.poses import invert
from robot.planning.plan import Plan
from simulation.bench.camera_spec import CameraSpec
from simulation.lab import Lab
from simulation.pictures.rendering import SceneRenderer
from workflows.calibration.calibrate import CalibrationReport
from workflows.calibration.lab import PREFIX
from workflows.calibration.poses import NOMINAL_MOUNT
from workflows.calibration.sweep import best_pose, to_and_fro
from workflows.demonstration.demonstrate import VirtualLabArm

_NOISE_PX = 0.1


class _Film:
    """Views of every camera with their late timestamps, as the arm moves."""

    def __init__(self, case: KnownCase, seed: int, *, drawn: bool):
        self.views: dict[str, list[BoardView]] = {PREFIX + spec.name: [] for spec in case.scene.cameras}
        self.stamped: dict[str, list[float]] = {name: [] for name in self.views}
        self._generator = np.random.default_rng([seed, 9])
        self._drawn, self._renderer, self._case = drawn, None, case

    def __call__(self, lab: Lab) -> None:
        if self._drawn and self._renderer is None:
            self._renderer = SceneRenderer(lab.world)
        for spec in self._case.scene.cameras:
            view = self._computed(lab, spec) if self._renderer is None else self._seen(lab, spec)
            if view is not None:
                self.views[PREFIX + spec.name].append(view)
                self.stamped[PREFIX + spec.name].append(lab.time + spec.stamped_late)

    def close(self) -> None:
        if self._renderer is not None:
            self._renderer.close()

    def _seen(self, lab: Lab, spec: CameraSpec) -> BoardView | None:
        assert self._renderer is not None
        self._renderer.update(lab.world.snapshot())
        view = look_for_board(self._renderer.render(spec).rgb, GRIPPER_BOARD).view
        return view if view is not None and len(view.ids) == len(GRIPPER_BOARD.ids) else None

    def _computed(self, lab: Lab, spec: CameraSpec) -> BoardView | None:
        base_from_board = lab.world.truth().base_from_tool @ NOMINAL_MOUNT
        corners = seen_corners(spec, invert(np.array(spec.base_from_camera)) @ base_from_board)
        if corners is None:
            return None
        corners = corners + self._generator.normal(0.0, _NOISE_PX, corners.shape)
        return BoardView(GRIPPER_BOARD.ids, corners, spec.width, spec.height)


def delay_errors_ms(case: KnownCase, report: CalibrationReport, seed: int, *, drawn: bool) -> list[float]:
    """Return the error of each camera's estimated delay, ms; infinite where no delay was found.

    The delay is between the timestamps of the frames and those of the arm's measurements, which are late themselves.
    """
    film = _Film(case, seed, drawn=drawn)
    arm = VirtualLabArm(case.scene, film, joints=best_pose(case.session))
    arm.make_ready()
    motion = to_and_fro(arm.joints, 1.0)
    told, true = _Joints(), _Joints()

    def note(_: float) -> None:
        reading = arm.loop.facts.joints
        if reading is not None:
            told.add(reading.read, reading.position)
        true.add(arm.lab.time, arm.lab.world.measure().position)

    for views in (film.views, film.stamped):
        for each in views.values():
            each.clear()
    arm.execute(Plan.of_motion(motion), passed=note)
    film.close()
    late = _lateness(told, true)
    return [_error_ms(case, report, film, identity, told, late) for identity in film.views]


class _Joints:
    """Joints (n, 7) over time."""

    def __init__(self):
        self.times: list[float] = []
        self.position: list[np.ndarray] = []

    def add(self, time: float, position: np.ndarray) -> None:
        self.times.append(time)
        self.position.append(position)

    def at(self, moments: np.ndarray) -> np.ndarray:
        columns = np.array(self.position).T
        return np.stack([np.interp(moments, self.times, column) for column in columns], axis=1)


def _lateness(told: _Joints, true: _Joints) -> float:
    """Return by how many s the arm's own measurements are stamped late: a controller's cycle or so."""
    moments = np.array(told.times)[20:-20]
    candidates = np.arange(-0.01, 0.03, 0.0005)
    errors = [float(np.square(told.at(moments) - true.at(moments - late)).sum()) for late in candidates]
    return float(candidates[int(np.argmin(errors))])


def _error_ms(
    case: KnownCase, report: CalibrationReport, film: _Film, identity: str, told: _Joints, arm_late: float
) -> float:
    camera = report.camera(identity)
    camera_from_base, mount = invert(camera.base_from_camera), report.tool_from_board[0]

    def camera_from_board_at(moments: np.ndarray) -> np.ndarray:
        return camera_from_base @ xarm7.forward(told.at(moments)) @ mount

    stamped = np.array(film.stamped[identity])
    found = estimate_delay(stamped, film.views[identity], GRIPPER_BOARD, camera.intrinsics, camera_from_board_at)
    late = {PREFIX + spec.name: spec.stamped_late for spec in case.scene.cameras}[identity]
    return float("inf") if found is None else 1000 * abs(found.seconds - (late - arm_late))
