"""An option for shaky videos: poses averaged over time, each frame believed by its confidence."""

import numpy as np

from foundation.poses import pose
from foundation.trajectory import Trajectory


def smooth(trajectory: Trajectory, confidence: np.ndarray, seconds: float) -> Trajectory:
    """The trajectory with each known pose replaced by what a straight line through its neighbours in time says.

    Neighbours count by a Gaussian of standard deviation `seconds` and by `confidence` (T,). Unknown frames stay
    unknown, the gripper stays as it is. Positions and rotation matrices are fitted by weighted local linear regression
    (which, unlike an average, leaves a uniform motion and the ends where they are); the rotation is then the nearest.
    """
    if not (np.isfinite(seconds) and seconds > 0):
        raise ValueError(f"the smoothing must be a positive number of seconds, not {seconds}")
    known = trajectory.known
    if not known.any():
        return trajectory
    times = trajectory.times[known]
    poses = trajectory.base_from_tool[known]
    ahead = times - times[:, None]
    weight = np.exp(-0.5 * (ahead / seconds) ** 2) * np.maximum(confidence[known], 1e-6)
    s1, s2 = (weight * ahead).sum(axis=1), (weight * ahead**2).sum(axis=1)
    # The line's value at the frame itself; where neighbours weigh nothing it is the frame's own value.
    weight = weight * (s2[:, None] - s1[:, None] * ahead + 1e-12)
    weight /= weight.sum(axis=1, keepdims=True)
    mean = np.einsum("ts,sij->tij", weight, poses[:, :3])
    U, _, Vt = np.linalg.svd(mean[..., :3])
    U[..., -1] *= np.linalg.det(U @ Vt)[..., None]
    smoothed = np.array(trajectory.base_from_tool)
    smoothed[known] = pose(U @ Vt, mean[..., 3])
    return Trajectory(trajectory.times, smoothed, trajectory.openness)
