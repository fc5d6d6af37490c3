"""Rendering of the arm and its shadow in each view from tool poses: a further input of the frame decoder.

A network of a few convolutions sees the action images' blobs, but cannot infer elbow and shoulder from them. Kinematics
determine those up to the redundancy, which is resolved as in planning, towards the posture at the beginning; and the
arm's shapes are those of foundation/xarm7.xml. Their colours, and where their shadow falls, are estimated from the
first frames (`find_colours`, model/arm_rendering/light_estimation.py).
"""

from collections.abc import Sequence

import cv2
import numpy as np

from foundation import xarm7
from foundation.batch_ik import batch_inverse
from foundation.camera import Camera
from foundation.poses import invert, transform
from model.arm_rendering.shapes import ArmShapes, arm_shapes

CHANNELS = 6  # of draw_arm
_FINER = 3  # supersampling factor of the canvas on which shapes are drawn
_NEAREST = 0.05  # m, near plane: parts closer to the camera, or behind it, are omitted
_SHIFT = 4  # fractional bits of OpenCV's coordinates
_AMBIENT, _HEAD, _LAMP = 0.45, 0.2, 0.45  # weights of ambient light, headlight and the single lamp
_LEAST_SEEN = 40  # minimum number of pixels of the finer canvas to estimate a colour from


def arm_joints(base_from_tool: np.ndarray, posture: np.ndarray | None = None) -> np.ndarray:
    """Solve for joints (T, 7) rad that hold the tool at `base_from_tool` (T, 4, 4), as planning would choose them.

    `posture` (7,): joints at the start, to which the solution stays near; None: those in which the arm reaches the
    first pose from its home. NaN where a pose is not reached.
    """
    joints = np.full((len(base_from_tool), xarm7.JOINTS), np.nan)
    known = np.isfinite(base_from_tool).all(axis=(1, 2))
    if not known.any():
        return joints
    if posture is None:
        posture = xarm7.inverse(base_from_tool[known][0], xarm7.HOME)
    found = batch_inverse(base_from_tool[known], xarm7.HOME if posture is None else posture)
    joints[known] = np.where(found.reached[:, None], found.position, np.nan)
    return joints


def fingers_seen(openness: np.ndarray) -> np.ndarray:
    """Return the visible gripper openness (T,) for a motion's commanded `openness` (T,).

    A frame holds the command from then on, so the visible openness is that of the frame before.
    """
    return np.concatenate([openness[:1], openness[:-1]])


def draw_arm(
    joints: np.ndarray,
    openness: np.ndarray,
    cameras: Sequence[Camera],
    light: np.ndarray | None = None,
    colours: np.ndarray | None = None,
) -> np.ndarray:
    """Render images (V, T, H, W, 6) in [0, 1] of the arm with `joints` (T, 7) and gripper `openness` (T,).

    The channels are the coverage of a pixel; the part index, from the base's 0 to the fingers' 1; the shadow on the
    table, z = 0; and red, green and blue. Part and colour are weighted by coverage. Unknown frames stay black.

    Args:
        light: (2,) displacement of the shadow along x and y per metre of height; None: no shadow.
        colours: (m, 3), see `find_colours`; None: the default ones.
    """
    shapes = arm_shapes()
    placed = [shapes.placed(q, width) for q, width in zip(joints, openness, strict=True)]
    colours = shapes.colours if colours is None else colours
    return np.stack([np.stack([_drawn(shapes, one, camera, light, colours) for one in placed]) for camera in cameras])


def find_colours(
    pictures: np.ndarray, cameras: Sequence[Camera], joints: np.ndarray, openness: float, light: np.ndarray | None
) -> np.ndarray:
    """Estimate the colours (m, 3) of the arm's materials in `pictures` (V, H, W, 3) uint8.

    Linear least squares over the pixels that one material fills, of an arm with `joints` (7,) and gripper `openness`;
    in [0, 1], or above where the light is brighter than assumed here. An invisible material keeps its default.
    """
    shapes = arm_shapes()
    corners = shapes.placed(joints, openness)
    if corners is None:
        return shapes.colours
    squares, products = np.zeros(len(shapes.colours)), np.zeros((len(shapes.colours), 3))
    counts = np.zeros(len(shapes.colours), int)
    around = np.ones((2 * _FINER + 1, 2 * _FINER + 1), np.uint8)  # the neighbourhood must be of one material
    for picture, camera in zip(pictures, cameras, strict=True):
        bright, facing = _brightness(shapes, corners, camera, light)
        facets = _facet_image(shapes, corners, camera, facing)
        material = np.concatenate([[-1], shapes.materials[shapes.owners]])[facets]
        shown = cv2.resize(picture, facets.shape[::-1], interpolation=cv2.INTER_NEAREST) / 255.0
        lit = np.concatenate([[0.0], bright])[facets]
        for number in range(len(squares)):
            filled = cv2.erode((material == number).astype(np.uint8), around).astype(bool)
            counts[number] += filled.sum()
            squares[number] += (lit[filled] ** 2).sum()
            products[number] += (lit[filled, None] * shown[filled]).sum(axis=0)
    found = products / np.maximum(squares, 1e-9)[:, None]
    return np.where((counts >= _LEAST_SEEN)[:, None], np.clip(found, 0.0, 1.5), shapes.colours)


