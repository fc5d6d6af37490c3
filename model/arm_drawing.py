"""The arm in each view, from the tool's poses: what a frame decoder may be told besides the action images.

A network of a few convolutions sees the action's blobs, but not where elbow and shoulder are then. The program knows:
the arm's kinematics decide it, up to the redundancy, which is spent as in planning, on moving the joints little; and
the arm's shapes are those of foundation/xarm7.xml.
"""
# pyright: reportAttributeAccessIssue=false
# (MuJoCo's names come from compiled modules without type stubs.)

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np

from foundation import mjcf, xarm7
from foundation.camera import Camera
from foundation.poses import invert, transform

_FINER = 3  # shapes are drawn on a canvas this much finer
_AROUND = 10  # corners of a circle
_NEAREST = 0.05  # m; what is nearer to the camera, or behind it, is left out
_SHIFT = 4  # bits behind the point of OpenCV's coordinates


def arm_joints(base_from_tool: np.ndarray) -> np.ndarray:
    """Joints (T, 7) rad that hold the tool at `base_from_tool` (T, 4, 4), the first reached from the home posture, each
    other from the one before; NaN where the arm does not reach."""
    near, found = xarm7.HOME, []
    for pose in base_from_tool:
        joints = xarm7.inverse(pose, near) if np.isfinite(pose).all() else None
        found.append(np.full(xarm7.JOINTS, np.nan) if joints is None else joints)
        near = near if joints is None else joints
    return np.array(found)


def draw_arm(joints: np.ndarray, openness: np.ndarray, cameras: Sequence[Camera]) -> np.ndarray:
    """Pictures (V, T, H, W, 3) in [0, 1] of the arm with `joints` (T, 7) and a gripper open by `openness` (T,): red
    where it is, green how light that part is, blue which part, from the base's 0 to the fingers' 1. Frames that are not
    known stay black."""
    shapes = _shapes()
    placed = [shapes.placed(q, width) for q, width in zip(joints, openness, strict=True)]
    return np.stack([np.stack([_drawn(shapes, each, camera) for each in placed]) for camera in cameras])


@dataclass(frozen=True, eq=False)
class _Shapes:
    """The arm's convex parts: MuJoCo's `model` and `data`, `geoms` (n,) that are seen, the `corners` (n, c, 3) m of
    each in its own frame, and its lightness and order (n, 2), from 0 to 1."""

    model: Any
    data: Any
    geoms: np.ndarray
    corners: np.ndarray
    looks: np.ndarray

    def placed(self, q: np.ndarray, openness: float) -> np.ndarray | None:
        """The corners (n, c, 3) in base."""
        import mujoco

        if not (np.isfinite(q).all() and np.isfinite(openness)):
            return None
        self.data.qpos[:] = mjcf.arm_qpos(q, float(openness))
        mujoco.mj_kinematics(self.model, self.data)
        turns = self.data.geom_xmat[self.geoms].reshape(-1, 3, 3)
        return np.einsum("nij,ncj->nci", turns, self.corners) + self.data.geom_xpos[self.geoms][:, None]


@cache
def _shapes() -> _Shapes:
    import mujoco

    model = mjcf.arm_spec().compile()
    geoms = np.flatnonzero(model.geom_group == mjcf.LOOK_GROUP)
    corners = [_corners(mujoco.mjtGeom(model.geom_type[g]).name, model.geom_size[g]) for g in geoms]
    most = max(len(one) for one in corners)
    padded = [np.concatenate([one, np.repeat(one[:1], most - len(one), axis=0)]) for one in corners]
    lightness = model.mat_rgba[model.geom_matid[geoms], :3].mean(axis=1)
    order = model.geom_bodyid[geoms] / (model.nbody - 1)
    return _Shapes(model, mujoco.MjData(model), geoms, np.stack(padded), np.stack([lightness, order], axis=1))


def _corners(kind: str, size: np.ndarray) -> np.ndarray:
    """Points (c, 3) whose convex hull is about the shape of a MuJoCo geom of this kind and size."""
    if kind == "mjGEOM_BOX":
        signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
        return signs * size
    angles = 2 * np.pi * np.arange(_AROUND) / _AROUND
    ring = np.stack([np.cos(angles), np.sin(angles), np.zeros(_AROUND)], axis=1) * size[0]
    half = np.array([0.0, 0.0, 0.0 if kind == "mjGEOM_SPHERE" else size[1]])
    if kind == "mjGEOM_CYLINDER":
        return np.concatenate([ring + half, ring - half])
    slope, top = np.sqrt(0.5), np.array([0.0, 0.0, size[0]])
    upper = np.concatenate([ring, ring * slope + top * slope, top[None]])
    return np.concatenate([upper + half, upper * [1, 1, -1] - half])


def _drawn(shapes: _Shapes, corners: np.ndarray | None, camera: Camera) -> np.ndarray:
    """(H, W, 3) float32; the parts far away first."""
    fine = np.zeros((camera.height * _FINER, camera.width * _FINER, 3), np.uint8)
    if corners is not None:
        seen = transform(invert(camera.base_from_camera), corners.reshape(-1, 3)).reshape(corners.shape)
        depth = seen[..., 2]
        pixels = (seen @ camera.K.T)[..., :2] / np.maximum(depth, _NEAREST)[..., None]
        at = np.clip(np.round((pixels + 0.5) * _FINER * 2**_SHIFT), -(2**24), 2**24).astype(np.int32)
        for part in np.argsort(-depth.mean(axis=1)):
            if depth[part].min() > _NEAREST:
                lightness, order = (round(255 * float(v)) for v in shapes.looks[part])
                outline = cv2.convexHull(at[part])
                cv2.fillConvexPoly(fine, outline, (255, lightness, order), cv2.LINE_8, _SHIFT)
    small = cv2.resize(fine, (camera.width, camera.height), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / 255.0
