"""Crops around a motion in the images, in which it is generated again at higher resolution.

A motion mostly covers less than half of an image's width, so a crop shows it up to twice as large. The model's errors
there are different from those in the whole image: decoding both jointly is better than either. A crop is
(left, top, side) as fractions of an image's width and height; (0, 0, 1) is the whole image.
"""

from dataclasses import replace

import numpy as np

from foundation.poses import invert, transform
from foundation.trajectory import Scene
from model.action_images.encoding import AXIS_LENGTH, tool_points

IMAGINED = ("policy", "joint")  # modes whose motion depends on the first frames and the instruction alone
ROOMS = (2.0, 1.5)  # sides of the successive crops, in extents of the motion
LEAST = 0.3  # side of the smallest crop


def extents(
    base_from_tool: np.ndarray,
    K: np.ndarray,
    base_from_camera: np.ndarray,
    size: tuple[int, int],
    axis_length: float = AXIS_LENGTH,
) -> np.ndarray:
    """Return the bounding boxes (..., 4) of the encoded points of motions (..., T, 4, 4) in images of `size` (H, W) px.

    The boxes are left, top, right and bottom as fractions. `K` (..., 3, 3), `base_from_camera` (..., 4, 4) m. NaN where
    a point is not in front of the camera, or a frame is unknown.
    """
    camera_from_base = invert(np.asarray(base_from_camera, float))[..., None, None, :, :]
    seen = transform(camera_from_base, tool_points(base_from_tool, axis_length))  # (..., T, 3, 3)
    image = (seen @ np.asarray(K, float)[..., None, :, :].swapaxes(-1, -2)).reshape(*seen.shape[:-3], -1, 3)
    depth = np.where(image[..., 2:] > 1e-9, image[..., 2:], np.nan)
    shares = (image[..., :2] / depth + 0.5) / np.array(size[::-1], float)
    return np.concatenate([shares.min(axis=-2), shares.max(axis=-2)], axis=-1)


def crop_around(extent: np.ndarray, room: np.ndarray | float, aside: np.ndarray | float = 0.5) -> np.ndarray:
    """Return the crop (..., 3) around `extent` (..., 4), `room` times as wide, within the image.

    `aside` (..., 2) in [0, 1] is the fraction of the spare room to the left and above.
    """
    low, high = np.clip(extent[..., :2], 0.0, 1.0), np.clip(extent[..., 2:], 0.0, 1.0)
    side = np.clip((high - low).max(axis=-1, keepdims=True) * room, LEAST, 1.0)
    corner = np.clip(low - aside * (side - (high - low)), 0.0, 1.0 - side)
    return np.concatenate([corner, side], axis=-1)


def in_pixels(part: np.ndarray, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return left, top, width and height of a crop (3,) of an image of `size` (H, W), in whole px."""
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
    """Crop the scene's images around a motion (T, 4, 4), NaN where unknown.

    `room`: side of a crop, in extents of the motion. None where a view does not show the motion, or cameras move.
    """
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
