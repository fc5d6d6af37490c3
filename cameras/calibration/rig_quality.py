"""Quality of a solved rig: errors at held-out poses, agreement of two halves, and expected errors."""

from dataclasses import dataclass

import cv2
import numpy as np

from cameras.calibration.rig_data import Rig, RigData, RigView
from cameras.calibration.rig_model import Freedom
from cameras.calibration.rig_solve import Solution, solve_rig
from foundation.poses import distance, invert, transform

FOLDS = 5
"""A fifth of the poses is held out at a time, each pose once."""

_ORDER_SEED = 20  # fixed, so that the folds are the same in every solve

GRID = np.stack(
    np.meshgrid([0.25, 0.4, 0.55], [-0.3, -0.15, 0.0, 0.15, 0.3], [0.0, 0.2, 0.4], indexing="ij"), axis=-1
).reshape(-1, 3)
"""(n, 3) m in base: where the arm works, from the table up."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Errors of each view at poses held out from the solve, between the arm's measurement and the camera's.

    `view_px` rms and `view_mm` rms (across the line of sight) are per view, in the data's order; `points_mm` (n,) are
    the errors of board points seen by two or more cameras, triangulated, against the arm's measurement; of pose
    `points_pose` (n,).
    """

    view_px: np.ndarray
    view_mm: np.ndarray
    points_mm: np.ndarray
    points_pose: np.ndarray


@dataclass(frozen=True, eq=False)
class HalfSplit:
    """Rigs from either half of the poses: their distance in the workspace (rms mm) and between the cameras (deg)."""

    mm: np.ndarray
    deg: np.ndarray


def hold_out(solution: Solution, freedom: Freedom = Freedom()) -> HeldOut:
    """Cross-validate: solve without a fifth of the poses, evaluate there, and repeat for all of them."""
    data = solution.data
    view_px, view_mm = np.full(len(data.views), np.nan), np.full(len(data.views), np.nan)
    points_mm, points_pose = [], []
    for held in _folds(data, FOLDS):
        rest = data.with_poses(np.setdiff1d(data.seen_poses, held))
        if not _complete(rest, data):
            continue
        rig = solve_rig(rest, solution.rig, freedom, drop=False).rig
        tested = [number for number, view in enumerate(data.views) if view.pose in held]
        for number in tested:
            view_px[number], view_mm[number] = view_error(data, rig, data.views[number])
        for pose in held:
            found = triangulated_errors(data, rig, [data.views[n] for n in tested if data.views[n].pose == pose])
            points_mm += found.tolist()
            points_pose += [int(pose)] * len(found)
    return HeldOut(view_px, view_mm, np.array(points_mm), np.array(points_pose, int))


def split_halves(solution: Solution, freedom: Freedom = Freedom()) -> HalfSplit:
    """Compare the rigs from two halves of the poses; nan where a half has no view of a camera."""
    data = solution.data
    halves = [data.with_poses(poses) for poses in _folds(data, 2)]
    count = len(data.lenses)
    if len(halves) < 2 or not all(_complete(half, data) for half in halves):
        return HalfSplit(np.full(count, np.nan), np.full(count, np.nan))
    rigs = [solve_rig(half, solution.rig, freedom, drop=False).rig for half in halves]
    first, second = (rig.camera_from_base for rig in rigs)
    mm, deg = np.empty(count), np.empty(count)
    for camera in range(count):
        seen = transform(solution.rig.camera_from_base[camera], GRID)
        apart = transform(invert(first[camera]), seen) - transform(invert(second[camera]), seen)
        mm[camera] = 1000 * np.sqrt((apart**2).sum(axis=1).mean())
        deg[camera] = np.rad2deg(distance(first[camera], second[camera])[1])
    return HalfSplit(mm, deg)


def view_error(data: RigData, rig: Rig, view: RigView) -> tuple[float, float]:
    """Return the rms error of a view in px, and in mm across the line of sight, against the uncorrected arm pose."""
    there = _in_camera(data, rig, view)
    lens = rig.lenses[view.camera]
    if (there[:, 2] <= 1e-3).any():
        return float("inf"), float("inf")
    pixels, _ = cv2.projectPoints(there, np.zeros(3), np.zeros(3), lens.K, lens.distortion)
    px = np.linalg.norm(pixels[:, 0] - view.pixels, axis=1)
    mm = 1000 * px * there[:, 2] / np.sqrt(lens.K[0, 0] * lens.K[1, 1])
    return float(np.sqrt((px**2).mean())), float(np.sqrt((mm**2).mean()))


def triangulated_errors(data: RigData, rig: Rig, views: list[RigView]) -> np.ndarray:
    """Return the errors (n,) mm of points shared by views of one pose, triangulated, against the arm's measurement."""
    if len(views) < 2:
        return np.empty(0)
    keys = [[tuple(np.round(point, 6)) for point in view.points] for view in views]
    shared = sorted({key for each in keys for key in each if sum(key in other for other in keys) >= 2})
    if not shared:
        return np.empty(0)
    rays = [_rays(rig, view) for view in views]
    errors = []
    base_from_board = data.base_from_tool[views[0].pose] @ rig.tool_from_board[data.mount[views[0].pose]]
    for key in shared:
        seen = [
            (origin, rays_[each.index(key)]) for each, (origin, rays_) in zip(keys, rays, strict=True) if key in each
        ]
        point = nearest_point(np.array([origin for origin, _ in seen]), np.array([ray for _, ray in seen]))
        errors.append(1000 * np.linalg.norm(point - transform(base_from_board, np.array(key) * rig.scale)))
    return np.array(errors)


