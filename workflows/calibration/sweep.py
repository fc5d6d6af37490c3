"""Delay measurement: the arm sweeps the board slowly through the cameras' views, which shows each camera's delay."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace

import numpy as np

from cameras.calibration.board_view import BoardView, look_for_board
from cameras.calibration.delay import estimate_delay
from cameras.capture import Capture
from cameras.frame import Frame
from foundation import xarm7
from foundation.poses import invert, pose
from robot.errors import RobotError
from robot.limiter import LimiterSettings
from robot.planning.joint_trajectory import JointTrajectory
from robot.planning.waypoints import Waypoint, joint_path
from robot.service.client import RobotClient
from robot.service.status import MotionSample
from workflows.calibration.drive import free_way, go, is_free
from workflows.calibration.observations import CalibrationError, CalibrationSession, Delay
from workflows.calibration.report import CalibrationReport
from workflows.cancellation import Cancellation

_REACHES = (0.10, 0.07, 0.05)  # m to each side; the largest collision-free one is used
_SPEED = 0.8
_AROUND = 0.2  # s before and after the motion, so that late frames of it are included
_QUEUE = 400  # frames
_MARGIN = 0.25  # rad to the joint limits: a controller that catches up with late targets needs room to stop
_TRIED = 12


def sweep(
    session: CalibrationSession,
    report: CalibrationReport,
    robot: RobotClient,
    captures: Mapping[str, Capture],
    *,
    token: Cancellation | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> CalibrationSession:
    """Return the session with the delay of each camera that the sweep determines.

    Raises CalibrationError when there is no room for a sweep, RobotError when the arm does not complete it.
    """
    token = token or Cancellation()
    centre = best_pose(session, robot.limits)
    progress("Driving to the beginning of the sweep")
    there = free_way(robot, centre)
    if there is None:
        raise CalibrationError("No free way leads to the middle of the sweep. Clear the workspace, then try again.")
    go(robot, there, _SPEED, token)
    status = robot.settled_status or robot.status
    if status is None:
        raise RobotError("The arm does not say where it is. Connect it again.")
    openness = 1.0 if status.openness is None else float(np.clip(status.openness, 0.0, 1.0))
    motion = to_and_fro(status.position, openness, robot.limits)
    progress("Sweeping")
    frames, samples = _recorded(session, robot, captures, motion, token)
    progress("Comparing pictures and arm")
    delays = {
        camera.identity: found
        for camera in session.cameras
        if (found := _delay(session, report, camera.identity, frames.get(camera.identity, []), samples)) is not None
    }
    return replace(session, delays={**session.delays, **delays})


def best_pose(session: CalibrationSession, limits: LimiterSettings = LimiterSettings()) -> np.ndarray:
    """Return joints (7,) from which a sweep is possible and most cameras saw the board, the most central of those.

    Raises CalibrationError when there is none.
    """
    if not session.observations:
        raise CalibrationError("The board has not been seen yet. Visit the poses first.")
    places = np.array([each.base_from_tool[:3, 3] for each in session.observations])
    apart = np.linalg.norm(places - np.median(places, axis=0), axis=1)
    order = sorted(
        range(len(places)), key=lambda number: (-len(session.observations[number].views), float(apart[number]))
    )
    for number in order[:_TRIED]:
        joints = session.observations[number].joints
        try:
            motion = to_and_fro(joints, 1.0, limits)
        except CalibrationError:
            continue
        if xarm7.within_limits(motion.position, _MARGIN).all():
            return joints
    raise CalibrationError("There is no room for the sweep. Clear the workspace, or widen its box.")


def to_and_fro(joints: np.ndarray, openness: float, limits: LimiterSettings = LimiterSettings()) -> JointTrajectory:
    """Plan a motion twice to both sides, and up and down, from joints (7,). Raises CalibrationError without room."""
    here = xarm7.forward(joints)
    for reach in _REACHES:
        sides = [(reach, 0.0), (-reach, 0.0)] * 2 + [(0.0, reach / 2), (0.0, -reach / 2), (0.0, 0.0)]
        points = [pose(here[:3, :3], here[:3, 3] + np.array([side / 2, side, up])) for side, up in sides]
        try:
            motion = joint_path([Waypoint(point, openness) for point in points], joints, settings=limits)
        except RobotError:
            continue
        if is_free(motion, limits):
            return motion
    raise CalibrationError("There is no room for the sweep. Clear the workspace, or widen its box.")


def _recorded(
    session: CalibrationSession,
    robot: RobotClient,
    captures: Mapping[str, Capture],
    motion: JointTrajectory,
    token: Cancellation,
) -> tuple[dict[str, list[Frame]], list[MotionSample]]:
    """Record every frame and every measurement of the arm during the motion."""
    with ExitStack() as stack:
        tap = robot.tap_samples()
        stack.callback(robot.untap_samples, tap)
        queues = {}
        for camera in session.cameras:
            if (capture := captures.get(camera.identity)) is not None:
                queues[camera.identity] = capture.subscribe(_QUEUE)
                stack.callback(capture.unsubscribe, queues[camera.identity])
        token.wait(_AROUND)
        go(robot, motion, _SPEED, token)
        token.wait(_AROUND)
        frames: dict[str, list[Frame]] = {}
        for identity, queue in queues.items():
            queue.close()
            frames[identity] = []
            while (frame := queue.get(0.0)) is not None:
                frames[identity].append(frame)
        time.sleep(0.05)  # the last measurements are still in transit
        return frames, tap.take()


def _delay(
    session: CalibrationSession,
    report: CalibrationReport,
    identity: str,
    frames: list[Frame],
    samples: list[MotionSample],
) -> Delay | None:
    entry, found = session.camera(identity), report.camera(identity)
    stamped: list[float] = []
    views: list[BoardView] = []
    for frame in frames:
        view = look_for_board(frame.rgb, session.board, camera=entry.name).view
        if view is not None and len(view.ids) == len(session.board.ids):
            stamped.append(frame.captured)
            views.append(view)
    times = np.array([sample.read for sample in samples])
    joints = np.array([sample.position for sample in samples]).reshape(-1, xarm7.JOINTS)
    if len(times) < 2 or not views:
        return None
    mount = report.tool_from_board[min(session.mount, len(report.tool_from_board) - 1)]
    camera_from_base = invert(found.base_from_camera)

    def camera_from_board_at(moments: np.ndarray) -> np.ndarray:
        at = np.stack([np.interp(moments, times, column) for column in joints.T], axis=1)
        return camera_from_base @ xarm7.forward(at) @ mount

    delay = estimate_delay(np.array(stamped), views, session.board, found.intrinsics, camera_from_board_at)
    return None if delay is None else Delay(delay.seconds, delay.uncertainty, delay.frames)
