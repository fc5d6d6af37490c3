"""Findings on a proposal and its motion: errors, doubts and remarks, as messages for the operator."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from foundation import xarm7
from foundation.batch_ik import BatchIkResult
from foundation.poses import distance
from foundation.trajectory import Trajectory
from robot.limiter import Limiter, LimiterSettings
from robot.planning.collision import Contact, KnownBox, collision_check
from robot.planning.findings import Finding, Level, frames_named, runs
from robot.planning.joint_trajectory import JointTrajectory
from robot.planning.keyframes import SAME_OPENNESS, Keyframes
from robot.planning.motion_check import LONGEST
from robot.workspace import FACES, TCP, arm_points

LOW_CONFIDENCE = 0.15
"""Of a frame. Of 180 answers of the embedded model (tuning seeds) 29 % fall below somewhere.

Of these 79 % did their task, of the others 93 %; at 0.3 three answers of four would be warned of.
"""
MOST_UNKNOWN = 0.5  # part of the frames
# Longest distance (m) without a frame that was read, and past a single one: most likely on one straight segment.
LONGEST_GAP, LONGEST_SKIP = 0.15, 0.30
START_NOTED, START_REFUSED = 0.005, 0.10  # m between the first frame and the present pose
START_TURN_NOTED, START_TURN_REFUSED = float(np.deg2rad(2.0)), float(np.deg2rad(30.0))
OFF_THE_WAY = 0.010  # m between the planned path and the straight line between frames
SLOWED_NOTED, SLOWED_WARNED = 1.4, 3.0
NEAR_WALL = 1e-4  # m that a plan keeps from the walls, as the limiter refuses the wall itself
_REACH = 0.76  # m from the shoulder to the flange, about; the manufacturer states 700 mm
_SHOULDER = np.array([0.0, 0.0, 0.267])
_STOPPING_ROOM = 0.025  # m, rad from walls and range ends within which braking is checked
_MOST_STOPS = 3000
_LOOK_EVERY = 0.02  # rad of the fastest joint between two collision checks
_MOST_LOOKS = 4000
_PERIOD = 0.02  # s between the checked samples
_MOST_SAMPLES = 30_000
_MOST_ALIKE = 3  # findings of one kind; the first show the problem


@dataclass(frozen=True, eq=False)
class Passed:
    """Sampled motion: `moments` (n,) s, `position` (n, 7) rad, and the `frame` (n,) nearest to each sample."""

    moments: np.ndarray
    position: np.ndarray
    frame: np.ndarray


def refusing(sentence: str, frame: int | None = None) -> Finding:
    return Finding(Level.REFUSAL, sentence, frame)


def proposal_findings(proposed: Trajectory, confidence: np.ndarray | None) -> list[Finding]:
    """Return the findings on what was read from the images, and with which confidence."""
    found = []
    unknown = np.flatnonzero(~proposed.known).tolist()
    if len(unknown) > MOST_UNKNOWN * len(proposed):
        found.append(refusing(f"Only {len(proposed) - len(unknown)} of {len(proposed)} frames could be read."))
    for first, last in runs(unknown):
        found.append(_gap(proposed, first, last))
    if confidence is not None:
        low = np.flatnonzero((np.asarray(confidence) < LOW_CONFIDENCE) & proposed.known).tolist()
        for first, last in runs(low):
            worst = first + int(np.argmin(confidence[first : last + 1]))
            named = frames_named(first, last).capitalize()
            sentence = f"{named}: the pictures are unclear (confidence {100 * confidence[worst]:.0f} %). Look closely."
            found.append(Finding(Level.WARNING, sentence, worst))
    return found


def _gap(proposed: Trajectory, first: int, last: int) -> Finding:
    named = frames_named(first, last)
    if first == 0 or last == len(proposed) - 1:
        where = "beginning" if first == 0 else "end"
        return Finding(Level.WARNING, f"The {where} ({named}) could not be read: the arm stands still there.", first)
    begin, end = proposed.times[first - 1], proposed.times[last + 1]
    metres, _ = distance(proposed.base_from_tool[first - 1], proposed.base_from_tool[last + 1])
    sentence = f"{named.capitalize()} could not be read: from {begin:.1f} s to {end:.1f} s the way is a straight guess."
    if metres > (LONGEST_SKIP if first == last else LONGEST_GAP):
        return refusing(f"{sentence} It is {1000 * metres:.0f} mm long, which is too far.", first)
    return Finding(Level.WARNING, sentence, first)


def start_findings(present: np.ndarray, openness: float, frames: Keyframes) -> list[Finding]:
    """Return the findings on the start: the distance between the arm and the first frame, the gripper, and waits."""
    found = []
    metres, radians = (float(value) for value in distance(present, frames.intended.base_from_tool[0]))
    if metres > START_NOTED or radians > START_TURN_NOTED:
        sentence = f"The motion begins {1000 * metres:.0f} mm and {np.rad2deg(radians):.0f} deg from where the arm is"
        if metres > START_REFUSED or radians > START_TURN_REFUSED:
            found.append(refusing(f"{sentence}: it is not for this arm in this place.", 0))
        else:
            found.append(Finding(Level.WARNING, f"{sentence}; it goes there first.", 0))
    if abs(frames.intended.openness[0] - openness) > SAME_OPENNESS:
        does = "open" if frames.intended.openness[0] > openness else "closed"
        found.append(Finding(Level.WARNING, f"The motion begins with the gripper {does}, which it is not now.", 0))
    for stand in frames.stands:
        if stand.waits > 0.2:
            frame = max(stand.first, 0)
            sentence = f"At frame {frame + 1} the arm waits {stand.waits:.1f} s longer than shown, for the gripper."
            found.append(Finding(Level.NOTE, sentence, frame))
    return found


def motion_findings(
    motion: JointTrajectory,
    moments: np.ndarray,
    frames: Keyframes,
    reached: BatchIkResult,
    limits: LimiterSettings,
    obstacles: tuple[bool, tuple[KnownBox, ...]],
) -> list[Finding]:
    """Return the findings on the planned motion; `reached` (T,) are the IK results of the frames' own poses."""
    found = _reach_findings(frames, reached) + posture_findings(motion, moments, limits, obstacles)
    if not found:
        found += _way_findings(_passed(motion, moments), moments, frames)
    found += _time_findings(motion, moments, frames, limits)
    return found


