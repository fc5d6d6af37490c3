"""The arm and its shadow in each view, from the tool's poses: what a frame decoder may be told besides action images.

A network of a few convolutions sees the action's blobs, but not where elbow and shoulder are then. The program knows:
the arm's kinematics decide it, up to the redundancy, which is spent as in planning, on moving the joints little; and
the arm's shapes are those of foundation/xarm7.xml. Where its shadow falls, the first pictures tell (model/light.py).
"""

from collections.abc import Sequence

import cv2
import numpy as np

from foundation import xarm7
from foundation.camera import Camera
from foundation.poses import invert, transform
from model.arm_shapes import ArmShapes, arm_shapes

CHANNELS = 4  # of draw_arm
_FINER = 3  # shapes are drawn on a canvas this much finer
_NEAREST = 0.05  # m; what is nearer to the camera, or behind it, is left out
_SHIFT = 4  # bits behind the point of OpenCV's coordinates
_AMBIENT, _HEAD, _LAMP = 0.45, 0.2, 0.45  # light from all around, from the camera and from the one lamp


def arm_joints(base_from_tool: np.ndarray) -> np.ndarray:
    """Joints (T, 7) rad that hold the tool at `base_from_tool` (T, 4, 4), the first reached from the home posture, each
    other from the one before; NaN where the arm does not reach."""
    near, found = xarm7.HOME, []
    for pose in base_from_tool:
        joints = xarm7.inverse(pose, near) if np.isfinite(pose).all() else None
        found.append(np.full(xarm7.JOINTS, np.nan) if joints is None else joints)
        near = near if joints is None else joints
    return np.array(found)


def draw_arm(
    joints: np.ndarray, openness: np.ndarray, cameras: Sequence[Camera], light: np.ndarray | None = None
) -> np.ndarray:
    """Pictures (V, T, H, W, 4) in [0, 1] of the arm with `joints` (T, 7) and a gripper open by `openness` (T,): where
    it is, how light it is there, which part, from the base's 0 to the fingers' 1, and where its shadow falls on the
    table, z = 0. `light` (2,): how far along x and y that is for each metre of height; None: no shadow. Frames that
    are not known stay black."""
    shapes = arm_shapes()
    placed = [shapes.placed(q, width) for q, width in zip(joints, openness, strict=True)]
    return np.stack([np.stack([_drawn(shapes, one, camera, light) for one in placed]) for camera in cameras])


def shadow_on_table(corners: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Where parts with `corners` (n, c, 3) m in base throw their shadow on the table: (n, c, 2) m. `light`: see
    `draw_arm`."""
    return corners[..., :2] + np.maximum(corners[..., 2:], 0.0) * light


def _drawn(shapes: ArmShapes, corners: np.ndarray | None, camera: Camera, light: np.ndarray | None) -> np.ndarray:
    """(H, W, 4) float32."""
    shape = camera.height * _FINER, camera.width * _FINER
    fine, shadow = np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.uint8)
    if corners is not None:
        _draw_facets(fine, shapes, corners, camera, light)
    if corners is not None and light is not None:
        for places in shadow_on_table(corners, light):
            pixels, depth = _seen(np.pad(places, ((0, 0), (0, 1))), camera)
            if depth.min() > _NEAREST:
                cv2.fillConvexPoly(shadow, cv2.convexHull(pixels), 255, cv2.LINE_8, _SHIFT)
    small = cv2.resize(np.dstack([fine, shadow]), (camera.width, camera.height), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / 255.0


def _draw_facets(
    fine: np.ndarray, shapes: ArmShapes, corners: np.ndarray, camera: Camera, light: np.ndarray | None
) -> None:
    """The facets that face the camera, those far away first, each as light as it is turned to camera and light."""
    pixels, depth = _seen(corners.reshape(-1, 3), camera)
    at = corners.reshape(-1, 3)[shapes.facets]  # (f, 4, 3)
    middles = at.mean(axis=1)
    normals = np.cross(at[:, 2] - at[:, 0], at[:, 3] - at[:, 1])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    inside = corners.mean(axis=1)[shapes.owners]
    normals *= np.where(((middles - inside) * normals).sum(axis=1, keepdims=True) < 0, -1.0, 1.0)
    facing = _cosine(normals, camera.base_from_camera[:3, 3] - middles)
    bright = _AMBIENT + _HEAD * facing
    if light is not None:
        bright += _LAMP * _cosine(normals, np.broadcast_to([*-light, 1.0], normals.shape))
    shade = np.clip(255 * shapes.looks[shapes.owners, 0] * bright, 0, 255).astype(int).tolist()
    order = np.round(255 * shapes.looks[shapes.owners, 1]).astype(int).tolist()
    depths = depth[shapes.facets]
    shown = np.flatnonzero((facing > 0) & (depths.min(axis=1) > _NEAREST))
    for facet in shown[np.argsort(-depths[shown].mean(axis=1))]:
        cv2.fillConvexPoly(fine, pixels[shapes.facets[facet]], (255, shade[facet], order[facet]), cv2.LINE_8, _SHIFT)


def _seen(points: np.ndarray, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Of points (n, 3) in base: OpenCV's whole-numbered places (n, 2) on the finer canvas, and depths (n,) m."""
    seen = transform(invert(camera.base_from_camera), points)
    depth = seen[:, 2]
    pixels = (seen @ camera.K.T)[:, :2] / np.maximum(depth, _NEAREST)[:, None]
    return np.clip(np.round((pixels + 0.5) * _FINER * 2**_SHIFT), -(2**24), 2**24).astype(np.int32), depth


def _cosine(normals: np.ndarray, towards: np.ndarray) -> np.ndarray:
    """How much (f, 3) unit vectors are turned to directions (f, 3); 0 where they are turned away."""
    return np.maximum((normals * towards).sum(axis=1) / np.maximum(np.linalg.norm(towards, axis=1), 1e-12), 0.0)
