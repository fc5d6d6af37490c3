"""Closed-form initial guess of a rig: board pose of each view, hand-eye equation, then averages."""

from collections.abc import Iterable

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from cameras.calibration.rig_data import Rig, RigData, RigView
from cameras.errors import CameraError
from cameras.intrinsics import Intrinsics
from foundation.poses import distance, invert, pose, transform

CLOSED_FORMS = {  # named as in the literature
    "Tsai": cv2.CALIB_HAND_EYE_TSAI,
    "Park": cv2.CALIB_HAND_EYE_PARK,
    "Horaud": cv2.CALIB_HAND_EYE_HORAUD,
    "Andreff": cv2.CALIB_HAND_EYE_ANDREFF,
    "Daniilidis": cv2.CALIB_HAND_EYE_DANIILIDIS,
}
LEAST_POSES = 4
"""With which the hand-eye equation is solved; three determine it, and a fourth shows a wrong one."""

_LEAST_TURN = np.deg2rad(10.0)  # between the poses: with less the equation has no stable solution
_TURN_AS_WAY = 0.3  # m per rad, to compare poses by one number: the distance from base to where a board is used


class NoInitialGuess(CameraError):
    """The views do not determine a rig, not even roughly."""


def board_pose(points: np.ndarray, pixels: np.ndarray, lens: Intrinsics) -> np.ndarray:
    """Return camera_from_board (4, 4) from one view of flat points (n, 3) with z = 0 at raw pixels (n, 2).

    The better of the two solutions for a planar target (Collins and Bartoli 2014), then refined.
    """
    ideal = cv2.undistortPoints(pixels.reshape(-1, 1, 2), lens.K, lens.distortion, P=lens.K)
    arguments = (points.reshape(-1, 1, 3), ideal, lens.K, None)
    _, turns, shifts, _ = cv2.solvePnPGeneric(*arguments, flags=cv2.SOLVEPNP_IPPE)
    turn, shift = cv2.solvePnPRefineLM(*arguments, turns[0], shifts[0])
    return pose(cv2.Rodrigues(turn)[0], shift.ravel())


def initial_rig(data: RigData, nominal_mount: np.ndarray | None = None) -> tuple[Rig, tuple[int, ...]]:
    """Return an initial rig, and the cameras without any information (placed where the first known one is).

    `nominal_mount` (4, 4) is the nominal tool_from_board, used if there are too few poses to determine it. Raises
    NoInitialGuess if neither suffices.
    """
    boards = {id(view): board_pose(view.points, view.pixels, data.lenses[view.camera]) for view in data.views}
    mounts = np.tile(np.eye(4), (data.mounts, 1, 1))
    known: list[int] = []
    for number in range(data.mounts):
        found = _mount(data, boards, number)
        if found is None and known:  # the cameras placed by an earlier mounting determine the next one
            found = _mount_by_cameras(data, boards, number, _cameras(data, boards, mounts, known))
        if found is not None:
            mounts[number] = found
            known.append(number)
    if not known and nominal_mount is not None:
        mounts[:], known = nominal_mount, list(range(data.mounts))
    if not known:
        raise NoInitialGuess(
            "The poses do not tell where the cameras stand. Take more of them, and turn the board about two axes."
        )
    cameras = _cameras(data, boards, mounts, known)
    for number in set(range(data.mounts)) - set(known):
        found = _mount_by_cameras(data, boards, number, cameras)
        mounts[number] = mounts[known[0]] if found is None else found
    unknown = tuple(camera for camera in range(len(data.lenses)) if camera not in cameras)
    if len(unknown) == len(data.lenses):
        raise NoInitialGuess("No camera sees the board. Turn it towards the cameras.")
    some = next(iter(cameras.values()))
    camera_from_base = np.array([invert(cameras.get(camera, some)) for camera in range(len(data.lenses))])
    return Rig(camera_from_base, mounts, np.zeros((len(data.base_from_tool), 6)), data.lenses), unknown


