"""Joint trajectory through waypoints of the tool that passes the limiter unchanged."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import BSpline, make_interp_spline
from scipy.ndimage import uniform_filter1d

from foundation import xarm7
from foundation.poses import distance, interpolate
from robot.errors import RobotError
from robot.limiter import LimiterSettings
from robot.planning.joint_trajectory import JointTrajectory
from robot.workspace import FACES, TCP, arm_points

GRIPPER_PAUSE = 1.2  # s the arm stands while the gripper moves through its whole stroke
_RADIUS = 0.2  # m per rad: path length that a rotation counts as
_SPACING = 0.005  # m of path between the poses for which the inverse kinematics is solved
_CORNER = 0.04  # m of path over which a corner is rounded
_SMOOTHING = 0.24  # s over which the speed along the path is smoothed
_FINE = 0.005  # s
_SAMPLE = 0.02  # s between the samples of the result
_JUMP = 0.25  # rad between neighbouring poses: a flip of the arm's configuration
# Part of the limiter's bounds that a plan uses: the rest is for slowing down and pausing on the path.
_SPEED_SHARE, _ACCELERATION_SHARE, _JERK_SHARE = 0.9, 0.6, 0.5


@dataclass(frozen=True, eq=False)
class Waypoint:
    """Waypoint `base_from_tool` (4, 4); `openness` in [0, 1] is set on arrival; `pause` s to stand there at least.

    The arm passes without stopping if neither the openness changes nor a pause is requested.
    """

    base_from_tool: np.ndarray
    openness: float
    pause: float = 0.0


def joint_path(
    waypoints: Sequence[Waypoint],
    near: np.ndarray,
    *,
    openness: float | None = None,
    settings: LimiterSettings = LimiterSettings(),
) -> JointTrajectory:
    """Plan from the present joints `near` (7,) straight through the waypoints, corners rounded, within `settings`.

    `openness` is the gripper's at the start (default: the first waypoint's). Raises RobotError naming the waypoint that
    cannot be reached, or on the path to which the arm would leave its workspace.
    """
    if not waypoints:
        raise RobotError("A motion needs at least one waypoint.")
    held = waypoints[0].openness if openness is None else openness
    pieces = [(near[None], np.array([held]))]
    way = [np.array(near, float)[None]]
    for number, waypoint in enumerate(waypoints, start=1):
        way.append(_straight(way[-1][-1], waypoint.base_from_tool, number))
        pause = max(waypoint.pause, GRIPPER_PAUSE * abs(waypoint.openness - held))
        if pause == 0.0 and number < len(waypoints):
            continue
        moving = _timed(np.concatenate(way), settings)
        _check_workspace(moving, number, settings)
        pieces.append((moving, np.full(len(moving), held)))
        standing = np.repeat(moving[-1:], max(1, int(np.ceil(pause / _SAMPLE))), axis=0)
        held = waypoint.openness
        pieces.append((standing, np.full(len(standing), held)))
        way = [moving[-1:]]
    position = np.concatenate([piece for piece, _ in pieces])
    return _within(position, np.concatenate([piece for _, piece in pieces]), settings)


def _straight(q: np.ndarray, goal: np.ndarray, number: int) -> np.ndarray:
    """Return joints (n, 7) along the straight line of the tool from q's pose to `goal`, without its start."""
    begin = xarm7.forward(q)
    metres, radians = distance(begin, goal)
    steps = max(1, int(np.ceil((metres + _RADIUS * radians) / _SPACING)))
    poses = interpolate(np.array([0.0, 1.0]), np.stack([begin, goal]), np.arange(1, steps + 1) / steps)
    found = []
    for pose in poses:
        solution = xarm7.inverse(pose, q)
        if solution is None:
            raise RobotError(f"The arm cannot reach waypoint {number} on a straight way. Choose another pose or way.")
        if np.abs(solution - q).max() > _JUMP:
            raise RobotError(f"On the way to waypoint {number} the arm would have to turn itself over. Go around it.")
        found.append(solution)
        q = solution
    return np.stack(found)


def _timed(way: np.ndarray, settings: LimiterSettings) -> np.ndarray:
    """Return positions (n, 7) every _SAMPLE s, from rest to rest along the joints `way` (m, 7), corners rounded."""
    path, length = _rounded(way)
    if length == 0.0:
        return way[-1:]
    slope, bend = path.derivative(1), path.derivative(2)
    at = np.linspace(0.0, length, max(50, int(length / 0.001)))
    q, along, across = path(at), np.abs(slope(at)), np.abs(bend(at))
    tool = np.linalg.norm(np.gradient(arm_points(q)[:, TCP], at, axis=0), axis=-1)
    acceleration = 0.5 * _ACCELERATION_SHARE * settings.joint_acceleration
    fastest = np.min(
        [
            (_SPEED_SHARE * settings.joint_speed / np.maximum(along, 1e-9)).min(axis=-1),
            _SPEED_SHARE * settings.tcp_speed / np.maximum(tool, 1e-9),
            np.sqrt(acceleration / np.maximum(across, 1e-9)).min(axis=-1),
        ],
        axis=0,
    )
    speed = _reachable(fastest, (acceleration / np.maximum(along, 1e-9)).min(axis=-1), at[1] - at[0])
    times = np.concatenate([[0.0], np.cumsum(2 * np.diff(at) / (speed[1:] + speed[:-1]))])
    distance_fine = _smoothed_progress(times, at)
    position = path(distance_fine)
    stretch = _stretch(position, _FINE, settings)
    moments = np.arange(len(distance_fine)) * _FINE * stretch
    wanted = np.linspace(0.0, moments[-1], int(np.ceil(moments[-1] / _SAMPLE)) + 1)
    smooth = make_interp_spline(moments, distance_fine, k=3)
    return path(np.clip(smooth(wanted), 0.0, length))


