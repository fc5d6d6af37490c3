"""Which sightings of a frame belong to one pose: start poses without knowing which views or channels are wrong."""

from itertools import combinations

import numpy as np

from model.action_images.rigid_fit import Sightings, refine, reprojection, solvable, start_poses

# A sighting within so many kernels agrees with a pose.
AGREES = 3.0
# Six unknowns need six numbers; five sightings give ten, so that a wrong answer shows.
LEAST_SIGHTINGS = 5
# Steps from triangulation to a hypothesis good enough to be compared.
STEPS = 6


def consensus(sightings: Sightings, found: np.ndarray) -> np.ndarray:
    """Per frame the pose (T, 4, 4) that most of the sightings `found` (T, V, 3) agree with; NaN where none is fixed.

    Two views are first believed as they are. Of more, every pair makes a hypothesis of its own, and so do all together:
    a view that shows something else cannot spoil the pairs without it. Where even the best pose contradicts one of the
    sightings that made it, each sighting of each pair is left out once.
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
    """Per frame the best pose of all hypotheses `masks`, its cost, and how many sightings agree with it."""
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
    # The logarithm prefers a few wrong sightings to many inexact ones, whatever the scale of the inexactness.
    costs = np.where(seen, np.log1p(ratio), 0.0).sum(axis=(1, 2))
    order = np.lexsort((costs, frames))
    first = order[np.unique(frames[order], return_index=True)[1]]
    poses[frames[first]] = tried[first]
    cost[frames[first]] = costs[first]
    agreeing[frames[first]] = (seen & (ratio < AGREES**2)).sum(axis=(1, 2))[first]
    return poses, cost, agreeing
