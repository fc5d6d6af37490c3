"""Motion planner: from a proposed trajectory of the tool to a plan with its motion and findings.

Inverse kinematics of all frames near the present posture, splines through them from dwell to dwell, a time
parameterization that keeps the limiter's bounds, then the checks. A bad trajectory is no error: the plan's findings
describe it. A proposal that dips a little into the table is lifted onto it: poses read from images have errors of
millimetres.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.interpolate import CubicSpline

from foundation import xarm7
from foundation.batch_ik import BatchIkResult, batch_inverse, continued_inverse
from foundation.poses import distance, interpolate
from foundation.trajectory import Trajectory
from robot.limiter import LimiterSettings
from robot.planning.collision import KnownBox
from robot.planning.findings import Finding, Level, frames_named, runs
from robot.planning.joint_trajectory import JointTrajectory
from robot.planning.keyframes import SAME_OPENNESS, Dwell, Keyframes, bounded, keyframes
from robot.planning.motion_check import LONGEST
from robot.planning.plan import Plan
from robot.planning.plan_findings import motion_findings, proposal_findings, refusing, start_findings
from robot.planning.time_parameterization import SPEED_SHARE, excess, parameterize

ROOM = 0.003  # m between the lifted tool and the table or the workspace's bottom
MOST_LIFTED = 0.015  # m; a deeper frame is no small error, stays as it is, and is refused


def lifted_off_table(proposed: Trajectory, limits: LimiterSettings, table: bool) -> tuple[Trajectory, list[Finding]]:
    """Lift the frames that are lower than ROOM above the table (if there is one) and the workspace's bottom.

    Returns the trajectory and a warning for each run of lifted frames; those deeper than MOST_LIFTED below stay
    unchanged.
    """
    floor = max(float(limits.workspace.low[2]), 0.0 if table else -np.inf)
    height = proposed.base_from_tool[:, 2, 3]
    with np.errstate(invalid="ignore"):
        low = proposed.known & (height < floor + ROOM) & (height >= floor - MOST_LIFTED)
    if not low.any():
        return proposed, []
    poses = np.array(proposed.base_from_tool)
    poses[low, 2, 3] = floor + ROOM
    found = []
    for first, last in runs(np.flatnonzero(low).tolist()):
        lowest = first + int(np.argmin(height[first : last + 1]))
        below = 1000.0 * (floor - height[lowest])
        where = f"{below:.0f} mm below the table" if below >= 0.5 else "on the table"
        named = frames_named(first, last).capitalize()
        sentence = f"{named}: shown {where}; the tool stays {1000 * ROOM:.0f} mm above."
        found.append(Finding(Level.WARNING, sentence, lowest))
    return Trajectory(proposed.times, poses, proposed.openness), found


__all__ = ["KnownBox", "PlanSettings", "make_plan"]

MOST_FRAMES = 2000
SAMPLE = 0.02  # s between the samples of the result
AS_PRESENT = (0.005, float(np.deg2rad(2.0)))  # m, rad: a first frame this near counts as the present pose
_SHORTEST = 0.02  # s between two frames that are passed
_FAR = (0.04, 0.25)  # m, rad between two frames above which the path between them is straight
_MOST_BETWEEN = 8
_LEAD_SPEED = 0.5  # part of the bounds used to approach a first frame away from the present pose
_SWING = 0.35  # of the distance between two poses by which a spline may deviate from the straight line
_QUARTERS = np.array([0.25, 0.5, 0.75])
_MOST_FOLLOWED = 200
_JUMP = 0.6  # rad between neighbouring poses: a flip of the arm's configuration


@dataclass(frozen=True)
class PlanSettings:
    """Constraints of planning: the limiter's bounds, and the obstacles (the table's top is z = 0)."""

    limits: LimiterSettings = field(default_factory=LimiterSettings)
    table: bool = True
    boxes: tuple[KnownBox, ...] = ()


def make_plan(
    proposed: Trajectory,
    joints: np.ndarray,
    openness: float,
    settings: PlanSettings = PlanSettings(),
    *,
    confidence: np.ndarray | None = None,
    known: tuple[Finding, ...] = (),
) -> Plan:
    """Plan a motion from joints (7,) rad and the present `openness` through the frames of `proposed` (T).

    Never raises for a bad trajectory: the plan then has a REFUSAL, and a motion as near to the proposal as possible.

    Args:
        confidence: Confidence (T,) in [0, 1] with which each frame was read.
        known: Findings to add to those of the plan.
    """
    joints, openness = np.array(joints, float), float(np.clip(openness, 0.0, 1.0))
    proposed = bounded(proposed)
    if not proposed.known.any():
        return _standing(proposed, joints, openness, (*known, refusing("No frame of the proposal could be read.")))
    found = [*known, *proposal_findings(proposed, confidence)]
    if len(proposed) > MOST_FRAMES:
        found.append(refusing(f"The proposal has {len(proposed)} frames; at most {MOST_FRAMES} can be planned."))
        proposed = proposed[:MOST_FRAMES]
        if not proposed.known.any():
            return _standing(proposed, joints, openness, tuple(found))
    proposed, raised = lifted_off_table(proposed, settings.limits, settings.table)
    found += raised
    present = xarm7.forward(joints)
    frames = keyframes(proposed, present, openness, _lead(proposed, present, settings.limits))
    found += start_findings(present, openness, frames)
    way = _solve(frames, joints)
    position, moments, held = _motion(frames, way, joints, openness, settings.limits)
    motion, stretch = _within(position, held, settings.limits)
    moments = moments * stretch
    obstacles = settings.table, settings.boxes
    found += motion_findings(motion, moments, frames, way.at_frames, settings.limits, obstacles)
    return Plan(motion, moments, frames.intended, tuple(found))


@dataclass(frozen=True, eq=False)
class _Way:
    """Joints along the keyframes.

    `reached` is the IK result of all solved poses, `frame` (n,) the frame that each leads to (-1 the present pose), and
    `exact` (T + 1,) the index of each frame's own pose, the present pose's first.
    """

    reached: BatchIkResult
    frame: np.ndarray
    exact: np.ndarray
    share: np.ndarray  # (n,) of the interval before the frame that has passed at the pose

    @property
    def at_frames(self) -> BatchIkResult:
        """IK result of the T frames' own poses."""
        own = self.exact[1:]
        names = ("position", "reached", "metres", "radians", "at_end")
        return BatchIkResult(*(getattr(self.reached, name)[own] for name in names))