def posture_findings(
    motion: JointTrajectory,
    moments: np.ndarray,
    limits: LimiterSettings,
    obstacles: tuple[bool, tuple[KnownBox, ...]] = (True, ()),
) -> list[Finding]:
    """Return where the arm exceeds a joint range, leaves its workspace or collides; frames at `moments`."""
    passed = _passed(motion, moments)
    found = _range_findings(passed, limits) + _workspace_findings(passed, limits)
    found = found or _stopping_findings(motion, passed, limits)
    return found + _collision_findings(passed, motion, obstacles)


def _passed(motion: JointTrajectory, moments: np.ndarray) -> Passed:
    at, position = motion.samples(max(_PERIOD, motion.duration / _MOST_SAMPLES))
    return Passed(at, position, np.clip(np.searchsorted(moments, at), 0, len(moments) - 1))


def _reach_findings(frames: Keyframes, reached: BatchIkResult) -> list[Finding]:
    missed = np.flatnonzero(~reached.reached)
    found = []
    for first, last in runs(missed.tolist())[:_MOST_ALIKE]:
        worst = first + int(np.argmax(reached.metres[first : last + 1] + 0.2 * reached.radians[first : last + 1]))
        far = float(np.linalg.norm(frames.intended.base_from_tool[worst, :3, 3] - _SHOULDER))
        ends = [f"J{joint + 1}" for joint in np.flatnonzero(reached.at_end[worst])]
        named = frames_named(first, last).capitalize()
        if far > _REACH + xarm7.FLANGE_FROM_TOOL[2, 3]:
            why = f"the place is {1000 * far:.0f} mm from the shoulder, farther than the arm reaches"
        elif ends:
            verb = "is" if len(ends) == 1 else "are"
            why = f"{' and '.join(ends)} {verb} at the end of the range"
        else:
            why = "the arm cannot hold the gripper that way there"
        missing = f"{1000 * reached.metres[worst]:.0f} mm, {np.rad2deg(reached.radians[worst]):.0f} deg missing"
        found.append(refusing(f"{named} cannot be reached: {why} ({missing}).", worst))
    return found


