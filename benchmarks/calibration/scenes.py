"""Calibration sessions with ground truth for the benchmark: rendered images with real detection, or computed corners.

Both show the arm's true pose to the cameras and report another one to the calibration: the arm's injected error.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from cameras.calibration.board import GRIPPER_BOARD
from cameras.calibration.board_view import BoardView, look_for_board, median_view
from cameras.intrinsics import Intrinsics
from foundation import xarm7
from foundation.camera import Camera
from foundation.mjcf import arm_qpos
from foundation.poses import invert, transform
from simulation.bench.camera_spec import CameraSpec
from simulation.bench.scene import SceneSpec
from simulation.bench.world import World
from simulation.pictures.rendering import SceneRenderer
from workflows.calibration.command import with_robot_error
from workflows.calibration.lab import PREFIX, calibration_scene
from workflows.calibration.observations import CalibrationSession, CameraEntry, Observation
from workflows.calibration.poses import NOMINAL_MOUNT, PoseProposal, propose_poses

CORNER_NOISE_PX = 0.2
"""px per axis of a computed corner. The detector leaves 0.06 px in drawn pictures of 640 x 480 (median of five frames,
against the truth); real ones have blur, uneven print and a lens model that is not quite true besides."""

FRAMES = 5
_STEEPEST = np.cos(np.deg2rad(70.0))
_LEAST_TAG_PX = 15.0


@dataclass(frozen=True, eq=False)
class KnownCase:
    """Session as a calibration gets it, with the scene that holds the ground truth."""

    scene: SceneSpec
    session: CalibrationSession


def case(
    seed: int,
    *,
    poses: int = 30,
    tilt_deg: float = 40.0,
    noise: float = 1.0,
    drawn: bool = False,
    cameras: int = 3,
) -> KnownCase:
    """Make a session of 640 x 480 cameras and planned poses; `noise` scales the arm's error and the computed corners'.

    `drawn`: the corners come from the detector, in `FRAMES` rendered images with noise for each view.
    """
    scene = calibration_scene(seed, cameras)
    entries = tuple(CameraEntry(PREFIX + spec.name, spec.name, _lens(spec)) for spec in scene.cameras)
    session = CalibrationSession(cameras=entries)
    visited = _poses(seed, cameras, poses, tilt_deg)
    views = _drawn_views(scene, visited) if drawn else _computed_views(scene, visited, seed, noise)
    for proposal, seen in zip(visited, views, strict=True):
        if seen:
            session = session.added(Observation(proposal.joints, xarm7.forward(proposal.joints), seen))
    return KnownCase(scene, with_robot_error(session, seed, noise))


def true_cameras(scene: SceneSpec) -> dict[str, Camera]:
    return {PREFIX + spec.name: spec.camera for spec in scene.cameras}


def seen_corners(spec: CameraSpec, camera_from_board: np.ndarray) -> np.ndarray | None:
    """Project the board (4, 4) to corners (tags, 4, 2) px; None where it is not whole, too oblique, or too small."""
    points = transform(camera_from_board, GRIPPER_BOARD.points(GRIPPER_BOARD.ids).reshape(-1, 3))
    sight = camera_from_board[:3, 3]
    if points[:, 2].min() < 0.1 or -camera_from_board[:3, 2] @ sight / np.linalg.norm(sight) < _STEEPEST:
        return None
    pixels, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), np.array(spec.K), np.array(spec.distortion))
    corners = pixels[:, 0].reshape(-1, 4, 2)
    inside = ((corners > 3.0) & (corners < [spec.width - 4.0, spec.height - 4.0])).all()
    edges = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=-1)
    return corners if inside and edges.min() > _LEAST_TAG_PX else None


@lru_cache(maxsize=64)
def _poses(seed: int, cameras: int, poses: int, tilt_deg: float) -> tuple[PoseProposal, ...]:
    """Plan poses for cameras that are known to some centimetres and degrees, as after looking around."""
    scene = calibration_scene(seed, cameras)
    generator = np.random.default_rng([seed, 3])
    rough = {}
    for identity, camera in true_cameras(scene).items():
        turn, _ = cv2.Rodrigues(generator.normal(0.0, 0.02, 3))
        place = camera.base_from_camera.copy()
        place[:3, :3] = place[:3, :3] @ turn
        place[:3, 3] += generator.normal(0.0, 0.01, 3)
        rough[identity] = replace(camera, base_from_camera=place)
    return propose_poses(rough, GRIPPER_BOARD, xarm7.HOME, count=poses, most_tilt_deg=tilt_deg)


def _computed_views(
    scene: SceneSpec, visited: tuple[PoseProposal, ...], seed: int, noise: float
) -> list[dict[str, BoardView]]:
    generator = np.random.default_rng([seed, 5])
    return [_computed_view(scene, xarm7.forward(each.joints), generator, noise) for each in visited]


def _computed_view(
    scene: SceneSpec, base_from_tool: np.ndarray, generator: np.random.Generator, noise: float
) -> dict[str, BoardView]:
    seen = {}
    for spec in scene.cameras:
        corners = seen_corners(spec, invert(np.array(spec.base_from_camera)) @ base_from_tool @ NOMINAL_MOUNT)
        if corners is not None:
            corners = corners + generator.normal(0.0, CORNER_NOISE_PX * noise, corners.shape)
            seen[PREFIX + spec.name] = BoardView(GRIPPER_BOARD.ids, corners, spec.width, spec.height)
    return seen


def _drawn_views(scene: SceneSpec, visited: tuple[PoseProposal, ...]) -> list[dict[str, BoardView]]:
    """Return the detections in images of the scene with the arm standing at each pose."""
    world = World(scene)
    renderer = SceneRenderer(world)
    coordinates = world.snapshot()
    result = []
    try:
        for proposal in visited:
            coordinates[: xarm7.JOINTS + 2] = arm_qpos(proposal.joints, 1.0)
            renderer.update(coordinates)
            seen = {}
            for spec in scene.cameras:
                sightings = [look_for_board(renderer.render(spec).rgb, GRIPPER_BOARD) for _ in range(FRAMES)]
                view = median_view([each.view for each in sightings if each.view is not None])
                if view is not None:
                    seen[PREFIX + spec.name] = view
            result.append(seen)
    finally:
        renderer.close()
    return result


def _lens(spec: CameraSpec) -> Intrinsics:
    return Intrinsics(spec.width, spec.height, np.array(spec.K), np.array(spec.distortion))