def _lead(proposed: Trajectory, present: np.ndarray, limits: LimiterSettings) -> float:
    """Return the time (s) from the present pose to the first frame; 0 if it is (nearly) the present pose."""
    first = proposed.base_from_tool[np.flatnonzero(proposed.known)[0]]
    metres, radians = distance(present, first)
    if metres <= AS_PRESENT[0] and radians <= AS_PRESENT[1]:
        return 0.0
    return float(min(60.0, max(metres / limits.tcp_speed, radians / limits.joint_speed) / _LEAD_SPEED))


def _solve(frames: Keyframes, joints: np.ndarray) -> _Way:
    """Solve the joints of the frames, and of poses in between where these are far apart."""
    poses = np.concatenate([xarm7.forward(joints)[None], frames.intended.base_from_tool])
    metres, radians = distance(poses[:-1], poses[1:])
    pieces = np.clip(np.ceil(np.maximum(metres / _FAR[0], radians / _FAR[1])), 1, _MOST_BETWEEN).astype(int)
    at, owner, share = [0.0], [-1], [1.0]
    for frame, count in enumerate(pieces.tolist()):
        at += (frame + np.arange(1, count + 1) / count).tolist()
        owner += [frame] * count
        share += (np.arange(1, count + 1) / count).tolist()
    dense = interpolate(np.arange(len(poses), dtype=float), poses, np.array(at))
    found = batch_inverse(dense, joints)
    jumps = np.abs(np.diff(found.position, axis=0)).max(axis=1)
    if found.reached.all() and (jumps > _JUMP).any() and len(dense) <= _MOST_FOLLOWED:
        found = continued_inverse(dense, joints) or found
    exact = np.concatenate([[0], np.cumsum(pieces)])
    found.position[0], found.reached[0] = joints, True
    return _Way(found, np.array(owner), exact, np.array(share))