def hand_eye(base_from_tool: np.ndarray, camera_from_board: np.ndarray, method: str) -> np.ndarray | None:
    """Return base_from_camera (4, 4) of a stationary camera from poses (n, 4, 4) of the arm and of the board on it.

    None where OpenCV's method (see CLOSED_FORMS) gives no finite solution.
    """
    tool_from_base = invert(base_from_tool)  # OpenCV solves for a camera on the arm: the inverse problem
    turn, shift = cv2.calibrateHandEye(
        list(tool_from_base[:, :3, :3]),
        list(tool_from_base[:, :3, 3]),
        list(camera_from_board[:, :3, :3]),
        list(camera_from_board[:, :3, 3]),
        method=CLOSED_FORMS[method],
    )
    if not (np.isfinite(turn).all() and np.isfinite(shift).all()) or abs(np.linalg.det(turn) - 1) > 1e-3:
        return None
    return pose(turn, np.ravel(shift))


def mean_pose(poses: Iterable[np.ndarray]) -> np.ndarray:
    """Return the mean of the poses near the most central one; outliers do not count."""
    stack = np.array(list(poses))
    apart = np.array([_apart(one, stack) for one in stack])
    centre = int(np.argmin(np.median(apart, axis=1)))
    near = stack[apart[centre] <= max(2.5 * np.median(apart[centre]), 1e-9)]
    return pose(Rotation.from_matrix(near[:, :3, :3]).mean().as_matrix(), near[:, :3, 3].mean(axis=0))


def _apart(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    metres, radians = distance(one, others)
    return metres + _TURN_AS_WAY * radians


def _mount(data: RigData, boards: dict[int, np.ndarray], number: int) -> np.ndarray | None:
    """Return tool_from_board of one mounting by the best camera and closed form; None if there is none."""
    best, best_error = None, np.inf
    for camera in range(len(data.lenses)):
        views = [view for view in data.of_camera(camera) if data.mount[view.pose] == number]
        if len(views) < LEAST_POSES:
            continue
        arm = data.base_from_tool[[view.pose for view in views]]
        seen = np.array([boards[id(view)] for view in views])
        if _apart_turn(arm) < _LEAST_TURN:
            continue
        for method in CLOSED_FORMS:
            base_from_camera = hand_eye(arm, seen, method)
            if base_from_camera is None:
                continue
            mount = mean_pose(invert(arm) @ base_from_camera @ seen)
            error = _error(data, views, base_from_camera, mount)
            if error < best_error:
                best, best_error = mount, error
    return best


def _apart_turn(poses: np.ndarray) -> float:
    """Return the second largest extent of the rotations (rad): a hand-eye equation needs two axes."""
    turns = Rotation.from_matrix(poses[0, :3, :3].T @ poses[:, :3, :3]).as_rotvec()
    return float(np.linalg.svd(turns - turns.mean(axis=0), compute_uv=False)[1] / np.sqrt(len(poses)) * 2)


def _error(data: RigData, views: list[RigView], base_from_camera: np.ndarray, mount: np.ndarray) -> float:
    """Return the median error (px) between the board in the images and as predicted by the arm."""
    errors = []
    for view in views:
        there = transform(invert(base_from_camera) @ data.base_from_tool[view.pose] @ mount, view.points)
        if (there[:, 2] <= 1e-3).any():
            errors.append(1e4)
            continue
        lens = data.lenses[view.camera]
        pixels, _ = cv2.projectPoints(there, np.zeros(3), np.zeros(3), lens.K, lens.distortion)
        errors.append(float(np.linalg.norm(pixels[:, 0] - view.pixels, axis=1).mean()))
    return float(np.median(errors))


def _cameras(
    data: RigData, boards: dict[int, np.ndarray], mounts: np.ndarray, known: list[int]
) -> dict[int, np.ndarray]:
    """Return base_from_camera of each camera that has a view of a known mounting."""
    found = {}
    for camera in range(len(data.lenses)):
        views = [view for view in data.of_camera(camera) if data.mount[view.pose] in known]
        if views:
            found[camera] = mean_pose(
                data.base_from_tool[v.pose] @ mounts[data.mount[v.pose]] @ invert(boards[id(v)]) for v in views
            )
    return found


def _mount_by_cameras(
    data: RigData, boards: dict[int, np.ndarray], number: int, cameras: dict[int, np.ndarray]
) -> np.ndarray | None:
    views = [view for view in data.views if data.mount[view.pose] == number and view.camera in cameras]
    if not views:
        return None
    return mean_pose(invert(data.base_from_tool[v.pose]) @ cameras[v.camera] @ boards[id(v)] for v in views)
