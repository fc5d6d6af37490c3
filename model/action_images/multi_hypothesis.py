"""Multi-hypothesis disambiguation of ghosts: an uncertain model draws two actions into one image, each fainter.

Often one view or a neighbouring frame is unambiguous. So every combination of peaks in a frame becomes a pose
hypothesis, and the most likely sequence of poses is found by Viterbi: strong blobs, consistent views, small steps.
"""

from itertools import pairwise, product

import numpy as np

from model.action_images.blobs import Blobs
from model.action_images.observations import sightings_of
from model.action_images.rigid_fit import refine, reprojection, solvable, start_poses
from model.action_images.robust_pose_init import AGREES, LEAST_SIGHTINGS, STEPS

# Hypotheses kept per view (the most compact ones) and per frame (the most likely ones).
PER_VIEW, PER_FRAME = 4, 4
TOGETHER = 64  # maximum number of combined hypotheses over all views of a frame: with many views fewer each
# Motion model between frames: standard deviation of the tool's step in m, and an upper bound of a jump's cost.
STEP, JUMP = 0.1, 3.0


def resolve_hypotheses(
    first: Blobs, second: Blobs, matrices: np.ndarray, side: int, axis_length: float, tolerance: float
) -> Blobs:
    """Select between each channel's highest peak and its rival; NaN where undecided.

    `first` and `second` are the results of `blobs.find_blobs`; the other arguments are those of `sightings_of`.
    """
    if np.isnan(second.pixels).all():
        return first.where(first.alone)
    frame, pick = _readings(first, second)
    tried = _picked(first, second, frame, pick)
    poses, cost = _posed(tried, matrices[:, frame], side, axis_length, tolerance)
    cost = cost + _faintness(tried, np.maximum(first.strength, second.strength)[:, frame])
    taken = _likeliest(frame, poses, cost, first.pixels.shape[1])
    told = taken >= 0
    chosen = _picked(first, second, np.arange(len(taken)), np.where(told[:, None, None], pick[taken], 0))
    return chosen.where(told[None, :, None] | first.alone)


def _readings(first: Blobs, second: Blobs) -> tuple[np.ndarray, np.ndarray]:
    """Enumerate the hypotheses: frames (B,), ascending, and the peak (B, V, 3) chosen per channel, 0 or 1."""
    V, T, _, _ = first.pixels.shape
    most = min(PER_VIEW, int(TOGETHER ** (1 / V) + 1e-9))
    frames, picks = [], []
    for t in range(T):
        of_views = [_of_view(first.pixels[v, t], second.pixels[v, t])[:most] for v in range(V)]
        for together in product(*of_views):
            frames.append(t)
            picks.append(together)
    return np.array(frames), np.array(picks, int).reshape(len(frames), V, 3)


def _of_view(first: np.ndarray, second: np.ndarray) -> list[tuple[int, ...]]:
    """Return the most compact choices among peaks (3, 2) px and their rivals: an action's blobs are close together."""
    choices = [(0,) if np.isnan(rival[0]) else (0, 1) for rival in second]
    ways = list(product(*choices))

    def extent(way: tuple[int, ...]) -> float:
        points = np.where(np.array(way, bool)[:, None], second, first)
        return float(np.nansum((points[:, None] - points) ** 2))

    return sorted(ways, key=extent)[:PER_VIEW]


def _picked(first: Blobs, second: Blobs, frame: np.ndarray, pick: np.ndarray) -> Blobs:
    """Return the blobs (V, B, ...) of the `frame` (B,) with the peaks `pick` (B, V, 3)."""
    rival = pick.swapaxes(0, 1).astype(bool)
    return Blobs(
        np.where(rival[..., None], second.pixels[:, frame], first.pixels[:, frame]),
        np.where(rival[..., None, None], second.covariance[:, frame], first.covariance[:, frame]),
        np.where(rival, second.strength[:, frame], first.strength[:, frame]),
        first.background[:, frame],
        first.alone[:, frame],
    )


def _posed(
    blobs: Blobs, matrices: np.ndarray, side: int, axis_length: float, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Fit each hypothesis' pose (B, 4, 4) and its reprojection cost (B,); infinite without a pose."""
    sightings, found = sightings_of(blobs, matrices, side, axis_length, tolerance)
    B = len(found)
    poses, cost = np.full((B, 4, 4), np.nan), np.full(B, np.inf)
    fixed = np.flatnonzero((found.sum(axis=(1, 2)) >= LEAST_SIGHTINGS) & solvable(found))
    if len(fixed):
        part, use = sightings.of(fixed), found[fixed]
        poses[fixed], _ = refine(part, use, start_poses(part, use), robust=False, iterations=STEPS)
        ratio = np.sum(reprojection(part, poses[fixed]) ** 2, axis=-1) / part.kernel**2
        # A missing point costs as much as one that does not agree.
        cost[fixed] = np.where(use, np.log1p(ratio), np.log1p(AGREES**2)).sum(axis=(1, 2))
    return poses, cost


def _faintness(blobs: Blobs, strongest: np.ndarray) -> np.ndarray:
    """Return (B,): the negative log-likelihood of the peaks relative to the strongest of their channels."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(strongest > 0, blobs.strength / strongest, 1.0)
    return -np.log(np.clip(share, 1e-3, 1.0)).sum(axis=(0, 2))


def _likeliest(frame: np.ndarray, poses: np.ndarray, cost: np.ndarray, T: int) -> np.ndarray:
    """Return each frame's hypothesis (T,) on the cheapest path over all frames with a pose (Viterbi); else -1."""
    layers = []
    for t in range(T):
        readings = np.flatnonzero((frame == t) & np.isfinite(cost))
        if len(readings):
            layers.append(readings[np.argsort(cost[readings])[:PER_FRAME]])
    taken = np.full(T, -1)
    if not layers:
        return taken
    total, back = cost[layers[0]], []
    for before, now in pairwise(layers):
        frames = frame[now[0]] - frame[before[0]]
        metres = np.linalg.norm(poses[before, None, :3, 3] - poses[now, :3, 3], axis=-1)
        way = total[:, None] + np.minimum(0.5 * (metres / (STEP * frames)) ** 2, JUMP)
        back.append(way.argmin(axis=0))
        total = way.min(axis=0) + cost[now]
    best = int(total.argmin())
    for layer, came_from in zip(reversed(layers), [*reversed(back), None], strict=True):
        taken[frame[layer[best]]] = layer[best]
        if came_from is not None:
            best = int(came_from[best])
    return taken
