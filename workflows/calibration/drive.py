"""Calibration drive: moves the board from pose to pose, and stops at each until every camera has observed.

Nothing here beats the heart: the window does, from its own thread, or `heartbeat` for a command.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import numpy as np

from cameras.calibration.board_view import BoardView, look_for_board, median_view
from cameras.calibration.drift import bench_sight
from cameras.capture import Capture, Subscription
from cameras.frame import Frame
from foundation import xarm7
from robot.errors import RobotError
from robot.limiter import LimiterSettings
from robot.planning.joint_trajectory import JointTrajectory
from robot.planning.plan import Plan
from robot.planning.plan_findings import posture_findings
from robot.planning.waypoints import joint_keyframes
from robot.service.client import RobotClient
from robot.state import ArmState
from workflows.calibration.observations import CalibrationError, CalibrationSession, Observation
from workflows.calibration.poses import PoseProposal
from workflows.cancellation import Cancellation

FRAMES = 5
SPEED = 0.6  # share of the usual speed: a person may stand near, and the board catches the air
_SETTLE = 0.4  # s after the arm has stopped, in which the plate stops swinging and late frames pass
_STANDING = 0.02  # rad/s
_MOVED = 0.002  # rad between beginning and end of an observation
_POLL = 0.01
_MOVING = (ArmState.FOLLOWING, ArmState.PREPARING)


@dataclass(frozen=True, eq=False)
class Looked:
    """Result of one observation: `observation` None when no camera saw the board; `problems`: a message by identity."""

    observation: Observation | None
    problems: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class DriveProgress:
    """Pose `index` of `total`; `what`: "moving", "settling" or "looking"; `session` with all observations so far."""

    index: int
    total: int
    what: str
    session: CalibrationSession
    problems: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class DriveResult:
    """`session` with the observations; `next_pose`: where to resume; `fault`: why it ended before the last pose, ""
    when it did not; `skipped`: poses left out, each with a message."""

    session: CalibrationSession
    next_pose: int
    finished: bool
    fault: str = ""
    skipped: tuple[tuple[int, str], ...] = ()


def observe(
    session: CalibrationSession,
    robot: RobotClient,
    captures: Mapping[str, Capture],
    *,
    token: Cancellation | None = None,
    frames: int = FRAMES,
) -> Looked:
    """Observe the board with every camera of the session while the arm stands still.

    Raises RobotError when the arm's position is unknown, or when it moves.
    """
    token = token or Cancellation()
    before = _standing_joints(robot)
    taken = take_frames(session, captures, frames, token)
    after = _standing_joints(robot)
    if np.abs(after - before).max() > _MOVED:
        raise RobotError("The arm moved while the cameras looked. Hold it still, then look again.")
    views: dict[str, BoardView] = {}
    problems: dict[str, str] = {}
    for camera in session.cameras:
        view, problem = _seen(session, camera.identity, taken.get(camera.identity, []), frames)
        if view is not None:
            views[camera.identity] = view
        else:
            problems[camera.identity] = problem
    joints = (before + after) / 2
    observation = Observation(joints, xarm7.forward(joints), views) if views else None
    return Looked(observation, problems)


def drive(
    session: CalibrationSession,
    poses: Sequence[PoseProposal],
    robot: RobotClient,
    captures: Mapping[str, Capture],
    *,
    start: int = 0,
    speed: float = SPEED,
    token: Cancellation | None = None,
    progress: Callable[[DriveProgress], None] = lambda _: None,
) -> DriveResult:
    """Visit the poses from number `start` on, and observe the board at each. The arm must be ready.

    Returns:
        The observations, and whatever ended the drive early (the arm's error, Stop, a camera); call it again with
        `start=result.next_pose` to resume.

    Raises:
        Cancelled: When the token is cancelled; the arm is stopped first.
    """
    token = token or Cancellation()
    skipped: list[tuple[int, str]] = []
    for index in range(start, len(poses)):
        token.raise_if_cancelled()
        here = DriveProgress(index, len(poses), "moving", session)
        try:
            motion = free_way(robot, poses[index].joints)
            if motion is None:
                skipped.append((index, "No free way leads there. It is left out."))
                continue
            progress(here)
            go(robot, motion, speed, token)
            progress(replace(here, what="settling"))
            token.wait(_SETTLE)
            looked = observe(session, robot, captures, token=token)
        except RobotError as error:
            words = f"{error} Put the arm in order, then go on with pose {index + 1} of {len(poses)}."
            return DriveResult(session, index, False, words, tuple(skipped))
        if looked.observation is not None:
            session = session.added(looked.observation)
        else:
            skipped.append((index, "No camera saw the board there."))
        progress(replace(here, what="looking", session=session, problems=looked.problems))
    return DriveResult(session, len(poses), True, "", tuple(skipped))


def see_bench(
    session: CalibrationSession,
    captures: Mapping[str, Capture],
    ids: Sequence[int],
    *,
    token: Cancellation | None = None,
    frames: int = 8,
) -> CalibrationSession:
    """Return the session with each camera's present view of the bench tags; the arm should not occlude them."""
    taken = take_frames(session, captures, frames, token or Cancellation())
    sights = {
        identity: bench_sight([frame.rgb for frame in each], session.board.family, ids)
        for identity, each in taken.items()
    }
    return replace(session, bench={**session.bench, **{k: sight for k, sight in sights.items() if sight.corners}})


def take_frames(
    session: CalibrationSession, captures: Mapping[str, Capture], count: int, token: Cancellation
) -> dict[str, list[Frame]]:
    """Return `count` new frames of each of the session's cameras, taken concurrently; fewer after a timeout."""
    with ExitStack() as stack:
        queues: dict[str, Subscription] = {}
        for camera in session.cameras:
            capture = captures.get(camera.identity)
            if capture is None:
                continue
            queues[camera.identity] = capture.subscribe(4 * count)
            stack.callback(capture.unsubscribe, queues[camera.identity])
        taken: dict[str, list[Frame]] = {identity: [] for identity in queues}
        within = max((captures[each].deadlines.board_frames for each in queues), default=0.0)
        deadline = time.monotonic() + within
        while any(len(each) < count for each in taken.values()) and time.monotonic() < deadline:
            token.raise_if_cancelled()
            for identity, each in taken.items():
                frame = queues[identity].get(0.02) if len(each) < count else None
                if frame is not None:
                    each.append(frame)
        return taken


def go(robot: RobotClient, motion: JointTrajectory, speed: float, token: Cancellation) -> None:
    """Execute one motion to its end. Raises RobotError when the arm does not get there; cancelling stops the arm."""
    robot.execute(robot.stage(Plan.of_motion(motion).to_bytes()).nonce, speed)
    deadline = time.monotonic() + 2.0 * motion.duration / speed + 5.0
    while True:
        status = robot.settled_status
        state = ArmState.FOLLOWING if status is None else status.state
        if state is ArmState.HOLDING:
            if status is not None and status.fault:
                raise RobotError(status.fault)
            return
        if token.cancelled or time.monotonic() > deadline:
            robot.stop()
            token.raise_if_cancelled()
            raise RobotError("The arm did not get there in time, and was stopped.")
        if state not in _MOVING:
            raise RobotError((status.fault if status is not None else "") or f"The arm is {state}.")
        time.sleep(_POLL)


def _seen(session: CalibrationSession, identity: str, taken: list[Frame], count: int) -> tuple[BoardView | None, str]:
    name = session.camera(identity).name
    if len(taken) < min(3, count):
        return None, f"{name} sends no pictures. Check its cable."
    sightings = [look_for_board(frame.rgb, session.board, camera=name) for frame in taken]
    views = [sighting.view for sighting in sightings if sighting.view is not None]
    if len(views) < (len(taken) + 1) // 2:
        return None, next(sighting.problem for sighting in sightings if sighting.problem)
    lens = session.camera(identity).intrinsics
    if (views[0].width, views[0].height) != (lens.width, lens.height):
        raise CalibrationError(
            f"The camera {name} sends {views[0].width} x {views[0].height} pictures, and its lens is known for "
            f"{lens.width} x {lens.height}. Choose that size, or measure the lens again."
        )
    view = median_view(views)
    return view, "" if view is not None else f"{name} saw the board move. Fasten the board, the camera and the arm."


def _standing_joints(robot: RobotClient) -> np.ndarray:
    """Return the measured joints (7,) of the standing arm. Raises RobotError when they are unknown or moving."""
    deadline = time.monotonic() + 2.0
    while True:
        status = robot.settled_status
        if status is not None and np.isfinite(status.position).all():
            if np.abs(status.velocity).max() < _STANDING:
                return status.position
            if time.monotonic() > deadline:
                raise RobotError("The arm moves. Let it stand still, then look again.")
        elif time.monotonic() > deadline:
            raise RobotError("The arm does not say where it is. Connect it again.")
        time.sleep(_POLL)


def free_way(robot: RobotClient, joints: np.ndarray) -> JointTrajectory | None:
    """Return a collision-free motion from here: straight in joint space, else by the home posture; None without one."""
    status = robot.settled_status or robot.status
    if status is None or not np.isfinite(status.position).all():
        raise RobotError("The arm does not say where it is. Connect it again.")
    openness = 1.0 if status.openness is None else float(np.clip(status.openness, 0.0, 1.0))
    straight = joint_keyframes(status.position, joints, openness, robot.limits)
    if is_free(straight, robot.limits):
        return straight
    there = joint_keyframes(status.position, xarm7.HOME, openness, robot.limits)
    back = joint_keyframes(xarm7.HOME, joints, openness, robot.limits)
    if len(there) < 2 or len(back) < 2 or not (is_free(there, robot.limits) and is_free(back, robot.limits)):
        return None
    times = np.concatenate([there.times, there.times[-1] + back.times[1:]])
    return JointTrajectory(times, np.concatenate([there.position, back.position[1:]]), np.full(len(times), openness))


def is_free(motion: JointTrajectory, limits: LimiterSettings) -> bool:
    """Return whether the motion respects the arm's limits, and touches neither the arm itself nor the table."""
    return not posture_findings(motion, Plan.of_motion(motion).frame_moments, limits)
