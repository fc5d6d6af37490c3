"""Decoding of action images to a trajectory: the two-dimensional stage, then one rigid pose per frame.

Optional for jittery videos: temporal smoothing of the poses, weighted by each frame's confidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from foundation.camera import Camera
from foundation.poses import pose
from foundation.trajectory import Trajectory
from model.action_images.blobs import Blobs, find_blobs
from model.action_images.encoding import (
    AXIS_LENGTH,
    PEDESTAL,
    SIGMA,
    image_size,
    projection_matrices,
    require_two_places,
)
from model.action_images.multi_hypothesis import resolve_hypotheses
from model.action_images.observations import sightings_of
from model.action_images.rigid_fit import Sightings, belief, depths, refine, reprojection, solvable, start_poses
from model.action_images.robust_pose_init import AGREES, LEAST_SIGHTINGS, consensus


def smooth(trajectory: Trajectory, confidence: np.ndarray, seconds: float) -> Trajectory:
    """Smooth the known poses by confidence-weighted local linear regression over time.

    Neighbours are weighted by a Gaussian of standard deviation `seconds` and by `confidence` (T,). Unknown frames stay
    unknown, the gripper is unchanged. Positions and rotation matrices are regressed locally (which, unlike an average,
    preserves a uniform motion and the ends); the rotation is then projected to the nearest one.
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
    # The line's value at the frame itself; where neighbours have no weight it is the frame's own value.
    weight = weight * (s2[:, None] - s1[:, None] * ahead + 1e-12)
    weight /= weight.sum(axis=1, keepdims=True)
    mean = np.einsum("ts,sij->tij", weight, poses[:, :3])
    U, _, Vt = np.linalg.svd(mean[..., :3])
    U[..., -1] *= np.linalg.det(U @ Vt)[..., None]
    smoothed = np.array(trajectory.base_from_tool)
    smoothed[known] = pose(U @ Vt, mean[..., 3])
    return Trajectory(trajectory.times, smoothed, trajectory.openness)


# Robust kernel width as a fraction of the shorter image side (1 px in 256): observations beyond it are down-weighted.
KERNEL = 0.004
# For frames with less precise observations, the kernel is this multiple of their median residual, up to a limit, which
# for wider tolerances is this multiple of the tolerance.
KERNEL_RESIDUAL, WIDEST_KERNEL, WIDEST_TOLERANCES = 2.0, 0.0125, 2.0
# Poses with larger standard deviations than this are rejected.
VAGUEST_POSITION, VAGUEST_ROTATION = 0.05, 0.6  # m, rad
# Confidence halves at this standard deviation of the position, and at this residual as a fraction of the image side.
HALF_CONFIDENCE, HALF_CONFIDENCE_RESIDUAL = 0.01, 0.01  # m, 1

NOTHING = "no action is drawn in this frame"
TOO_FEW = "fewer than two views show the three points"
DISAGREE = "the views disagree"
BEHIND = "the views agree only on a place behind a camera"
VAGUE = "what the views show leaves the pose too uncertain"


@dataclass(frozen=True, eq=False)
class Decoded:
    """Trajectory decoded from action images, with its confidence.

    `trajectory` has NaN in frames that are not `valid` (T,); `trajectory.at(times)` fills them. `confidence` (T,) is in
    [0, 1]; `residual_px` (T, V) the RMS reprojection error per view, NaN where the view shows nothing; `reasons` (T,)
    state why a frame is not valid, else "".
    """

    trajectory: Trajectory
    valid: np.ndarray
    confidence: np.ndarray
    residual_px: np.ndarray
    reasons: np.ndarray


def decode(
    images: np.ndarray,
    cameras: Sequence[Camera],
    *,
    times: np.ndarray | None = None,
    sigma: float = SIGMA,
    axis_length: float = AXIS_LENGTH,
    smoothing: float = 0.0,
    tolerance: float = KERNEL,
) -> Decoded:
    """Decode the trajectory that action images (V, T, H, W, 3), uint8 or float in [0, 1], show to at least two cameras.

    Per frame, one rigid pose is fitted to the three points in all views by robust weighted least squares.

    Args:
        times: (T,) s, by default the frame numbers.
        sigma, axis_length: The values that the images were rendered with.
        smoothing: Standard deviation in s of a Gaussian over time, 0 for none.
        tolerance: Inlier distance of an observation from the pose, as a fraction of the shorter image side: larger for
            the coarse images of small models.

    Raises:
        ActionImageError: For one view, or cameras in one place.
        ValueError: For arrays of other shapes.
    """
    images = np.asarray(images)
    height, width = image_size(cameras)
    if images.ndim != 5 or images.shape[0] != len(cameras) or images.shape[2:] != (height, width, 3):
        raise ValueError(f"images must be ({len(cameras)}, T, {height}, {width}, 3), not {images.shape}")
    T = images.shape[1]
    matrices = projection_matrices(cameras, T)
    require_two_places(cameras)
    times = np.arange(T, dtype=float) if times is None else np.asarray(times, float)
    if times.shape != (T,):
        raise ValueError(f"times must be ({T},), one for each frame, not {times.shape}")
    side = min(height, width)
    blobs = resolve_hypotheses(*find_blobs(images, sigma), matrices, side, axis_length, tolerance)
    sightings, found = sightings_of(blobs, matrices, side, axis_length, tolerance)
    widest = max(WIDEST_KERNEL, WIDEST_TOLERANCES * tolerance)
    decoded = _decode(blobs, sightings, found, side, times, widest)
    if smoothing == 0:
        return decoded
    return replace(decoded, trajectory=smooth(decoded.trajectory, decoded.confidence, smoothing))