def _range_findings(passed: Passed, limits: LimiterSettings) -> list[Finding]:
    over = np.maximum(limits.lower - passed.position, passed.position - limits.upper)
    over -= np.maximum(over[0], 0.0)
    return _where(
        passed,
        over.max(axis=1) > -1e-4,
        lambda i: f"J{int(np.argmax(over[i])) + 1} would come to the end of its range",
        over.max(axis=1),
    )


def _workspace_findings(passed: Passed, limits: LimiterSettings) -> list[Finding]:
    over = limits.workspace.violation(arm_points(passed.position))
    over = over - np.maximum(over[0], -NEAR_WALL)
    deepest = over.max(axis=1)

    def sentence(i: int) -> str:
        return (
            f"the arm would leave its workspace ({FACES[int(np.argmax(over[i]))]}, {1000 * max(deepest[i], 0):.0f} mm)"
        )

    return _where(passed, deepest > 1e-9, sentence, deepest)


def _stopping_findings(motion: JointTrajectory, passed: Passed, limits: LimiterSettings) -> list[Finding]:
    """Return where the arm, if stopped, would come to rest outside: the limiter would not allow that speed."""
    walls = limits.workspace.violation(arm_points(passed.position))
    ends = np.maximum(limits.lower - passed.position, passed.position - limits.upper).max(axis=1)
    allowed = np.maximum(walls[0], 0.0)
    near = np.flatnonzero(((walls - allowed).max(axis=1) > -_STOPPING_ROOM) | (ends > -_STOPPING_ROOM))
    limiter = Limiter(passed.position[0], limits)
    over = np.full(len(passed.moments), -1.0)
    for i in near[:_MOST_STOPS].tolist():
        braking = limiter.braking_from(motion.at(float(passed.moments[i])))
        if not braking:
            continue
        rest = np.array([state.position for state in braking])
        outside = (limits.workspace.violation(arm_points(rest)) - allowed).max()
        beyond = np.maximum(limits.lower - rest, rest - limits.upper).max()
        over[i] = max(float(outside), float(beyond) if ends[0] < 0 else -1.0)
    return _where(
        passed,
        over > -0.5 * NEAR_WALL,
        lambda i: f"at this speed the arm could not stop before the {_nearest(walls[i], ends[i])}",
        over,
    )


def _nearest(walls: np.ndarray, end: float) -> str:
    return "end of a joint's range" if end > walls.max() else f"wall of its workspace ({FACES[int(np.argmax(walls))]})"


def _collision_findings(
    passed: Passed, motion: JointTrajectory, obstacles: tuple[bool, tuple[KnownBox, ...]]
) -> list[Finding]:
    check = collision_check(*obstacles)
    way = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(passed.position, axis=0)).max(axis=1))])
    looks = np.unique(np.searchsorted(way, np.arange(0.0, way[-1] + _LOOK_EVERY, _LOOK_EVERY)[:_MOST_LOOKS]))
    looks = np.unique(np.append(np.minimum(looks, len(way) - 1), len(way) - 1))
    touches: dict[int, Contact] = {}
    for i in looks.tolist():
        touch = check.touch(passed.position[i], motion.openness_at(float(passed.moments[i])))
        if touch is not None:
            touches[i] = touch
    found = []
    pairs = list(dict.fromkeys((touch.part, touch.other) for touch in touches.values()))
    for pair in pairs[:_MOST_ALIKE]:
        those = [i for i, touch in touches.items() if (touch.part, touch.other) == pair]
        deepest = max(those, key=lambda i: touches[i].depth)
        first, last = int(passed.frame[those[0]]), int(passed.frame[those[-1]])
        part = pair[0]
        sentence = f"{frames_named(first, last).capitalize()}: {part} would touch {pair[1]}."
        found.append(refusing(sentence, int(passed.frame[deepest])))
    return found


