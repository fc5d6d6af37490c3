"""Rigid transforms as (..., 4, 4) arrays that chain by name: `base_from_camera @ camera_from_tag`.

Lengths are metres, angles radians. Rotations given as roll, pitch, yaw are about the FIXED axes x, y, z in this
order, R = Rz(yaw) Ry(pitch) Rx(roll), the xArm controller's convention (xArm developer manual, "RPY").
"""

import numpy as np
from scipy.spatial.transform import Rotation, Slerp


def pose(rotation: np.ndarray | None = None, position: np.ndarray | None = None) -> np.ndarray:
    """Return (..., 4, 4) from a rotation (..., 3, 3) and a position (..., 3); an omitted part is the identity."""
    rotation = np.eye(3) if rotation is None else np.asarray(rotation, float)
    position = np.zeros(3) if position is None else np.asarray(position, float)
    shape = np.broadcast_shapes(rotation.shape[:-2], position.shape[:-1])
    result = np.zeros((*shape, 4, 4))
    result[..., :3, :3] = rotation
    result[..., :3, 3] = position
    result[..., 3, 3] = 1.0
    return result


def invert(a_from_b: np.ndarray) -> np.ndarray:
    """Return b_from_a (..., 4, 4), using that the rotation part is orthonormal."""
    rotation = np.swapaxes(a_from_b[..., :3, :3], -1, -2)
    return pose(rotation, -np.einsum("...ij,...j->...i", rotation, a_from_b[..., :3, 3]))


def transform(a_from_b: np.ndarray, points_in_b: np.ndarray) -> np.ndarray:
    """Transform points (..., 3) from b to a; the leading shapes of both arguments broadcast."""
    return np.einsum("...ij,...j->...i", a_from_b[..., :3, :3], points_in_b) + a_from_b[..., :3, 3]


def from_rpy(position: np.ndarray, rpy: np.ndarray) -> np.ndarray:
    """Return (..., 4, 4) from a position (..., 3) in m and roll, pitch, yaw (..., 3) in rad."""
    rpy = np.asarray(rpy, float)
    rotation = Rotation.from_euler("xyz", rpy.reshape(-1, 3)).as_matrix()
    return pose(rotation.reshape(*rpy.shape[:-1], 3, 3), position)


def to_rpy(a_from_b: np.ndarray) -> np.ndarray:
    """Return roll, pitch, yaw (..., 3) in rad, pitch in [-pi/2, pi/2]; at pitch = +-pi/2 yaw is set to 0."""
    rotation = a_from_b[..., :3, :3]
    roll_pitch_yaw = np.empty(rotation.shape[:-1])
    flat = 1.0 - np.abs(rotation[..., 2, 0]) < 1e-12
    roll_pitch_yaw[..., 1] = np.arcsin(np.clip(-rotation[..., 2, 0], -1.0, 1.0))
    roll_pitch_yaw[..., 0] = np.where(
        flat,
        np.arctan2(-rotation[..., 1, 2], rotation[..., 1, 1]),
        np.arctan2(rotation[..., 2, 1], rotation[..., 2, 2]),
    )
    roll_pitch_yaw[..., 2] = np.where(flat, 0.0, np.arctan2(rotation[..., 1, 0], rotation[..., 0, 0]))
    return roll_pitch_yaw


def rotation_vector(rotation: np.ndarray) -> np.ndarray:
    """Return the axis-angle vectors (..., 3) in rad of rotations (..., 3, 3)."""
    shape = rotation.shape[:-2]
    return Rotation.from_matrix(rotation.reshape(-1, 3, 3)).as_rotvec().reshape(*shape, 3)


def from_rotation_vector(vector: np.ndarray) -> np.ndarray:
    """Return rotations (..., 3, 3) from axis-angle vectors (..., 3) in rad."""
    vector = np.asarray(vector, float)
    return Rotation.from_rotvec(vector.reshape(-1, 3)).as_matrix().reshape(*vector.shape[:-1], 3, 3)


def distance(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return metres (...) between the origins and radians (...) between the orientations of poses (..., 4, 4)."""
    metres = np.linalg.norm(a[..., :3, 3] - b[..., :3, 3], axis=-1)
    relative = np.swapaxes(a[..., :3, :3], -1, -2) @ b[..., :3, :3]
    return metres, np.linalg.norm(rotation_vector(relative), axis=-1)


def interpolate(times: np.ndarray, base_from_tool: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Interpolate poses (n, 4, 4) at times `at` (n,): linear in position, slerp in rotation, clamped at the ends.

    `times` (T,) s strictly increasing, `base_from_tool` (T, 4, 4).
    """
    at = np.clip(np.asarray(at, float), times[0], times[-1])
    if len(times) == 1:
        return np.repeat(base_from_tool, len(at), axis=0)
    position = np.stack([np.interp(at, times, base_from_tool[:, i, 3]) for i in range(3)], axis=-1)
    rotation = Slerp(times, Rotation.from_matrix(base_from_tool[:, :3, :3]))(at).as_matrix()
    return pose(rotation, position)


def is_pose(matrix: np.ndarray, tolerance: float = 1e-6) -> bool:
    """Return True when (..., 4, 4) is finite, rigid and right-handed throughout."""
    if matrix.shape[-2:] != (4, 4) or not np.isfinite(matrix).all():
        return False
    rotation = matrix[..., :3, :3]
    orthonormal = np.abs(rotation @ np.swapaxes(rotation, -1, -2) - np.eye(3)).max(initial=0.0) < tolerance
    last_row = np.abs(matrix[..., 3, :] - np.array([0.0, 0.0, 0.0, 1.0])).max(initial=0.0) < tolerance
    return bool(orthonormal and last_row and (np.linalg.det(rotation) > 0).all())


def look_at(position: np.ndarray, target: np.ndarray, up: np.ndarray = (0.0, 0.0, 1.0)) -> np.ndarray:  # type: ignore[assignment]
    """Return base_from_camera (4, 4) of a camera (x right, y down, z forward) at `position` looking at `target`."""
    forward = np.asarray(target, float) - np.asarray(position, float)
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, up)
    if np.linalg.norm(right) < 1e-9:
        raise ValueError("a camera cannot look straight along its own up direction: choose another `up`")
    right = right / np.linalg.norm(right)
    return pose(np.stack([right, np.cross(forward, right), forward], axis=-1), position)