def nearest_point(origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return the point (3,) nearest to the lines through `origins` (n, 3) along unit `directions` (n, 3)."""
    across = np.eye(3) - directions[:, :, None] * directions[:, None, :]
    return np.linalg.solve(across.sum(axis=0), np.einsum("nij,nj->i", across, origins))


def expected_errors(solution: Solution, points: np.ndarray = GRID) -> tuple[np.ndarray, np.ndarray]:
    """Return the expected error (n,) mm of the rig at `points` (n, 3) m in base, and how many cameras see each (n,).

    Propagated from the scatter of corners and arm; with one camera, across its line of sight. nan where no camera sees.
    """
    rig = solution.rig
    count = len(rig.lenses)
    normal, by_cameras = np.zeros((len(points), 3, 3)), np.zeros((len(points), 3, 6 * count))
    seen_by = np.zeros(len(points), int)
    for camera in range(count):
        turned = points @ rig.camera_from_base[camera, :3, :3].T
        there = turned + rig.camera_from_base[camera, :3, 3]
        sees = _sees(rig, camera, there)
        seen_by += sees
        direction = there / np.linalg.norm(there, axis=1, keepdims=True)
        direction = direction @ rig.camera_from_base[camera, :3, :3]
        across = (np.eye(3) - direction[:, :, None] * direction[:, None, :]) * sees[:, None, None]
        normal += across
        back = -rig.camera_from_base[camera, :3, :3].T
        by_turn = -np.cross(turned[:, None, :], np.eye(3)[None])  # columns e_i x turned, as rows
        by_cameras[:, :, 6 * camera : 6 * camera + 3] = across @ back
        by_cameras[:, :, 6 * camera + 3 : 6 * camera + 6] = across @ back @ np.swapaxes(by_turn, 1, 2)
    result = np.full(len(points), np.nan)
    there = seen_by > 0
    spread = np.linalg.pinv(normal[there]) @ by_cameras[there]
    variance = np.einsum("nij,jk,nik->n", spread, solution.covariance, spread)
    result[there] = 1000 * np.sqrt(variance) * max(1.0, _scatter(solution))
    return result, seen_by


def _scatter(solution: Solution) -> float:
    """Return the ratio of the observed scatter of corners and arm to the assumed one."""
    data = solution.data
    sigmas = np.array([data.position_sigma] * 3 + [data.rotation_sigma] * 3)
    arm = np.sqrt(np.mean((solution.rig.correction[data.seen_poses] / sigmas) ** 2))
    return float(max(arm, min(solution.noise_ratio, 10.0)))


def _sees(rig: Rig, camera: int, there: np.ndarray) -> np.ndarray:
    lens = rig.lenses[camera]
    front = there[:, 2] > 0.05
    pixels = there[:, :2] / np.where(front, there[:, 2], 1.0)[:, None] * lens.K[[0, 1], [0, 1]] + lens.K[:2, 2]
    inside = (pixels > 0) & (pixels < [lens.width - 1, lens.height - 1])
    return front & inside.all(axis=1)


def _in_camera(data: RigData, rig: Rig, view: RigView) -> np.ndarray:
    base_from_board = data.base_from_tool[view.pose] @ rig.tool_from_board[data.mount[view.pose]]
    return transform(rig.camera_from_base[view.camera] @ base_from_board, view.points * rig.scale)


def _rays(rig: Rig, view: RigView) -> tuple[np.ndarray, np.ndarray]:
    lens = rig.lenses[view.camera]
    plane = cv2.undistortPoints(view.pixels.reshape(-1, 1, 2), lens.K, lens.distortion)[:, 0]
    rays = np.concatenate([plane, np.ones((len(plane), 1))], axis=1)
    base_from_camera = invert(rig.camera_from_base[view.camera])
    return base_from_camera[:3, 3], rays / np.linalg.norm(rays, axis=1, keepdims=True) @ base_from_camera[:3, :3].T


def _folds(data: RigData, count: int) -> list[np.ndarray]:
    shuffled = np.random.default_rng(_ORDER_SEED).permutation(data.seen_poses)
    return [part for part in np.array_split(shuffled, count) if len(part)]


def _complete(part: RigData, whole: RigData) -> bool:
    """Return whether every camera and mounting of the whole is seen in the part."""
    cameras = {view.camera for view in whole.views} <= {view.camera for view in part.views}
    mounts = {int(whole.mount[view.pose]) for view in whole.views} <= {int(part.mount[v.pose]) for v in part.views}
    return cameras and mounts and len(part.seen_poses) >= 2