def _way_findings(passed: Passed, moments: np.ndarray, frames: Keyframes) -> list[Finding]:
    """Return whether the planned tool leaves the straight line between the frames by more than OFF_THE_WAY."""
    tool = arm_points(passed.position)[:, TCP]
    places = frames.intended.base_from_tool[:, :3, 3]
    begin = np.maximum(np.searchsorted(moments, passed.moments, side="right") - 1, 0)
    end = np.minimum(begin + 1, len(places) - 1)
    along = places[end] - places[begin]
    square = np.maximum(np.sum(along**2, axis=1), 1e-12)
    part = np.clip(np.sum((tool - places[begin]) * along, axis=1) / square, 0.0, 1.0)
    off = np.linalg.norm(tool - places[begin] - part[:, None] * along, axis=1)
    off[passed.moments < moments[0]] = 0.0
    worst = int(np.argmax(off))
    if off[worst] <= OFF_THE_WAY:
        return []
    frame = int(passed.frame[worst])
    return [
        refusing(f"Near frame {frame + 1} the arm would swing {1000 * off[worst]:.0f} mm off the way shown.", frame)
        if off[worst] > 5 * OFF_THE_WAY
        else Finding(
            Level.WARNING,
            f"Near frame {frame + 1} the arm goes {1000 * off[worst]:.0f} mm beside the way shown.",
            frame,
        )
    ]


def _time_findings(
    motion: JointTrajectory, moments: np.ndarray, frames: Keyframes, limits: LimiterSettings
) -> list[Finding]:
    found = []
    shown = float(np.diff(frames.intended.times).sum())
    if max(motion.duration, shown) > LONGEST:
        found.append(refusing(f"The motion would take longer than {LONGEST / 60:.0f} minutes."))
    waits = sum(stand.waits for stand in frames.stands)
    takes = float(moments[-1] - moments[0]) - waits
    if shown <= 0.0 or takes <= SLOWED_NOTED * shown:
        return found
    metres, _ = distance(frames.intended.base_from_tool[:-1], frames.intended.base_from_tool[1:])
    asked = metres / np.maximum(frames.intervals[1:], 1e-6)
    worst = int(np.argmax(asked))
    level = Level.WARNING if takes > SLOWED_WARNED * shown else Level.NOTE
    too_fast = f" (up to {1000 * asked[worst]:.0f} mm/s)" if asked[worst] > limits.tcp_speed else ""
    sentence = f"As shown the motion is too fast{too_fast}: it takes {takes:.1f} s instead of {shown:.1f} s."
    found.append(Finding(level, sentence, worst + 1))
    return found


def _where(passed: Passed, wrong: np.ndarray, sentence: Callable[[int], str], depth: np.ndarray) -> list[Finding]:
    """Return one refusal for each run of frames with wrong samples, at the deepest violation."""
    found = []
    samples = np.flatnonzero(wrong)
    for first, last in runs(sorted({int(frame) for frame in passed.frame[samples]}))[:_MOST_ALIKE]:
        inside = samples[(passed.frame[samples] >= first) & (passed.frame[samples] <= last)]
        deepest = int(inside[np.argmax(depth[inside])])
        text = f"{frames_named(first, last).capitalize()}: {sentence(deepest)}."
        found.append(refusing(text, int(passed.frame[deepest])))
    return found
