"""Short history of the arm's poses: a camera frame is older than the newest arm status."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from robot.service.status import RobotStatus

_KEPT = 60  # two seconds
_LONGEST_GAP = 0.5  # s: longest gap between two statuses that is interpolated


@dataclass(frozen=True, eq=False)
class ArmPose:
    """Joint positions `q` (7,) rad, and gripper opening in [0, 1]."""

    q: np.ndarray
    openness: float


class ArmHistory:
    """Ring buffer of arm poses: `add` takes each new status, `at` returns the pose at a time (s, monotonic)."""

    def __init__(self):
        self._kept: deque[tuple[float, ArmPose]] = deque(maxlen=_KEPT)

    def add(self, status: RobotStatus | None) -> None:
        """Append a status with finite joint positions that is newer than the last one; None clears the history."""
        if status is None:
            self._kept.clear()
        elif np.isfinite(status.position).all() and (not self._kept or status.read > self._kept[-1][0]):
            openness = 1.0 if status.openness is None else status.openness
            self._kept.append((status.read, ArmPose(status.position, openness)))

    def at(self, moment: float) -> ArmPose | None:
        """Return the pose at `moment`, interpolated linearly; the nearest outside the history, None when empty."""
        if not self._kept:
            return None
        later = next((i for i, (time, _) in enumerate(self._kept) if time >= moment), len(self._kept))
        if later == 0 or later == len(self._kept):
            return self._kept[min(later, len(self._kept) - 1)][1]
        (t0, a), (t1, b) = self._kept[later - 1], self._kept[later]
        if t1 - t0 > _LONGEST_GAP:
            return a
        share = (moment - t0) / (t1 - t0)
        return ArmPose(a.q + share * (b.q - a.q), a.openness + share * (b.openness - a.openness))
