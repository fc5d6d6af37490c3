"""Ghosts: a model that is not sure draws two actions into one picture, each fainter. Which of the two is meant?

Often one view is sure where another is not, or the neighbours in time are. So every way to read a frame becomes a pose,
and of all sequences of poses the likeliest one is taken: strong blobs, views that agree, and small steps in time.
"""

from itertools import pairwise, product

import numpy as np

from model.action_images.blobs import Blobs
from model.action_images.observations import sightings_of
from model.action_images.rigid_fit import refine, reprojection, solvable, start_poses
from model.action_images.robust_pose_init import AGREES, LEAST_SIGHTINGS, STEPS

# Readings of one view and of one frame that are looked at: the most compact and the likeliest ones.
PER_VIEW, PER_FRAME = 4, 4
TOGETHER = 64  # readings of all views of a frame together, at most: of many views fewer each
# From one frame to the next the tool moves about so far (standard deviation, m); any jump costs at most so much.
STEP, JUMP = 0.1, 3.0


def resolve_hypotheses(
    first: Blobs, second: Blobs, matrices: np.ndarray, side: int, axis_length: float, tolerance: float
) -> Blobs:
    """Of each channel's highest peak and its rival, the one that is meant; NaN where that cannot be told.

    `first` and `second` as `action_blobs.find_blobs` finds them; the other arguments as `sightings_of` takes them.
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
    """Frames (B,), ascending, and for each way to read one, which peak (B, V, 3) each channel means: 0 or 1."""
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
    """The most compact choices among peaks (3, 2) px and their rivals: an action's blobs stand together."""
    choices = [(0,) if np.isnan(rival[0]) else (0, 1) for rival in second]
    ways = list(product(*choices))

    def extent(way: tuple[int, ...]) -> float:
        points = np.where(np.array(way, bool)[:, None], second, first)
        return float(np.nansum((points[:, None] - points) ** 2))

    return sorted(ways, key=extent)[:PER_VIEW]


def _picked(first: Blobs, second: Blobs, frame: np.ndarray, pick: np.ndarray) -> Blobs:
    """Blobs (V, B, ...) of the `frame` (B,) with the peaks `pick` (B, V, 3)."""
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
    """The pose (B, 4, 4) of each reading, and how badly its views agree (B,); infinite without a pose."""
    sightings, found = sightings_of(blobs, matrices, side, axis_length, tolerance)
    B = len(found)
    poses, cost = np.full((B, 4, 4), np.nan), np.full(B, np.inf)
    fixed = np.flatnonzero((found.sum(axis=(1, 2)) >= LEAST_SIGHTINGS) & solvable(found))
    if len(fixed):
        part, use = sightings.of(fixed), found[fixed]
        poses[fixed], _ = refine(part, use, start_poses(part, use), robust=False, iterations=STEPS)
        ratio = np.sum(reprojection(part, poses[fixed]) ** 2, axis=-1) / part.kernel**2
        # A point that is missing is as bad as one that does not agree.
        cost[fixed] = np.where(use, np.log1p(ratio), np.log1p(AGREES**2)).sum(axis=(1, 2))
    return poses, cost


def _faintness(blobs: Blobs, strongest: np.ndarray) -> np.ndarray:
    """(B,): how much less likely the peaks are than the strongest of their channels."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(strongest > 0, blobs.strength / strongest, 1.0)
    return -np.log(np.clip(share, 1e-3, 1.0)).sum(axis=(0, 2))


def _likeliest(frame: np.ndarray, poses: np.ndarray, cost: np.ndarray, T: int) -> np.ndarray:
    """For each frame the reading (T,) on the cheapest way through all frames that have a pose (Viterbi); -1 without."""
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
