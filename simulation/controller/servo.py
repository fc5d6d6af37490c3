"""Servo mode (1): the arm moves to the newest target at once."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from simulation.controller.kinematics import TICK, ControllerFault, solve
from simulation.controller.settings import Settings

SPEED_TOLERANCE = 1.02
# A stream's speed is judged over this many cycles, so that unevenly arriving targets are not a fault.
SHORTEST_WINDOW, LONGEST_WINDOW = 5, 10
LONGEST_INTERVAL = 5  # cycles between two targets that are still joined by an even motion


@dataclass(frozen=True, eq=False, slots=True)
class _Taken:
    """Target accepted in cycle `tick`: joints `q` (7,) rad, the tool (3,), and when it `arrived`, s."""

    q: np.ndarray
    point: np.ndarray
    arrived: float
    tick: int


class Servo:
    """Mode 1: the arm moves to the newest joint target at once, without planning; surplus targets are dropped.

    Between two targets the arm moves evenly, at most at the joints' speed limit. A stream faster than the limit of the
    joints (C24) or the tool (C60) is refused. The duration of a stream is the longer of the cycles and of the time
    between arrivals: a machine that stalls this program stops the cycles, which no real controller suffers.
    """

    def __init__(self, q: np.ndarray, settings: Settings):
        self._settings = settings
        self._pending: tuple[np.ndarray, float] | None = None
        self._target = q
        self._left = 0  # cycles until the target is due
        self._history: deque[_Taken] = deque(maxlen=LONGEST_WINDOW + 1)

    def target(self, q: np.ndarray, arrived: float) -> None:
        self._pending = q, arrived

    def target_pose(self, base_from_tool: np.ndarray, q: np.ndarray, arrived: float) -> None:
        """Set a target pose; raises C21 when it cannot be reached from joints (7,) `q`."""
        self._pending = solve(base_from_tool, q, self._settings, code=21), arrived

    @property
    def pending(self) -> np.ndarray:
        """Joints (7,) that the arm is moving to."""
        return self._target if self._pending is None else self._pending[0]

    @property
    def busy(self) -> bool:
        return self._pending is not None or self._left > 0

    def pause(self) -> None:
        self._pending, self._left = None, 0
        self._history.clear()

    def resume(self, q: np.ndarray) -> None:
        self._target = q

    def step(self, q: np.ndarray, tick: int) -> np.ndarray:
        if self._pending is not None:
            self._accept(*self._pending, q, tick)
            self._pending = None
        if self._left == 0:
            return q
        most = self._settings.max_joint_speed * TICK
        change = np.clip((self._target - q) / self._left, -most, most)
        after = q + change
        arrived = np.abs(self._target - after).max() < 1e-12
        self._left = 0 if arrived else max(1, self._left - 1)
        return after

    def _accept(self, target: np.ndarray, arrived: float, q: np.ndarray, tick: int) -> None:
        settings = self._settings
        if not np.all((target >= settings.lower) & (target <= settings.upper)):
            raise ControllerFault(23)
        point = settings.tool_in_base(target)[:3, 3]
        reference = self._reference(q, tick, arrived)
        elapsed = max((tick - reference.tick) * TICK, arrived - reference.arrived) * SPEED_TOLERANCE
        if np.abs(target - reference.q).max() > settings.max_joint_speed * elapsed:
            raise ControllerFault(24)
        most = settings.max_tcp_speed * settings.servo_speed_factor
        if np.linalg.norm(point - reference.point) > most * elapsed:
            raise ControllerFault(60)
        interval = tick - self._history[-1].tick if self._history else 1
        self._left = min(max(interval, 1), LONGEST_INTERVAL)
        self._target = target
        self._history.append(_Taken(target, point, arrived, tick))

    def _reference(self, q: np.ndarray, tick: int, arrived: float) -> _Taken:
        """Return the target that the newest one is compared with, with its time: 20 to 40 ms ago where there is one."""
        started = bool(self._history)
        while self._history and self._history[0].tick < tick - LONGEST_WINDOW:
            self._history.popleft()
        for entry in reversed(self._history):
            if entry.tick <= tick - SHORTEST_WINDOW:
                return entry
        if self._history:
            return self._history[0]
        window = LONGEST_WINDOW if started else SHORTEST_WINDOW
        return _Taken(q, self._settings.tool_in_base(q)[:3, 3], arrived - window * TICK, tick - window)
