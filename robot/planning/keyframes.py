"""Keyframes of a proposed trajectory: poses all known, feasible intervals, and dwells.

Frames are counted from 0 here; the present pose precedes them all.
"""

from dataclasses import dataclass

import numpy as np

from foundation.poses import distance
from foundation.trajectory import Trajectory

FARTHEST = 10.0  # m from the base: poses beyond are unreachable too, and this keeps the numbers small
LONGEST_PAUSE = 600.0  # s between two frames, and for a planned motion as a whole
STAND = 0.00075  # m within which frames count as one place; twice the decoding error
STAND_TURN = float(np.deg2rad(0.5))
SHORTEST_STAND = 0.15  # s
GRIPPER_CHANGE = 0.25  # of the stroke between two frames: the arm stands while the gripper moves
GRIPPER_PAUSE = 1.2  # s the gripper takes for its whole stroke
SAME_OPENNESS = 0.6  # a grasped object keeps the gripper half open: a smaller difference is no change of state


@dataclass(frozen=True, eq=False)
class Dwell:
    """Dwell in one place over the frames `first` to `last`, -1 being the present pose, for at least `seconds`."""

    first: int
    last: int
    seconds: float
    waits: float = 0.0  # s of them that are not in the proposal, for the gripper


@dataclass(frozen=True, eq=False)
class Keyframes:
    """Keyframes of a motion.

    `intended` (T frames) are all known; `known` (T,) marks those that were given; `intervals` (T,) s precede each
    frame, the first from the present pose; `stands` are the dwells, the first at -1 and the last at T - 1.
    """

    intended: Trajectory
    known: np.ndarray
    intervals: np.ndarray
    stands: tuple[Dwell, ...]


def bounded(proposed: Trajectory) -> Trajectory:
    """Clip the trajectory to plausible numbers: nothing beyond FARTHEST, no pause longer than LONGEST_PAUSE."""
    poses, times = np.array(proposed.base_from_tool), proposed.times
    poses[:, :3, 3] = np.clip(poses[:, :3, 3], -FARTHEST, FARTHEST)
    with np.errstate(over="ignore"):
        apart = np.diff(times)
    if len(apart) and (apart.max() > LONGEST_PAUSE or apart.min() < 1e-6 or abs(times[0]) > 1e6):
        times = np.concatenate([[0.0], np.cumsum(np.clip(apart, 1e-6, LONGEST_PAUSE))])
    elif abs(times[0]) > 1e6:
        times = np.zeros(1)
    return Trajectory(times, poses, proposed.openness)


def keyframes(proposed: Trajectory, present: np.ndarray, openness: float, lead: float) -> Keyframes:
    """Compute the keyframes from the `present` pose (4, 4) and openness; `lead` s from there to the first frame.

    Raises ValueError if no frame is known.
    """
    intended = proposed.at(proposed.times)
    apart = np.diff(intended.times)
    if apart.sum() > LONGEST_PAUSE:  # infeasibly long; shown a hundred times as fast
        apart = apart * (0.01 * LONGEST_PAUSE / apart.sum())
    intervals = np.concatenate([[lead], apart])
    poses = np.concatenate([present[None], intended.base_from_tool])
    return Keyframes(intended, proposed.known, intervals, _stands(poses, intervals, intended.openness, openness))


def _stands(poses: np.ndarray, intervals: np.ndarray, openness: np.ndarray, present: float) -> tuple[Dwell, ...]:
    """Find the dwells in `poses` (T + 1, 4, 4), the present one first; so `intervals[k]` precedes pose k + 1."""
    times = np.concatenate([[0.0], np.cumsum(intervals)])
    held = np.concatenate([[present], openness])
    change = np.abs(np.diff(held, prepend=present))
    if len(change) > 1 and change[1] <= SAME_OPENNESS:
        change[1] = 0.0
    last_pose = len(poses) - 1
    stands, k = [], 0
    while k <= last_pose:
        end = _stand_from(k, poses)
        works = [i for i in range(k, end + 1) if change[i] > GRIPPER_CHANGE]
        shown = float(times[end] - times[k])
        if works or shown >= SHORTEST_STAND or k == 0 or end == last_pose:
            wait = max((times[i] + GRIPPER_PAUSE * change[i] - times[end] for i in works), default=0.0)
            stands.append(Dwell(k - 1, end - 1, shown + max(0.0, float(wait)), max(0.0, float(wait))))
            k = end + 1
        else:
            k += 1
    return tuple(stands)


def _stand_from(k: int, poses: np.ndarray) -> int:
    """Return the last consecutive pose that is in the same place as pose k."""
    end = k
    while end + 1 < len(poses):
        metres, radians = distance(poses[k], poses[end + 1])
        if metres > STAND or radians > STAND_TURN:
            break
        end += 1
    return end
