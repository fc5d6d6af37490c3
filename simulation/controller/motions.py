"""Planned motions, which the controller queues in mode 0: joint moves, lines, circles, pauses, playback."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from foundation import xarm7
from foundation.poses import from_rotation_vector, rotation_vector
from simulation.controller.kinematics import TICK, ControllerFault, Profile, check_goal, follow, pose_error, solve
from simulation.controller.settings import Settings

ROTATION_PER_METRE = np.pi  # a pure rotation at 1000 mm/s is one at 180 deg/s (user manual)
PLAYBACK_START_SPEED = 0.5  # rad/s, on the way to a recording's first sample
SETTLE_TICKS = 25  # at most, to remove the residual of path tracking


class Motion(Protocol):
    """Motion that begins where the one before it ended, and returns the joints (7,) of each following cycle."""

    @property
    def finished(self) -> bool: ...

    def begin(self, q: np.ndarray, settings: Settings) -> None:
        """Plan from joints (7,) at rest; raises ControllerFault when the motion does not exist."""
        ...

    def advance(self, dt: float) -> np.ndarray:
        """Return the joints (7,) after another `dt` s of the motion's own time, which a pause slows down."""
        ...


class Way:
    """Progress along a path of a given length, with limited speed, acceleration and jerk."""

    def __init__(self, length: float, speed: float, acceleration: float, jerk: float):
        self._profile = Profile(np.zeros(1), np.zeros(1), np.zeros(1))
        self._length = length
        if length > 1e-9:
            self._profile.to_position([length], [max(speed, 1e-6)], [max(acceleration, 1e-3)], [max(jerk, 1e-2)])

    def advance(self, dt: float) -> float:
        """Advance by `dt` s and return the travelled fraction of the path in [0, 1]."""
        travelled = float(self._profile.advance(dt)[0])
        return 1.0 if self.finished else min(1.0, travelled / self._length)

    @property
    def finished(self) -> bool:
        return self._profile.finished


class JointMove:
    """Straight in joint space. `target` (7,) rad, where infinity keeps a joint; `speed` rad/s of the fastest joint."""

    def __init__(self, target: np.ndarray, speed: float, acceleration: float, relative: bool = False):
        self._wanted, self._relative = np.asarray(target, float), relative
        self._speed, self._acceleration = speed, acceleration

    def begin(self, q: np.ndarray, settings: Settings) -> None:
        self._start = q.copy()
        self._change = joint_target(self._wanted, q, self._relative) - q
        check_goal(q + self._change, settings)
        speed = min(self._speed, settings.max_joint_speed)
        acceleration = min(self._acceleration, settings.joint_acceleration)
        self._way = Way(float(np.abs(self._change).max()), speed, acceleration, settings.joint_jerk)

    def advance(self, dt: float) -> np.ndarray:
        return self._start + self._way.advance(dt) * self._change

    @property
    def finished(self) -> bool:
        return self._way.finished


def joint_target(wanted: np.ndarray, q: np.ndarray, relative: bool) -> np.ndarray:
    """Return joints (7,): `wanted`, or `wanted` added to `q`; joints that are not finite keep their position."""
    if relative:
        return q + np.where(np.isfinite(wanted), wanted, 0.0)
    return np.where(np.isfinite(wanted), wanted, q)


class CartesianMove:
    """Tool motion on a path; `_plan` returns its length in m and `_pose` the pose at a fraction of it."""

    def __init__(self, speed: float, acceleration: float):
        self._speed, self._acceleration = speed, acceleration

    def begin(self, q: np.ndarray, settings: Settings) -> None:
        self._q, self._settings, self._settling = q.copy(), settings, 0
        length = self._plan(settings.tool_in_base(q), settings)
        check_goal(solve(self._pose(1.0), q, settings), settings)
        speed = min(self._speed, settings.max_tcp_speed)
        acceleration = min(self._acceleration, settings.tcp_acceleration_mm / 1000.0)
        self._way = Way(length, speed, acceleration, settings.tcp_jerk_mm / 1000.0)
        self._arrived = False

    def advance(self, dt: float) -> np.ndarray:
        goal = self._pose(self._way.advance(dt))
        self._q = follow(self._q, goal, self._settings)
        if self._way.finished:
            self._settling += 1
            left = np.abs(pose_error(goal, self._settings.tool_in_base(self._q))).max()
            self._arrived = bool(left < 1e-6) or self._settling >= SETTLE_TICKS
        return self._q

    @property
    def finished(self) -> bool:
        return self._arrived

    def _plan(self, start: np.ndarray, settings: Settings) -> float:
        raise NotImplementedError

    def _pose(self, part: float) -> np.ndarray:
        raise NotImplementedError


