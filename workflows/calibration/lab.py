"""The embedded lab prepared for a calibration, and the errors of a calibration against its ground truth."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from foundation.camera import Camera
from foundation.poses import distance, invert, transform
from simulation.bench.randomise import random_scene
from simulation.bench.scene import SceneSpec
from workflows.calibration.report import CalibrationReport

PREFIX = "lab:"
_LATEST = 0.03  # s by which a lab camera's frames may be stamped late
_WORK = (np.array([0.30, -0.25, 0.0]), np.array([0.60, 0.25, 0.40]))  # m in base: region in which errors are measured


def board_scene(scene: SceneSpec) -> SceneSpec:
    """Return the scene with an empty bench, and the calibration board on the gripper."""
    return replace(scene, gripper_board=True, objects=(), bowl=None, box=None, drawer=None)


def calibration_scene(seed: int, cameras: int = 3, size: tuple[int, int] = (640, 480)) -> SceneSpec:
    """Return an empty bench with 1 to 4 cameras, each with its own intrinsics, noise, and a somewhat late clock."""
    scene = board_scene(random_scene(seed, cameras=cameras, size=size))
    generator = np.random.default_rng([seed, 0xCA1])
    late = [float(value) for value in generator.uniform(0.0, _LATEST, cameras)]
    specs = (replace(s, stamped_late=t, delay=s.delay + t) for s, t in zip(scene.cameras, late, strict=True))
    return replace(scene, cameras=tuple(specs))


@dataclass(frozen=True, eq=False)
class TrueErrors:
    """Errors against ground truth: `workspace_mm` (n,) of triangulated points of the workspace, `one_camera_mm` (n C,)
    the same with each camera's distance known; `position_mm`, `rotation_deg`, `delay_ms` by identity.

    The arm's measurements are late too, by `arm_late_ms`, which is common to all delays and not counted as an error.
    """

    workspace_mm: np.ndarray
    one_camera_mm: np.ndarray
    position_mm: Mapping[str, float]
    rotation_deg: Mapping[str, float]
    delay_ms: Mapping[str, float]
    arm_late_ms: float


def true_errors(report: CalibrationReport, scene: SceneSpec) -> TrueErrors:
    """Compute the errors of a calibration of the lab's cameras against the scene's ground truth."""
    specs = {PREFIX + spec.name: spec for spec in scene.cameras}
    found = {each.identity: each.base_from_camera for each in report.cameras}
    truth = {identity: specs[identity].camera for identity in found}
    workspace, single = workspace_errors(found, truth)
    apart = {identity: distance(found[identity], truth[identity].base_from_camera) for identity in found}
    delays = {each.identity: each.delay.seconds for each in report.cameras if each.delay is not None}
    late = {identity: 1000 * (specs[identity].stamped_late - seconds) for identity, seconds in delays.items()}
    arm_late = float(np.median(list(late.values()))) if late else float("nan")
    return TrueErrors(
        workspace,
        single,
        {identity: 1000 * float(metres) for identity, (metres, _) in apart.items()},
        {identity: float(np.rad2deg(radians)) for identity, (_, radians) in apart.items()},
        {identity: arm_late - value for identity, value in late.items()},
        arm_late,
    )


def workspace_errors(found: Mapping[str, np.ndarray], truth: Mapping[str, Camera]) -> tuple[np.ndarray, np.ndarray]:
    """Return the errors in mm of workspace points seen by the true cameras and located by the calibrated ones
    (base_from_camera): triangulated (n,), and per camera with the true distance (n C,)."""
    low, high = _WORK
    points = np.stack(np.meshgrid(*np.linspace(low, high, 5).T, indexing="ij"), axis=-1).reshape(-1, 3)
    normal, right = np.zeros((len(points), 3, 3)), np.zeros((len(points), 3))
    single = []
    for identity, camera in truth.items():
        there = transform(invert(camera.base_from_camera), points)
        put = transform(found[identity], there)
        single.append(1000 * np.linalg.norm(put - points, axis=1))
        origin = found[identity][:3, 3]
        ray = (put - origin) / np.linalg.norm(put - origin, axis=1, keepdims=True)
        across = np.eye(3) - ray[:, :, None] * ray[:, None, :]
        normal += across
        right += across @ origin
    if len(truth) < 2:
        return single[0], single[0]
    triangulated = np.linalg.solve(normal, right[..., None])[..., 0]
    return 1000 * np.linalg.norm(triangulated - points, axis=1), np.concatenate(single)
