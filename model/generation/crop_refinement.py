"""A closer look: where in the pictures a motion happens, so that it can be imagined once more from those parts alone.

A motion mostly fills less than half of a picture's width, so that a part of the picture shows it up to twice as large.
A model errs there in another way than in the whole: read together, both say more than either.
A part is (left, top, side) in shares of a picture's width and height; (0, 0, 1) is all of it.
"""

from dataclasses import replace

import numpy as np

from foundation.poses import invert, transform
from foundation.trajectory import Scene
from model.action_images.encoding import AXIS_LENGTH, tool_points

IMAGINED = ("policy", "joint")  # modes whose motion comes from the first pictures and the words alone
ROOMS = (2.0, 1.5)  # sides of the parts that are looked at, one after the other, in extents of the motion
LEAST = 0.3  # side of the smallest part that is looked at


def extents(
    base_from_tool: np.ndarray,
    K: np.ndarray,
    base_from_camera: np.ndarray,
    size: tuple[int, int],
    axis_length: float = AXIS_LENGTH,
) -> np.ndarray:
    """Where the points drawn of motions (..., T, 4, 4) lie in pictures of `size` (H, W) px: (..., 4), left, top, right
    and bottom in shares. `K` (..., 3, 3), `base_from_camera` (..., 4, 4) m. NaN where a point is not before the camera,
    or a frame is not known."""
    camera_from_base = invert(np.asarray(base_from_camera, float))[..., None, None, :, :]
    seen = transform(camera_from_base, tool_points(base_from_tool, axis_length))  # (..., T, 3, 3)
    image = (seen @ np.asarray(K, float)[..., None, :, :].swapaxes(-1, -2)).reshape(*seen.shape[:-3], -1, 3)
    depth = np.where(image[..., 2:] > 1e-9, image[..., 2:], np.nan)
    shares = (image[..., :2] / depth + 0.5) / np.array(size[::-1], float)
    return np.concatenate([shares.min(axis=-2), shares.max(axis=-2)], axis=-1)


def crop_around(extent: np.ndarray, room: np.ndarray | float, aside: np.ndarray | float = 0.5) -> np.ndarray:
    """The part (..., 3) of a picture that holds `extent` (..., 4) and is `room` times as wide, within the picture;
    `aside` (..., 2) in [0, 1] says which share of the spare room lies left of it and above it."""
    low, high = np.clip(extent[..., :2], 0.0, 1.0), np.clip(extent[..., 2:], 0.0, 1.0)
    side = np.clip((high - low).max(axis=-1, keepdims=True) * room, LEAST, 1.0)
    corner = np.clip(low - aside * (side - (high - low)), 0.0, 1.0 - side)
    return np.concatenate([corner, side], axis=-1)


def in_pixels(part: np.ndarray, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, width and height of a part (3,) of a picture of `size` (H, W), in whole px."""
    height, width = size
    left, top = round(float(part[0]) * width), round(float(part[1]) * height)
    side = float(part[2])
    return left, top, min(round(side * width), width - left), min(round(side * height), height - top)


def cropped_scene(
    scene: Scene,
    base_from_tool: np.ndarray,
    room: float,
    axis_length: float = AXIS_LENGTH,
    model_tool_from_tool: np.ndarray | None = None,
) -> Scene | None:
    """The scene in the parts of its pictures where a motion (T, 4, 4) happens, NaN where it is not known; None where a
    view has nothing of it, or where cameras move. `room`: side of a part, in extents of the motion."""
    known = base_from_tool[np.isfinite(base_from_tool).all(axis=(1, 2))]
    if model_tool_from_tool is not None:
        known = known @ invert(np.asarray(model_tool_from_tool, float))
    if not len(known) or any(view.camera.moving for view in scene.views):
        return None
    views = []
    for view in scene.views:
        camera, size = view.camera, view.rgb.shape[:2]
        extent = extents(known, camera.K, camera.base_from_camera, size, axis_length)
        if not np.isfinite(extent).all() or (extent[:2] >= 1.0).any() or (extent[2:] <= 0.0).any():
            return None
        views.append(view.cropped(*in_pixels(crop_around(extent, room), size)))
    return replace(scene, views=tuple(views))
