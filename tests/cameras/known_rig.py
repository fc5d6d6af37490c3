"""Rig with ground truth: three cameras around a bench, a board on a gripper, corners with noise."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from cameras.calibration.board import GRIPPER_BOARD
from cameras.calibration.rig_data import RigData, RigView
from cameras.intrinsics import Intrinsics
from foundation.camera import camera_at
from foundation.poses import invert, pose, transform

STANDS = (
    ((0.98, 0.58, 0.62), (0.4, 0.02, 0.1)),
    ((0.98, -0.58, 0.62), (0.4, -0.02, 0.1)),
    ((1.2, 0.0, 0.52), (0.38, 0.0, 0.12)),
)
MOUNT = pose(Rotation.from_quat([0.5, 0.5, 0.5, 0.5]).as_matrix(), np.array([0.0545, 0.003, -0.127]))
POINTS = GRIPPER_BOARD.points(GRIPPER_BOARD.ids).reshape(-1, 3)


@dataclass(frozen=True, eq=False)
class KnownRig:
    """`data` as given to a calibration, the true `base_from_camera` (C, 4, 4), and `mounts` per pose (P, 4, 4)."""

    data: RigData
    base_from_camera: np.ndarray
    mounts: np.ndarray


def known_rig(
    seed: int = 0,
    poses: int = 20,
    *,
    cameras: int = 3,
    noise_px: float = 0.1,
    arm: float = 1.0,
    scale: float = 1.0,
    slip_at: int | None = None,
    slip: np.ndarray | None = None,
) -> KnownRig:
    """Make a rig with `arm` times 0.5 mm and 0.1 degrees of arm error.

    From pose `slip_at` on, the board is displaced by `slip` (4, 4); the board is `scale` times as large as described.
    """
    generator = np.random.default_rng([seed, 77])
    stands = [camera_at(str(i), 640, 480, 0.78, *stand) for i, stand in enumerate(STANDS[:cameras])]
    lenses = tuple(Intrinsics(640, 480, camera.K, [-0.05, 0.01, 0.0005, -0.0003, 0.0]) for camera in stands)
    true, views, mounts = [], [], []
    while len(true) < poses:
        axis = generator.normal(size=3)
        turn = Rotation.from_rotvec(np.deg2rad(40) * generator.uniform(0.2, 1.0) * axis / np.linalg.norm(axis))
        place = generator.uniform([0.3, -0.25, 0.08], [0.6, 0.25, 0.35])
        base_from_tool = pose(turn.as_matrix() @ np.diag([1.0, -1.0, -1.0]), place)
        mount = MOUNT if slip_at is None or len(true) < slip_at or slip is None else MOUNT @ slip
        seen = [_seen(camera, lens, base_from_tool @ mount, scale) for camera, lens in zip(stands, lenses, strict=True)]
        if sum(each is not None for each in seen) < min(2, cameras):
            continue
        for number, pixels in enumerate(seen):
            if pixels is not None:
                noisy = pixels + generator.normal(0.0, noise_px, pixels.shape)
                views.append(RigView(number, len(true), POINTS, noisy))
        true.append(base_from_tool)
        mounts.append(mount)
    turns = Rotation.from_rotvec(generator.normal(0.0, np.deg2rad(0.1) * arm, (poses, 3))).as_matrix()
    told = np.array(true) @ pose(turns, generator.normal(0.0, 0.0005 * arm, (poses, 3)))
    data = RigData(lenses, told, np.zeros(poses, int), tuple(views))
    return KnownRig(data, np.array([camera.base_from_camera for camera in stands]), np.array(mounts))


def workspace_mm(camera_from_base: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the displacement in mm of points of the workspace as located by each camera, (C, n)."""
    grid = np.stack(np.meshgrid([0.3, 0.45, 0.6], [-0.2, 0.0, 0.2], [0.0, 0.2, 0.4]), axis=-1).reshape(-1, 3)
    put = [
        transform(invert(found), transform(invert(true), grid))
        for found, true in zip(camera_from_base, truth, strict=True)
    ]
    return 1000 * np.linalg.norm(np.array(put) - grid, axis=-1)


def _seen(camera, lens: Intrinsics, base_from_board: np.ndarray, scale: float) -> np.ndarray | None:
    there = invert(camera.base_from_camera) @ base_from_board
    if -there[:3, 2] @ there[:3, 3] / np.linalg.norm(there[:3, 3]) < 0.4:
        return None
    points = transform(there, POINTS * scale)
    pixels, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), lens.K, lens.distortion)
    return pixels[:, 0] if camera.sees(pixels[:, 0]).all() else None
