"""Encoding of an action as three points and three colours (Action Images, arXiv 2604.06168, the released convention).

| channel | point                         | name here    |
|---------|-------------------------------|--------------|
| red     | p                             | origin       |
| green   | p + axis_length * R [1, 0, 0] | x_axis       |
| blue    | p - axis_length * R [0, 0, 1] | minus_z_axis |

Each is a Gaussian of peak 1. Blue at or below PEDESTAL is replaced by PEDESTAL when the gripper is open, else by 0.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from foundation.camera import Camera
from foundation.poses import distance, invert, transform
from model.errors import ActionImageError

CHANNELS = ("origin", "x_axis", "minus_z_axis")
RED, GREEN, BLUE = range(3)
SIGMA = 0.05  # of the shorter image side; the release's value, which its weights were trained with
AXIS_LENGTH = 0.1  # m, likewise
PEDESTAL = 0.25  # blue background of an open gripper, likewise
OPEN_ABOVE = 0.5  # openness from which the gripper counts as open, likewise

# Minimum distance of two cameras for depth to be observable.
SMALLEST_BASELINE = 0.005  # m


def axis_points(axis_length: float = AXIS_LENGTH) -> np.ndarray:
    """Return the three points (3, 3) in the tool's frame, m, in the order of CHANNELS."""
    if not (np.isfinite(axis_length) and axis_length > 0):
        raise ValueError(f"axis_length must be a positive length in m, not {axis_length}")
    return axis_length * np.array([[0.0, 0, 0], [1, 0, 0], [0, 0, -1]])


def tool_points(base_from_tool: np.ndarray, axis_length: float = AXIS_LENGTH) -> np.ndarray:
    """Return the three points (..., 3, 3) of tool poses (..., 4, 4), in base, m."""
    return transform(np.asarray(base_from_tool, float)[..., None, :, :], axis_points(axis_length))


def projection_matrices(cameras: Sequence[Camera], T: int) -> np.ndarray:
    """Return K @ camera_from_base, (V, T, 3, 4), for T frames; ValueError when a moving camera has other frames."""
    matrices = []
    for camera in cameras:
        if camera.moving and len(camera.base_from_camera) != T:
            raise ValueError(f"camera {camera.name} has {len(camera.base_from_camera)} poses, but there are {T} frames")
        matrix = camera.K @ invert(camera.base_from_camera)[..., :3, :]
        matrices.append(np.broadcast_to(matrix, (T, 3, 4)))
    return np.stack(matrices)


def image_size(cameras: Sequence[Camera]) -> tuple[int, int]:
    """Return height and width in pixels common to the cameras; ActionImageError when they differ or there are none."""
    if not cameras:
        raise ActionImageError("Action images need at least one camera. Choose cameras in the set-up.")
    sizes = {(camera.height, camera.width) for camera in cameras}
    if len(sizes) > 1:
        listed = ", ".join(f"{camera.name} {camera.width} x {camera.height}" for camera in cameras)
        raise ActionImageError(
            f"The cameras' images differ in size: {listed}. Resize the images, and the cameras with them, to one size."
        )
    return sizes.pop()


def require_two_places(cameras: Sequence[Camera]) -> None:
    """Raise ActionImageError for fewer than two cameras, or when all share one place throughout."""
    if len(cameras) < 2:
        raise ActionImageError(
            f"One view ({cameras[0].name}) cannot tell how far away the tool is. Choose at least two cameras."
        )
    if all(_share_place(*pair) for pair in combinations(cameras, 2)):
        raise _one_view(*cameras[:2])


def require_own_places(cameras: Sequence[Camera]) -> None:
    """Raise ActionImageError for fewer than two cameras, or when any two share one place throughout."""
    require_two_places(cameras)
    for pair in combinations(cameras, 2):
        if _share_place(*pair):
            raise _one_view(*pair)


def _share_place(one: Camera, other: Camera) -> bool:
    """Return True when two cameras are in one place in all frames."""
    apart, _ = distance(one.base_from_camera, other.base_from_camera)
    return bool(np.max(apart) < SMALLEST_BASELINE)


def _one_view(one: Camera, other: Camera) -> ActionImageError:
    return ActionImageError(
        f"The cameras {one.name} and {other.name} have the same place in the calibration, so they are the same view. "
        "Choose another camera, or calibrate again."
    )
