"""Jog step: tool velocity towards a target pose, decreasing so that the motion ends at it."""

from dataclasses import dataclass

import numpy as np

from foundation import xarm7
from foundation.poses import is_pose, rotation_vector
from robot.errors import RobotError

_GAIN = 4.0  # 1/s, proportional gain on the remaining error: smooth despite the measurement delay of 0.1 s
_NEAR, _NEAR_TURN = 1.5e-4, np.deg2rad(0.1)  # m, rad: target reached
_LEAST_SPEED, _LEAST_TURN = 0.002, 0.01  # m/s, rad/s, so that the end of a step does not creep


@dataclass(frozen=True, eq=False)
class JogStep:
    """Step to `target` (4, 4) in base at the TCP, at most at `speed` m/s and `turn` rad/s. Raises RobotError."""

    target: np.ndarray
    speed: float
    turn: float

    def __post_init__(self):
        if not is_pose(self.target) or not (0.0 < self.speed < np.inf and 0.0 < self.turn < np.inf):
            raise RobotError("A step needs a pose to go to, and speeds above zero.")

    def left(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the remaining translation (3,) m and rotation (3,) rad in base, at the measured joints q (7,) rad."""
        here = xarm7.forward(q)
        return self.target[:3, 3] - here[:3, 3], rotation_vector(self.target[:3, :3] @ here[:3, :3].T)

    def reached(self, q: np.ndarray) -> bool:
        way, turn = self.left(q)
        return bool(np.linalg.norm(way) < _NEAR and np.linalg.norm(turn) < _NEAR_TURN)

    def twist(self, q: np.ndarray) -> np.ndarray:
        """Return the velocity (6,) m/s, rad/s in base towards the target; zeros once it is reached."""
        way, turn = self.left(q)
        return np.concatenate(
            [_towards(way, self.speed, _LEAST_SPEED, _NEAR), _towards(turn, self.turn, _LEAST_TURN, _NEAR_TURN)]
        )


def _towards(left: np.ndarray, fastest: float, slowest: float, near: float) -> np.ndarray:
    distance = float(np.linalg.norm(left))
    if distance < near:
        return np.zeros(3)
    return left / distance * min(fastest, max(_GAIN * distance, slowest))