class LineMove(CartesianMove):
    """Straight to the pose `target(start)`, rotating evenly; speeds in m/s and m/s2."""

    def __init__(self, target: Callable[[np.ndarray, Settings], np.ndarray], speed: float, acceleration: float):
        super().__init__(speed, acceleration)
        self._target = target

    def _plan(self, start: np.ndarray, settings: Settings) -> float:
        goal = self._target(start, settings)
        self._start = start
        self._change = goal[:3, 3] - start[:3, 3]
        self._turn = rotation_vector(goal[:3, :3] @ start[:3, :3].T)
        return float(max(np.linalg.norm(self._change), np.linalg.norm(self._turn) / ROTATION_PER_METRE))

    def _pose(self, part: float) -> np.ndarray:
        pose = self._start.copy()
        pose[:3, 3] += part * self._change
        pose[:3, :3] = from_rotation_vector(part * self._turn) @ self._start[:3, :3]
        return pose


class CircleMove(CartesianMove):
    """Part of the circle through the start and two points (3,) in base, m; the tool keeps its orientation."""

    def __init__(self, points: Callable[[Settings], np.ndarray], turns: float, speed: float, acceleration: float):
        super().__init__(speed, acceleration)
        self._points, self._angle = points, 2.0 * np.pi * turns

    def _plan(self, start: np.ndarray, settings: Settings) -> float:
        self._start = start
        first, second = self._points(settings) - start[:3, 3]
        normal = np.cross(first, second)
        size = float(normal @ normal)
        if size < 1e-12:  # (1 mm x 1 mm): no circle through these points
            raise ControllerFault(32)
        outward = (first @ first) * np.cross(second, normal) - (second @ second) * np.cross(first, normal)
        self._to_centre = outward / (2.0 * size)
        self._axis = normal / np.sqrt(size)
        return float(np.linalg.norm(self._to_centre) * abs(self._angle))

    def _pose(self, part: float) -> np.ndarray:
        pose = self._start.copy()
        turned = from_rotation_vector(self._axis * (self._angle * part)) @ -self._to_centre
        pose[:3, 3] += self._to_centre + turned
        return pose


class Dwell:
    """Pause for a time; with `action`, calls it at once instead."""

    def __init__(self, seconds: float = 0.0, action: Callable[[], None] | None = None):
        self._left, self._action = seconds, action

    def begin(self, q: np.ndarray, settings: Settings) -> None:
        self._q = q
        if self._action is not None:
            self._action()

    def advance(self, dt: float) -> np.ndarray:
        self._left -= dt
        return self._q

    @property
    def finished(self) -> bool:
        return self._left <= 1e-9


class Playback:
    """Recording (n, 7) of one sample per cycle, `times` over (-1: for ever), each at `rate` times its speed."""

    def __init__(self, samples: np.ndarray, times: int, rate: int):
        self._samples, self._times, self._rate = samples, times, rate

    def begin(self, q: np.ndarray, settings: Settings) -> None:
        self._settings, self._played, self._index = settings, 0, 0.0
        self._approach = self._return_from(q)

    def _return_from(self, q: np.ndarray) -> JointMove:
        move = JointMove(self._samples[0], PLAYBACK_START_SPEED, xarm7.MAX_JOINT_ACCELERATION)
        move.begin(q, self._settings)
        return move

    def advance(self, dt: float) -> np.ndarray:
        if not self._approach.finished:
            return self._approach.advance(dt)
        self._index += self._rate * dt / TICK
        last = len(self._samples) - 1
        if self._index >= last:
            self._played += 1
            if not self.finished:
                self._approach, self._index = self._return_from(self._samples[-1]), 0.0
            return self._samples[-1]
        before = int(self._index)
        part = self._index - before
        return (1.0 - part) * self._samples[before] + part * self._samples[before + 1]

    @property
    def finished(self) -> bool:
        return 0 <= self._times <= self._played
