"""Conversion of a demonstration to the few frames of a clip: every keyframe falls on a frame, the last pose is held.

A model outputs a motion as FRAMES poses, PERIOD s apart, and planning uses these alone. A leg between two waypoints
lasts a whole number of periods, so the pose at which the gripper closes is one of the frames and not between two.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from foundation.poses import distance, interpolate
from foundation.trajectory import Trajectory
from robot.planning.waypoints import Waypoint

FRAMES = 17
PERIOD = 0.7  # s
SPEED = 0.20  # m/s from one waypoint to the next
TURNING = 0.8  # rad/s
STARTING = 0.35  # s for acceleration and deceleration
# In periods: a leg may be this much shorter than it takes; planning then goes a little slower. Lowering an object into
# the bowl takes 1.25 periods exactly: with 0.25 rounding decided, and videos differed from the motion that was taught.
EARLY = 0.26
# Legs across the bench take the same time whatever their length. If a centimetre decided between three frames and
# four, a model that must predict everything in one step would draw both: ghosts that cannot be decoded.
ACROSS = 3  # periods
_ACROSS_M = 0.05  # m of horizontal distance from which on a leg goes across
# Stationary frames after a gripper command, or where else the arm pauses. Just one: a model draws two equal frames
# some millimetres apart, and a held object would be pressed onto the table.
STILL = 1
SAME_GRIPPER = 0.5  # openness above which the gripper counts as open
_LINE = 0.001  # m that a waypoint may deviate from the straight path and still be left out
_LINE_TURN = 0.01  # rad


@dataclass(frozen=True, eq=False)
class _Stop:
    """A pose (4, 4) at the end of a leg of `periods`, and the gripper state, held from then on for `held` frames."""

    pose: np.ndarray
    periods: int
    is_open: float
    held: int


def clip_trajectory(
    waypoints: Sequence[Waypoint], base_from_tool: np.ndarray, openness: float, *, frames: int = FRAMES
) -> Trajectory:
    """Return the motion from the present pose (4, 4) and openness through the waypoints, one frame per PERIOD.

    Openness is 0 or 1, as in action images. If the motion is too long for `frames`, the longest legs are sped up, and
    the plan is then slower than shown. Raises ValueError for more waypoints than frames.
    """
    stops = _fitted(_stops(waypoints, base_from_tool, openness), frames - 1)
    poses, is_open = [base_from_tool[None]], [float(openness > SAME_GRIPPER)]
    here = base_from_tool
    for stop in stops:
        share = _eased(np.arange(1, stop.periods + 1) / stop.periods)
        poses.append(interpolate(np.array([0.0, 1.0]), np.stack([here, stop.pose]), share))
        poses.append(np.repeat(stop.pose[None], stop.held, axis=0))
        is_open += [is_open[-1]] * stop.periods + [stop.is_open] * stop.held
        here = stop.pose
    left = frames - len(is_open)
    poses.append(np.repeat(here[None], left, axis=0))
    is_open += [is_open[-1]] * left
    return Trajectory(PERIOD * np.arange(frames), np.concatenate(poses), np.array(is_open))


def _stops(waypoints: Sequence[Waypoint], begin: np.ndarray, openness: float) -> list[_Stop]:
    stops, held = [], float(openness > SAME_GRIPPER)
    for i, waypoint in enumerate(waypoints):
        is_open = float(waypoint.openness > SAME_GRIPPER)
        after = waypoints[i + 1].base_from_tool if i + 1 < len(waypoints) else None
        if (
            is_open == held
            and waypoint.pause == 0
            and after is not None
            and _on_the_way(begin, waypoint.base_from_tool, after)
        ):
            continue
        periods = _periods(begin, waypoint.base_from_tool, first=not stops)
        still = STILL if is_open != held or waypoint.pause > 0 else 0
        stops.append(_Stop(waypoint.base_from_tool, periods, is_open, still))
        begin, held = waypoint.base_from_tool, is_open
    return stops


def _periods(begin: np.ndarray, end: np.ndarray, *, first: bool) -> int:
    """Return the duration of a leg; the first one, from wherever the arm waits, always counts as across."""
    if first or np.linalg.norm(end[:2, 3] - begin[:2, 3]) > _ACROSS_M:
        return ACROSS
    metres, radians = (float(value) for value in distance(begin, end))
    seconds = max(metres / SPEED, radians / TURNING) + STARTING
    return max(1, int(np.ceil(seconds / PERIOD - EARLY)))


def _on_the_way(begin: np.ndarray, middle: np.ndarray, end: np.ndarray) -> bool:
    """Return whether `middle` is on the straight path between two poses, at equal shares of distance and rotation."""
    first, whole = (float(distance(begin, pose)[0]) for pose in (middle, end))
    if whole < _LINE or first > whole:
        return False
    there = interpolate(np.array([0.0, 1.0]), np.stack([begin, end]), np.array([first / whole]))[0]
    metres, radians = distance(there, middle)
    return bool(metres < _LINE and radians < _LINE_TURN)


def _fitted(stops: list[_Stop], periods: int) -> list[_Stop]:
    """Shorten the longest legs until the stops fit into `periods`; the frames of the gripper are kept."""
    if sum(1 + stop.held for stop in stops) > periods:
        raise ValueError(f"{len(stops)} waypoints do not fit into {periods + 1} frames")
    stops = list(stops)
    while sum(stop.periods + stop.held for stop in stops) > periods:
        i = max(range(len(stops)), key=lambda i: stops[i].periods)
        stops[i] = replace(stops[i], periods=stops[i].periods - 1)
    return stops


def _eased(share: np.ndarray) -> np.ndarray:
    """Return the progress (n,) of a leg from rest to rest: constant speed with ramps of a quarter of the time."""
    ramp = 0.25
    top = 1.0 / (1.0 - ramp)
    rising = 0.5 * top * share**2 / ramp
    falling = 1.0 - 0.5 * top * (1.0 - share) ** 2 / ramp
    return np.where(share < ramp, rising, np.where(share > 1 - ramp, falling, top * (share - 0.5 * ramp)))