def _rounded(way: np.ndarray) -> tuple[BSpline, float]:
    """Return a smooth curve over path length (m) near the joints `way` (m, 7), with the same ends, and its length."""
    frames = xarm7.forward(way)
    metres, radians = distance(frames[:-1], frames[1:])
    turning = 0.02 * np.abs(np.diff(way, axis=0)).max(axis=-1)  # also for null-space motions
    passed = np.concatenate([[0.0], np.cumsum(metres + _RADIUS * radians + turning)])
    keep = np.concatenate([[True], np.diff(passed) > 1e-9])
    passed, way = passed[keep], way[keep]
    if len(way) < 2:
        return make_interp_spline([0.0, 1.0], np.repeat(way, 2, axis=0), k=1), 0.0
    length = float(passed[-1])
    grid = np.linspace(0.0, length, max(30, int(length / 0.002)))
    joints = np.stack([np.interp(grid, passed, column) for column in way.T], axis=-1)
    width = int(min(_CORNER, length / 3) / (grid[1] - grid[0]) / 3)
    # Mirrored at its ends, so that these stay where they are.
    before, after = 2 * joints[0] - joints[:0:-1], 2 * joints[-1] - joints[-2::-1]
    extended = np.concatenate([before, joints, after])
    for _ in range(3):
        extended = uniform_filter1d(extended, 2 * (width // 2) + 1, axis=0, mode="nearest")
    joints = extended[len(before) : len(before) + len(joints)]
    joints[[0, -1]] = way[[0, -1]]
    return make_interp_spline(grid, joints, k=5), length


def _reachable(fastest: np.ndarray, acceleration: np.ndarray, spacing: float) -> np.ndarray:
    """Return the highest speeds (n,) below `fastest` (n,), at rest at both ends, that `acceleration` (n,) allows."""
    squared = fastest**2
    squared[[0, -1]] = 0.0
    for i in range(1, len(squared)):
        squared[i] = min(squared[i], squared[i - 1] + 2 * spacing * min(acceleration[i - 1], acceleration[i]))
    for i in range(len(squared) - 2, -1, -1):
        squared[i] = min(squared[i], squared[i + 1] + 2 * spacing * min(acceleration[i + 1], acceleration[i]))
    return np.sqrt(squared)


def _smoothed_progress(times: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the path length (n,) every _FINE s with bounded jerk: three passes of a moving average."""
    fine = np.interp(np.arange(0.0, times[-1] + _FINE, _FINE), times, at)
    width = 2 * int(_SMOOTHING / 3 / _FINE / 2) + 1
    extended = np.pad(fine, 2 * width, mode="edge")
    for _ in range(3):
        extended = uniform_filter1d(extended, width, mode="nearest")
    return extended


def _stretch(position: np.ndarray, period: float, settings: LimiterSettings) -> float:
    """Return the factor (>= 1) to slow a motion (n, 7), sampled every `period` s, to the plan's share."""
    velocity = np.diff(position, axis=0) / period
    acceleration = np.diff(velocity, axis=0) / period
    jerk = np.diff(acceleration, axis=0) / period
    tool = np.linalg.norm(np.diff(arm_points(position)[:, TCP], axis=0), axis=-1) / period
    return max(
        1.0,
        np.abs(velocity).max(initial=0.0) / (_SPEED_SHARE * settings.joint_speed),
        tool.max(initial=0.0) / (_SPEED_SHARE * settings.tcp_speed),
        (np.abs(acceleration).max(initial=0.0) / (_ACCELERATION_SHARE * settings.joint_acceleration)) ** 0.5,
        (np.abs(jerk).max(initial=0.0) / (_JERK_SHARE * settings.joint_jerk)) ** (1 / 3),
    )


def _check_workspace(position: np.ndarray, number: int, settings: LimiterSettings) -> None:
    violation = settings.workspace.violation(arm_points(position)).max(axis=0)
    start = settings.workspace.violation(arm_points(position[0])).max()
    if violation.max() > max(-1e-4, start):  # 0.1 mm inside, as the limiter refuses the wall itself
        face = FACES[int(np.argmax(violation))]
        raise RobotError(f"On the way to waypoint {number} the arm would leave its workspace ({face}).")


def _within(position: np.ndarray, openness: np.ndarray, settings: LimiterSettings) -> JointTrajectory:
    """Return the trajectory of samples every _SAMPLE s, slowed down where its spline would still be too fast."""
    times = np.arange(len(position)) * _SAMPLE
    trajectory = JointTrajectory(times, position, openness)
    moments, fine = trajectory.samples(_FINE)
    stretch = _stretch(fine, float(moments[1] - moments[0]), settings) if len(times) > 1 else 1.0
    return trajectory if stretch <= 1.0 else JointTrajectory(times * stretch, position, openness)


def joint_keyframes(
    begin: np.ndarray, end: np.ndarray, openness: float, settings: LimiterSettings = LimiterSettings()
) -> JointTrajectory:
    """Plan straight in joint space from `begin` (7,) to `end` (7,) rad, within `settings`, at constant openness."""
    steps = max(2, int(np.ceil(np.abs(end - begin).max() / 0.02)) + 1)
    way = begin + np.linspace(0.0, 1.0, steps)[:, None] * (end - begin)
    position = _timed(way, settings)
    if len(position) == 1:
        return JointTrajectory(np.zeros(1), position, np.array([openness]))
    return _within(position, np.full(len(position), openness), settings)
