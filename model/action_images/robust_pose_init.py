"""Robust initial poses by consensus over subsets of views, without knowing which views or channels are outliers."""

from itertools import combinations

import numpy as np

from model.action_images.rigid_fit import Sightings, refine, reprojection, solvable, start_poses

# Inlier threshold in kernel widths.
AGREES = 3.0
# Six unknowns need six equations; five observations give ten, so that a wrong solution is detectable.
LEAST_SIGHTINGS = 5
# Optimisation steps from triangulation to a hypothesis good enough to be compared.
STEPS = 6


def consensus(sightings: Sightings, found: np.ndarray) -> np.ndarray:
    """Return per frame the pose (T, 4, 4) with the best consensus among `found` (T, V, 3); NaN where undetermined.

    With two views the hypothesis uses both. With more, every pair and the full set give one each: an outlier view
    cannot corrupt the pairs without it. Where even the best pose contradicts one of the observations that determined
    it, leave-one-out hypotheses of each pair are added.
    """
    V = found.shape[1]
    pairs = [_only(V, pair) for pair in combinations(range(V), 2)]
    everything = np.ones((V, 3), bool)
    poses, cost, agreeing = _best(sightings, found, [everything, *pairs] if V > 2 else pairs)
    doubtful = np.flatnonzero(agreeing < np.minimum(found.sum(axis=(1, 2)), 6))
    if len(doubtful):
        without = [
            pair & ~_single(V, view, k) for pair in pairs for view in range(V) for k in range(3) if pair[view, k]
        ]
        other, other_cost, _ = _best(sightings.of(doubtful), found[doubtful], without)
        better = other_cost < cost[doubtful]
        poses[doubtful[better]] = other[better]
    return poses


def _only(V: int, views: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros((V, 3), bool)
    mask[list(views)] = True
    return mask


def _single(V: int, view: int, point: int) -> np.ndarray:
    mask = np.zeros((V, 3), bool)
    mask[view, point] = True
    return mask


def _best(
    sightings: Sightings, found: np.ndarray, masks: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return per frame the best pose over the hypotheses `masks`, its cost, and its number of inliers."""
    T = len(found)
    poses = np.full((T, 4, 4), np.nan)
    cost = np.full(T, np.inf)
    agreeing = np.zeros(T, int)
    use = found[:, None] & np.stack(masks)
    frames, hypotheses = np.nonzero(
        (use.sum(axis=(2, 3)) >= LEAST_SIGHTINGS) & solvable(use.reshape(-1, *found.shape[1:])).reshape(T, len(masks))
    )
    if not len(frames):
        return poses, cost, agreeing
    problem, used, seen = sightings.of(frames), use[frames, hypotheses], found[frames]
    tried, _ = refine(problem, used, start_poses(problem, used), robust=False, iterations=STEPS)
    ratio = np.sum(reprojection(problem, tried) ** 2, axis=-1) / problem.kernel**2
    # The logarithm prefers a few gross outliers to many inexact observations, whatever the scale of the inexactness.
    costs = np.where(seen, np.log1p(ratio), 0.0).sum(axis=(1, 2))
    order = np.lexsort((costs, frames))
    first = order[np.unique(frames[order], return_index=True)[1]]
    poses[frames[first]] = tried[first]
    cost[frames[first]] = costs[first]
    agreeing[frames[first]] = (seen & (ratio < AGREES**2)).sum(axis=(1, 2))[first]
    return poses, cost, agreeing