def shadow_on_table(corners: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Project the corners (n, c, 3) m in base to their shadow on the table, (n, c, 2) m; `light` as in `draw_arm`."""
    return corners[..., :2] + np.maximum(corners[..., 2:], 0.0) * light


def _drawn(
    shapes: ArmShapes, corners: np.ndarray | None, camera: Camera, light: np.ndarray | None, colours: np.ndarray
) -> np.ndarray:
    """Render one frame in one view, (H, W, 6) float32."""
    fine = camera.height * _FINER, camera.width * _FINER
    picture = np.zeros((*fine, CHANNELS), np.float32)
    if corners is not None:
        bright, facing = _brightness(shapes, corners, camera, light)
        values = np.zeros((1 + len(shapes.facets), CHANNELS), np.float32)
        values[1:, 0], values[1:, 1] = 1.0, shapes.order[shapes.owners]
        values[1:, 3:] = np.clip(colours[shapes.materials[shapes.owners]] * bright[:, None], 0.0, 1.0)
        picture = values[_facet_image(shapes, corners, camera, facing)]
    if corners is not None and light is not None:
        shadow = np.zeros(fine, np.uint8)
        parts = len(corners)
        places = np.pad(shadow_on_table(corners, light).reshape(-1, 2), ((0, 0), (0, 1)))
        pixels, depth = _seen(places, camera)
        before = depth.reshape(parts, -1).min(axis=1) > _NEAREST
        for outline in pixels.reshape(parts, -1, 2)[before]:
            cv2.fillConvexPoly(shadow, cv2.convexHull(outline), 1, cv2.LINE_8, _SHIFT)
        picture[..., 2] = shadow
    return cv2.resize(picture, (camera.width, camera.height), interpolation=cv2.INTER_AREA)


def _brightness(
    shapes: ArmShapes, corners: np.ndarray, camera: Camera, light: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return each facet's brightness (f,), by its orientation to camera and lamp, and cosine to the camera (f,)."""
    at = corners.reshape(-1, 3)[shapes.facets]  # (f, 4, 3)
    middles = at.mean(axis=1)
    normals = np.cross(at[:, 2] - at[:, 0], at[:, 3] - at[:, 1])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    inside = corners.mean(axis=1)[shapes.owners]
    normals *= np.where(((middles - inside) * normals).sum(axis=1, keepdims=True) < 0, -1.0, 1.0)
    facing = _cosine(normals, camera.base_from_camera[:3, 3] - middles)
    bright = _AMBIENT + _HEAD * facing
    if light is not None:
        bright = bright + _LAMP * _cosine(normals, np.broadcast_to([*-light, 1.0], normals.shape))
    return bright, facing


def _facet_image(shapes: ArmShapes, corners: np.ndarray, camera: Camera, facing: np.ndarray) -> np.ndarray:
    """Return the index of the visible facet plus one, (finer H, finer W) int32, 0 for none (painter's algorithm)."""
    numbers = np.zeros((camera.height * _FINER, camera.width * _FINER), np.int32)
    pixels, depth = _seen(corners.reshape(-1, 3), camera)
    depths = depth[shapes.facets]
    shown = np.flatnonzero((facing > 0) & (depths.min(axis=1) > _NEAREST))
    for facet in shown[np.argsort(-depths[shown].mean(axis=1))]:
        cv2.fillConvexPoly(numbers, pixels[shapes.facets[facet]], int(facet) + 1, cv2.LINE_8, _SHIFT)
    return numbers


def _seen(points: np.ndarray, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Project points (n, 3) in base to OpenCV's fixed-point pixels (n, 2) on the finer canvas, and depths (n,) m."""
    seen = transform(invert(camera.base_from_camera), points)
    depth = seen[:, 2]
    pixels = (seen @ camera.K.T)[:, :2] / np.maximum(depth, _NEAREST)[:, None]
    return np.clip(np.round((pixels + 0.5) * _FINER * 2**_SHIFT), -(2**24), 2**24).astype(np.int32), depth


def _cosine(normals: np.ndarray, towards: np.ndarray) -> np.ndarray:
    """Return the cosines (f,) between unit vectors (f, 3) and directions (f, 3); 0 where facing away."""
    return np.maximum((normals * towards).sum(axis=1) / np.maximum(np.linalg.norm(towards, axis=1), 1e-12), 0.0)