def _decode(
    blobs: Blobs, sightings: Sightings, found: np.ndarray, side: int, times: np.ndarray, widest: float
) -> Decoded:
    poses = consensus(sightings, found)
    posed = ~np.isnan(poses[:, 0, 0])
    poses[~posed] = np.eye(4)
    use = found & posed[:, None, None]
    sightings = _as_wide_as_the_residuals(sightings, use, poses, widest * side)
    poses, information = refine(sightings, use, poses, robust=True)
    error = reprojection(sightings, poses)
    trust = belief(sightings, error, use)
    spread = _spread(sightings, information, error, trust)
    distance = np.where(use, np.linalg.norm(error, axis=-1), np.nan)
    agrees = distance < AGREES * sightings.kernel
    enough = (agrees.sum(axis=(1, 2)) >= LEAST_SIGHTINGS) & solvable(agrees)
    vague = (spread > (VAGUEST_POSITION, VAGUEST_ROTATION)).any(axis=1)
    behind = ~enough & _meet_behind(sightings, found)
    reasons: np.ndarray = np.select(
        [~found.any(axis=(1, 2)), ~posed, behind, ~enough, vague], [NOTHING, TOO_FEW, BEHIND, DISAGREE, VAGUE], ""
    )
    valid = np.equal(reasons, "")
    poses[~valid] = np.nan
    openness = np.where(valid, _openness(blobs.background.T, trust.mean(axis=2)), np.nan)
    confidence = _confidence(trust, blobs.strength.swapaxes(0, 1), use, distance / side, spread[:, 0])
    seen = use.sum(axis=2)
    residual = np.where(seen > 0, np.sqrt(np.nansum(distance**2, axis=2) / np.maximum(seen, 1)), np.nan)
    return Decoded(Trajectory(times, poses, openness), valid, np.where(valid, confidence, 0.0), residual, reasons)


def _meet_behind(sightings: Sightings, found: np.ndarray) -> np.ndarray:
    """Return bool (T,): the rays intersect, if at all, behind a camera."""
    behind = depths(sightings, start_poses(sightings, found)) <= 0.0
    return np.asarray((found & behind).any(axis=(1, 2)))


def _confidence(
    trust: np.ndarray, strength: np.ndarray, use: np.ndarray, distance: np.ndarray, position_std: np.ndarray
) -> np.ndarray:
    """Return the confidence (T,) in [0, 1].

    Combines the blobs' strength and robust weights, the redundancy of the observations, their agreement (`distance` as
    a fraction of the image side), and the uncertainty of the position.
    """
    believed = (trust * strength).sum(axis=(1, 2)) / np.maximum(use.sum(axis=(1, 2)), 1)
    count = trust.sum(axis=(1, 2))
    # Two complete views leave six residual degrees of freedom beyond the six unknowns: that counts as full redundancy.
    checked = np.clip((2.0 * count - 6.0) / 6.0, 0.0, 1.0)
    square = np.nansum(trust * distance**2, axis=(1, 2)) / np.maximum(count, 1e-9)
    doubt = (position_std / HALF_CONFIDENCE) ** 2 + square / HALF_CONFIDENCE_RESIDUAL**2
    return believed * checked / (1.0 + doubt)


def _as_wide_as_the_residuals(sightings: Sightings, use: np.ndarray, poses: np.ndarray, widest: float) -> Sightings:
    """Widen each frame's kernels in proportion to its median residual, up to `widest` px, for generated images."""
    distance = np.where(use, np.linalg.norm(reprojection(sightings, poses), axis=-1), np.inf)
    T = len(use)
    middle = np.maximum(use.reshape(T, -1).sum(axis=1) - 1, 0) // 2
    median = np.sort(distance.reshape(T, -1), axis=1)[np.arange(T), middle]
    wide = np.minimum(KERNEL_RESIDUAL * median, widest)
    return replace(sightings, kernel=np.maximum(sightings.kernel, wide[:, None, None]))


def _spread(sightings: Sightings, information: np.ndarray, error: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """Return position (m) and rotation (rad) deviations (T, 2), from the covariances or, if larger, the residuals."""
    covariance = np.linalg.inv(information + 1e-6 * np.eye(6))
    spread = np.sqrt(np.einsum("bii->bi", covariance).reshape(-1, 2, 3).sum(axis=2))
    square = trust * np.sum((sightings.whitening @ error[..., None])[..., 0] ** 2, axis=-1)
    freedom = np.maximum(2.0 * trust.sum(axis=(1, 2)) - 6.0, 1.0)
    return spread * np.sqrt(np.maximum(square.sum(axis=(1, 2)) / freedom, 1.0))[:, None]


def _openness(background: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """Return 1 or 0 (T,) from the blue background (T, V), views weighted by their robust weights."""
    trust = trust + 1e-9
    return ((background * trust).sum(axis=1) / trust.sum(axis=1) > 0.5 * PEDESTAL).astype(float)
