"""Estimation of the light direction from the arm's shadow in the first frames, and of the arm's colours.

The arm's shapes and joints are known, so each light direction predicts the shadow on the table. Every camera's
image of the table, rectified to a top view, is correlated with that prediction over a grid of directions; the
one whose shadow best explains the dark pixels is taken.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from scipy.optimize import minimize

from foundation.camera import Camera
from model.arm_rendering.drawing import draw_arm, find_colours, shadow_on_table
from model.arm_rendering.shapes import arm_shapes

_CELL = 0.012  # m
_FROM, _TO = np.array([-0.2, -0.6]), np.array([0.85, 0.6])  # m, extent of the table region
_SHIFT = 4
_STEEPEST, _STEPS = 1.2, 17  # grid of initial directions: largest shadow displacement per height, and steps
_DARK = 0.6  # upper bound of a cell's darkness relative to the table's median, in log units
_STARTS = 4  # grid directions from which the local search starts
_SEEN = 200  # table cells that a view must show to be used
_LEAST = 0.2  # correlation of shadow and darkness below which the direction is undetermined


def estimate_appearance(
    pictures: np.ndarray, cameras: Sequence[Camera], joints: np.ndarray, openness: float
) -> tuple[np.ndarray | None, np.ndarray]:
    """Estimate the `light` and the `colours` with which `draw_arm` matches the arm in the first frames."""
    light = estimate_light(pictures, cameras, joints, openness)
    return light, find_colours(pictures, cameras, joints, openness, light)


def estimate_light(
    pictures: np.ndarray, cameras: Sequence[Camera], joints: np.ndarray, openness: float
) -> np.ndarray | None:
    """Estimate the shadow's displacement along x and y (2,) per metre of height in `pictures` (V, H, W, 3) uint8.

    The arm has `joints` (7,) and gripper `openness`. None where no dark region matches a shadow.
    """
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
    """Return the number of cells along y and along x."""
    cells = np.round((_TO - _FROM) / _CELL).astype(int)
    return int(cells[1]), int(cells[0])


def _shadow(corners: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Render the shadow mask (ny, nx) uint8, 1 where the table is in shadow."""
    drawn = np.zeros(_grid(), np.uint8)
    for places in shadow_on_table(corners, light):
        cells = np.clip((places - _FROM) / _CELL * 2**_SHIFT, -(2**20), 2**20).astype(np.int32)
        cv2.fillConvexPoly(drawn, cv2.convexHull(cells), 1, cv2.LINE_8, _SHIFT)
    return drawn


def _from_above(
    picture: np.ndarray, camera: Camera, joints: np.ndarray, openness: float
) -> tuple[np.ndarray, np.ndarray]:
    """Rectify the table to a top view (ny, nx): darkness, and visibility (in the image and not occluded by the arm)."""
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
    """Return the correlation of shadow and darkness, from -1 to 1, averaged over the views."""
    values = []
    for dark, there in views:
        mask, value = shadow[there].astype(np.float32), dark[there]
        spread = mask.std() * value.std()
        values.append(float(((mask - mask.mean()) * (value - value.mean())).mean() / spread) if spread > 1e-6 else 0.0)
    return float(np.mean(values))
