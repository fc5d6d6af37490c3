"""What the hand takes along: a piece of the first picture, moved as the tool moves from where it took hold.

That a thing which is held or pushed goes with the hand is hard to learn from a few hundred videos and easy to say:
where the fingers closed, or came down closed, the picture around them is shifted along. A frame decoder that sees it
need only decide what of it is the thing, and what comes into its old place.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from foundation.camera import Camera

CHANNELS = 5  # of draw_carried: the moved piece (3), how much it counts, and what it left behind
_NEAR_LOWEST = 0.015  # m above its lowest point up to which a closed hand can push
_REACH = 0.055  # m around the tool in which a thing may be held, as a standard deviation


@dataclass(frozen=True)
class GraspedObject:
    """Something goes with the hand from frame `begin` to frame `end`, and stays there."""

    begin: int
    end: int


def grasped_object(base_from_tool: np.ndarray, openness: np.ndarray) -> GraspedObject | None:
    """When something goes with the tool in a motion (T, 4, 4) whose gripper is open by `openness` (T,).

    Taken where the fingers first close low, it is held until they open. Fingers that come down closed push until they
    rise. None where they never close; what is carried after that is not looked for.
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
    """Pictures (V, n, H, W, 5) in [0, 1] of `frames` (None: all), for first pictures (V, H, W, 3) uint8 and the motion
    (T, 4, 4), (T,).

    The moved piece, fading with the distance from the tool; how much it counts; and, of the place from which it came,
    the same. All zero before anything is carried.
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
    """(H, W, 5): `picture` (H, W, 3) with what is around `begin` px brought to `now` px, larger where it is nearer."""
    height, width = picture.shape[:2]
    scale = size_now / size
    matrix = np.array([[scale, 0, now[0] - scale * begin[0]], [0, scale, now[1] - scale * begin[1]]])
    shifted = cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR)
    here, there = _around(now, size_now, (height, width)), _around(begin, size, (height, width))
    return np.dstack([shifted * here[..., None], here, there])


def _around(point: np.ndarray, size: float, shape: tuple[int, int]) -> np.ndarray:
    """(H, W): 1 at the point and close to it, and less the farther away, `size` px a standard deviation."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    squared = (x - point[0]) ** 2 + (y - point[1]) ** 2
    return np.clip(1.5 * np.exp(-0.5 * squared / size**2), 0.0, 1.0).astype(np.float32)


def _size_px(points: np.ndarray, camera: Camera) -> np.ndarray:
    """How large `_REACH` is at each of the points (T, 3); 0 behind the camera."""
    depth = (points - camera.base_from_camera[:3, 3]) @ camera.base_from_camera[:3, 2]
    return np.where(depth > 0.05, _REACH * camera.K[0, 0] / np.maximum(depth, 0.05), 0.0)