def _motion(
    frames: Keyframes, way: _Way, joints: np.ndarray, openness: float, limits: LimiterSettings
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return positions (n, 7) every SAMPLE s, the times (T,) at which the frames are passed, and openness (n,)."""
    T = len(frames.intended)
    moments = np.zeros(T)
    position: list[np.ndarray] = [joints[None]]
    here, now = joints, 0.0
    stands = frames.stands
    for number, stand in enumerate(stands):
        if now > LONGEST:  # refused for its duration, so the rest is not needed
            moments[stands[number - 1].last + 1 :] = now
            break
        if number > 0:
            piece, passed = _between(frames, way, stands[number - 1], stand, here, limits)
            inside = slice(stands[number - 1].last + 1, stand.first)
            moments[inside] = now + passed
            position.append(piece)
            here = piece[-1] if len(piece) else here
            now += len(piece) * SAMPLE
        moments[max(stand.first, 0) : stand.last + 1] = now + _within_stand(frames, stand)
        count = int(np.ceil(stand.seconds / SAMPLE - 1e-9))
        position.append(np.repeat(here[None], count, axis=0))
        now += count * SAMPLE
    joined = np.concatenate(position)
    return joined, np.maximum.accumulate(moments), _held(frames, moments, len(joined), openness)


def _within_stand(frames: Keyframes, stand: Dwell) -> np.ndarray:
    """Return the times (s) after the start of a dwell at which its frames are shown."""
    passed = np.cumsum(frames.intervals[max(stand.first, 0) : stand.last + 1])
    return passed if stand.first < 0 else passed - passed[:1]


def _between(
    frames: Keyframes, way: _Way, before: Dwell, after: Dwell, begin: np.ndarray, limits: LimiterSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Return positions (n, 7) from `begin` to the next dwell, every SAMPLE s, and the times of the frames between."""
    first, last = way.exact[before.last + 1] + 1, way.exact[after.first + 1]
    q = np.concatenate([begin[None], way.reached.position[first : last + 1]])
    q[-1] = _place(way, after)
    owner, share = way.frame[first : last + 1], way.share[first : last + 1]
    starts = np.concatenate([[0.0], share[:-1]])
    part = np.where(owner == np.concatenate([[-2], owner[:-1]]), share - starts, share)
    seconds = frames.intervals[owner] * part
    tool = np.linalg.norm(np.diff(xarm7.forward(q)[:, :3, 3], axis=0), axis=-1)
    least = np.maximum(np.abs(np.diff(q, axis=0)).max(axis=1) / limits.joint_speed, tool / limits.tcp_speed)
    u = np.concatenate([[0.0], np.cumsum(np.maximum(np.maximum(seconds, least / SPEED_SHARE), _SHORTEST))])
    exact = [way.exact[frame + 1] - first + 1 for frame in range(before.last + 1, after.first)]
    if np.abs(q - begin).max() < 1e-6:
        return np.zeros((0, xarm7.JOINTS)), np.zeros(len(exact))
    spline = _smooth(u, q)
    paced = parameterize(lambda at, order: spline(at, order), float(u[-1]), limits)
    passed = np.searchsorted(paced.progress, u[exact] - 1e-9) * 0.01
    fine = np.arange(len(paced.progress)) * 0.01
    count = int(np.ceil(fine[-1] / SAMPLE))
    progress = np.interp(np.arange(1, count + 1) * SAMPLE, fine, paced.progress)
    return spline(progress), np.minimum(passed, count * SAMPLE)


def _smooth(u: np.ndarray, q: np.ndarray) -> CubicSpline:
    """Return a spline through the joints q (n, 7) at u (n,), from rest to rest.

    If the times are so uneven that it would overshoot between them, it also passes points on the straight lines in
    joint space.
    """
    spline = CubicSpline(u, q, bc_type="clamped")
    apart = np.abs(np.diff(q, axis=0)).max(axis=1)
    quarters = u[:-1, None] + np.diff(u)[:, None] * _QUARTERS
    straight = q[:-1, None] + np.diff(q, axis=0)[:, None] * _QUARTERS[:, None]
    swing = np.abs(spline(quarters) - straight).max(axis=(1, 2))
    if (swing <= _SWING * apart + 0.01).all():
        return spline
    knots = np.concatenate([np.concatenate([u[:-1, None], quarters], axis=1).ravel(), u[-1:]])
    points = np.concatenate([q[:-1, None], straight], axis=1).reshape(-1, xarm7.JOINTS)
    return CubicSpline(knots, np.concatenate([points, q[-1:]]), bc_type="clamped")


def _place(way: _Way, stand: Dwell) -> np.ndarray:
    """Return the joints (7,) of a dwell: the median of its frames'."""
    own = way.exact[max(stand.first, 0) + 1 : stand.last + 2]
    return np.median(way.reached.position[own], axis=0)


def _held(frames: Keyframes, moments: np.ndarray, count: int, openness: float) -> np.ndarray:
    """Return the gripper command at each sample: each frame's openness from the time at which it is passed."""
    wanted = frames.intended.openness
    first = wanted[0] if abs(wanted[0] - openness) <= SAME_OPENNESS else openness
    times = np.arange(count) * SAMPLE
    latest = np.searchsorted(moments, times + 1e-9, side="right") - 1
    held = np.where(latest < 0, first, wanted[np.maximum(latest, 0)])
    held[0] = first
    return held


def _within(position: np.ndarray, held: np.ndarray, limits: LimiterSettings) -> tuple[JointTrajectory, float]:
    """Return the motion, and the factor by which it was slowed down where its spline would still be too fast."""
    if len(position) == 1:
        return JointTrajectory(np.zeros(1), position, held), 1.0
    times = np.arange(len(position)) * SAMPLE
    motion = JointTrajectory(times, position, held)
    moments, fine = motion.samples(0.5 * SAMPLE)
    stretch = excess(fine, float(moments[1] - moments[0]), limits)
    return (motion, 1.0) if stretch <= 1.0 else (JointTrajectory(times * stretch, position, held), stretch)


def _standing(proposed: Trajectory, joints: np.ndarray, openness: float, found: tuple[Finding, ...]) -> Plan:
    """Return a plan without motion, for a proposal without a known frame."""
    T = len(proposed)
    here = np.repeat(xarm7.forward(joints)[None], T, axis=0)
    held = float(np.clip(openness, 0.0, 1.0))
    motion = JointTrajectory(np.zeros(1), joints[None], np.array([held]))
    return Plan(motion, np.zeros(T), Trajectory(proposed.times, here, np.full(T, held)), found)
