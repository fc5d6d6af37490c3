"""Where the light comes from, told by the arm's shadow in the first pictures, and in which colours the arm shows then.

The arm's shapes and joints are known, so each direction of the light says where on the table the shadow must lie. Seen
from above, every camera's picture of the table is compared with that, for directions all around; the one is taken whose
shadow explains best what is dark.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from scipy.optimize import minimize

from foundation.camera import Camera
from model.arm_rendering.drawing import draw_arm, find_colours, shadow_on_table
from model.arm_rendering.shapes import arm_shapes

_CELL = 0.012  # m
_FROM, _TO = np.array([-0.2, -0.6]), np.array([0.85, 0.6])  # m, the part of the table that is looked at
_SHIFT = 4
_STEEPEST, _STEPS = 1.2, 17  # of the directions that are tried first: how far a shadow may fall for its height
_DARK = 0.6  # how many times darker than the table in general a place may count, in logarithms
_STARTS = 4  # directions from which the search goes on
_SEEN = 200  # cells of the table that a view must show to be asked
_LEAST = 0.2  # correlation of shadow and darkness below which there is no telling


def estimate_appearance(
    pictures: np.ndarray, cameras: Sequence[Camera], joints: np.ndarray, openness: float
) -> tuple[np.ndarray | None, np.ndarray]:
    """The `light` and the `colours` with which `draw_arm` draws the arm as the first pictures show it."""
    light = estimate_light(pictures, cameras, joints, openness)
    return light, find_colours(pictures, cameras, joints, openness, light)


def estimate_light(
    pictures: np.ndarray, cameras: Sequence[Camera], joints: np.ndarray, openness: float
) -> np.ndarray | None:
    """How far along x and y (2,) the shadow of a thing falls for each metre of its height, in `pictures` (V, H, W, 3)
    uint8 of an arm with `joints` (7,) and a gripper open by `openness`. None where nothing dark looks like a shadow."""
    corners = arm_shapes().placed(joints, openness)
    if corners is None:
        return None
    above = [_from_above(*view, joints, openness) for view in zip(pictures, cameras, strict=True)]
    views = [(dark, there) for dark, there in above if there.sum() > _SEEN]
    if not views:
        return None

    def unlike(light: np.ndarray) -> float:
        return -_likeness(_shadow(corners, light), views)

    along = np.linspace(-_STEEPEST, _STEEPEST, _STEPS)
    step = along[1] - along[0]
    starts: list[np.ndarray] = []
    for light in sorted((np.array([x, y]) for x in along for y in along), key=unlike):
        if all(np.linalg.norm(light - other) > 2 * step for other in starts):
            starts.append(light)
        if len(starts) == _STARTS:
            break
    nearby = 0.5 * step * np.array([[0, 0], [1, 0], [0, 1]])
    found = [
        minimize(unlike, light, method="Nelder-Mead", options={"maxfev": 40, "initial_simplex": light + nearby})
        for light in starts
    ]
    best = min(found, key=lambda one: one.fun)
    return best.x if best.fun < -_LEAST else None


def _grid() -> tuple[int, int]:
    """Cells along y and along x."""
    cells = np.round((_TO - _FROM) / _CELL).astype(int)
    return int(cells[1]), int(cells[0])


def _shadow(corners: np.ndarray, light: np.ndarray) -> np.ndarray:
    """(ny, nx) uint8, 1 where the table lies in the shadow."""
    drawn = np.zeros(_grid(), np.uint8)
    for places in shadow_on_table(corners, light):
        cells = np.clip((places - _FROM) / _CELL * 2**_SHIFT, -(2**20), 2**20).astype(np.int32)
        cv2.fillConvexPoly(drawn, cv2.convexHull(cells), 1, cv2.LINE_8, _SHIFT)
    return drawn


def _from_above(
    picture: np.ndarray, camera: Camera, joints: np.ndarray, openness: float
) -> tuple[np.ndarray, np.ndarray]:
    """The table seen from above (ny, nx): how dark it is, and where it is seen at all, not hidden by the arm."""
    ny, nx = _grid()
    y, x = np.mgrid[:ny, :nx] * _CELL
    points = np.stack([x + _FROM[0], y + _FROM[1], np.zeros_like(x)], axis=-1)
    pixels = camera.project(points.reshape(-1, 3)).reshape(ny, nx, 2).astype(np.float32)
    inside = np.isfinite(pixels).all(axis=-1) & (pixels > 0).all(axis=-1)
    inside &= (pixels[..., 0] < camera.width - 1) & (pixels[..., 1] < camera.height - 1)
    arm = draw_arm(joints[None], np.array([openness]), [camera])[0, 0, ..., 0]
    hidden = cv2.dilate((arm > 0.1).astype(np.uint8), np.ones((3, 3), np.uint8))
    light = np.log(picture.astype(np.float32).mean(axis=2) + 8.0)
    at = np.nan_to_num(pixels)
    there = inside & (cv2.remap(hidden, at[..., 0], at[..., 1], cv2.INTER_NEAREST) == 0)
    seen = cv2.remap(light, at[..., 0], at[..., 1], cv2.INTER_LINEAR)
    usual = np.median(seen[there]) if there.any() else 0.0
    return np.clip(usual - seen, -_DARK / 2, _DARK), there


def _likeness(shadow: np.ndarray, views: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """How well the shadow and what is dark go together, from -1 to 1, mean over the views."""
    values = []
    for dark, there in views:
        mask, value = shadow[there].astype(np.float32), dark[there]
        spread = mask.std() * value.std()
        values.append(float(((mask - mask.mean()) * (value - value.mean())).mean() / spread) if spread > 1e-6 else 0.0)
    return float(np.mean(values))
