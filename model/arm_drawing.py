"""The arm as sticks in each view, from the tool's poses: what a frame decoder may be told besides the action images.

A network of a few convolutions sees the action's blobs, but not where elbow and shoulder are then. The program knows:
the arm's kinematics decide it, up to the redundancy, which is spent as in planning, on moving the joints little.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from foundation import xarm7
from foundation.camera import Camera
from foundation.poses import invert, transform

_RADIUS, _FINGER_RADIUS = 0.045, 0.010  # m, of links and fingers
_FINGER = 0.06  # m from the knuckles to the tips
_FINER = 3  # lines are drawn on a canvas this much finer
# Points along the arm, as numbers of link frames; the base stands before them.
_UPPER, _LOWER, _HAND = (0, 2, 3), (3, 4, 5), (5, 6)
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
    """Pictures (V, T, H, W, 3) in [0, 1] of the arm with `joints` (T, 7) and a gripper open by `openness` (T,): red to
    the elbow, green to the wrist, blue the hand and its fingers. Frames that are not known stay black."""
    sticks = [_sticks(q, width) for q, width in zip(joints, openness, strict=True)]
    return np.stack([np.stack([_drawn(each, camera) for each in sticks]) for camera in cameras])


def _sticks(q: np.ndarray, openness: float) -> list[tuple[int, float, np.ndarray]]:
    """Channel, radius in m and points (n, 3) in base of each chain of sticks."""
    if not (np.isfinite(q).all() and np.isfinite(openness)):
        return []
    frames = xarm7.link_frames(q)
    flange = frames[-1]
    tool = flange @ xarm7.FLANGE_FROM_TOOL
    half = 0.5 * xarm7.GRIPPER_STROKE * float(openness)
    chains = [np.vstack([np.zeros((1, 3)), frames[list(_UPPER), :3, 3]])]
    chains += [frames[list(part), :3, 3] for part in (_LOWER, _HAND)]
    palm = transform(tool, np.array([[0.0, 0.0, -_FINGER]]))
    hand = np.vstack([chains[2], palm])
    fingers = [transform(tool, np.array([[0, side * half, -_FINGER], [0, side * half, 0.0]])) for side in (-1, 1)]
    return [
        (0, _RADIUS, chains[0]),
        (1, _RADIUS, chains[1]),
        (2, _RADIUS, hand),
        *((2, _FINGER_RADIUS, finger) for finger in fingers),
    ]


def _drawn(sticks: list[tuple[int, float, np.ndarray]], camera: Camera) -> np.ndarray:
    """(H, W, 3) float32."""
    channels = [np.zeros((camera.height * _FINER, camera.width * _FINER), np.uint8) for _ in range(3)]
    for channel, radius, points in sticks:
        seen = transform(invert(camera.base_from_camera), points)
        if (seen[:, 2] < 0.05).any():
            continue  # behind the camera, or touching it
        pixels = (seen @ camera.K.T)[:, :2] / seen[:, 2:]
        at = np.round((pixels + 0.5) * _FINER * 2**_SHIFT).astype(np.int64)
        at = np.clip(at, -(2**24), 2**24)
        for i in range(len(at) - 1):
            depth = 0.5 * (seen[i, 2] + seen[i + 1, 2])
            thickness = max(1, round(2 * radius * camera.K[0, 0] / depth * _FINER))
            begin, end = ((int(x), int(y)) for x, y in at[i : i + 2])
            cv2.line(channels[channel], begin, end, (255,), min(thickness, 255), cv2.LINE_AA, _SHIFT)
    fine = np.stack(channels, axis=-1)
    small = cv2.resize(fine, (camera.width, camera.height), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / 255.0
