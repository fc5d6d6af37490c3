"""Warp of the grasped object: a patch of the first frame, moved with the tool from where it was grasped.

That a grasped or pushed object moves with the gripper is hard to learn from a few hundred videos and easy to state:
the image around the point where the fingers closed, or came down closed, is shifted along. A frame decoder given this
warp only has to decide which of its pixels are the object, and what fills its previous place.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from foundation.camera import Camera

CHANNELS = 5  # of draw_grasped_object: the moved patch (3), its weight, and the weight of the place it came from
_NEAR_LOWEST = 0.015  # m above its lowest point within which a closed gripper can push
_REACH = 0.055  # m, standard deviation of the region around the tool in which an object may be held


@dataclass(frozen=True)
class GraspedObject:
    """Interval of frames, `begin` to `end`, in which an object moves with the gripper; afterwards it stays."""

    begin: int
    end: int


def grasped_object(base_from_tool: np.ndarray, openness: np.ndarray) -> GraspedObject | None:
    """Return the interval in which an object moves with the tool in a motion (T, 4, 4) with gripper `openness` (T,).

    Grasped where the fingers first close low, it is held until they open. Fingers that come down closed push until they
    rise. None where they never close; later grasps are not considered.
    """
    closed, height = openness < 0.5, base_from_tool[:, 2, 3]
    if not closed.any():
        return None
    first = int(np.argmax(closed))
    opened = np.flatnonzero(~closed[first:])
    last = first + int(opened[0]) if len(opened) else len(closed) - 1
    low = height[first : last + 1] < height[first : last + 1].min() + _NEAR_LOWEST
    if first > 0 and low[0]:
        return GraspedObject(first, last)
    begin = first + int(np.argmax(low))
    risen = np.flatnonzero(~low[begin - first :])
    return GraspedObject(begin, begin + int(risen[0]) - 1 if len(risen) else last)


def draw_grasped_object(
    first: np.ndarray,
    base_from_tool: np.ndarray,
    openness: np.ndarray,
    cameras: Sequence[Camera],
    frames: Sequence[int] | None = None,
) -> np.ndarray:
    """Render the warp (V, n, H, W, 5) in [0, 1] of `frames` (None: all) for a motion (T, 4, 4), (T,).

    `first` are the first frames (V, H, W, 3) uint8. The channels are the moved patch, fading with the distance from the
    tool; its weight; and the same weight at the place it came from. All zero before an object is grasped.
    """
    wanted = range(len(base_from_tool)) if frames is None else frames
    drawn = np.zeros((len(cameras), len(wanted), *first.shape[1:3], CHANNELS), np.float32)
    span = grasped_object(base_from_tool, openness)
    if span is None:
        return drawn
    places = base_from_tool[:, :3, 3]
    for view, camera in enumerate(cameras):
        pixels, sizes = camera.project(places), _size_px(places, camera)
        picture = first[view].astype(np.float32) / 255.0
        for i, t in enumerate(wanted):
            now = min(t, span.end)
            known = np.isfinite(pixels[[span.begin, now]]).all() and sizes[[span.begin, now]].min() > 0
            if t > span.begin and known:
                drawn[view, i] = _moved(picture, pixels[span.begin], pixels[now], sizes[span.begin], sizes[now])
    return drawn


def _moved(picture: np.ndarray, begin: np.ndarray, now: np.ndarray, size: float, size_now: float) -> np.ndarray:
    """Warp `picture` (H, W, 3) from `begin` px to `now` px, scaled with its distance: (H, W, 5)."""
    height, width = picture.shape[:2]
    scale = size_now / size
    matrix = np.array([[scale, 0, now[0] - scale * begin[0]], [0, scale, now[1] - scale * begin[1]]])
    shifted = cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR)
    here, there = _around(now, size_now, (height, width)), _around(begin, size, (height, width))
    return np.dstack([shifted * here[..., None], here, there])


def _around(point: np.ndarray, size: float, shape: tuple[int, int]) -> np.ndarray:
    """Return a weight (H, W) that is 1 near the point and falls off as a Gaussian of standard deviation `size` px."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    squared = (x - point[0]) ** 2 + (y - point[1]) ** 2
    return np.clip(1.5 * np.exp(-0.5 * squared / size**2), 0.0, 1.0).astype(np.float32)


def _size_px(points: np.ndarray, camera: Camera) -> np.ndarray:
    """Return the size of `_REACH` in pixels at each of the points (T, 3); 0 behind the camera."""
    depth = (points - camera.base_from_camera[:3, 3]) @ camera.base_from_camera[:3, 2]
    return np.where(depth > 0.05, _REACH * camera.K[0, 0] / np.maximum(depth, 0.05), 0.0)
