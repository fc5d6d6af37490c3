"""Where the arm was a moment ago: a picture is older than what the arm last said of itself."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from robot.service.status import RobotStatus

_KEPT = 60  # two seconds
_LONGEST_GAP = 0.5  # s between two statuses that still tell what was between them


@dataclass(frozen=True, eq=False)
class ArmPose:
    """Joints `q` (7,) rad, and how far the gripper is open in [0, 1]."""

    q: np.ndarray
    openness: float


class ArmHistory:
    """Take in each new status with `add`; `at` tells where the arm was at a moment (s, monotonic)."""

    def __init__(self):
        self._kept: deque[tuple[float, ArmPose]] = deque(maxlen=_KEPT)

    def add(self, status: RobotStatus | None) -> None:
        """A status that is new, known and later than the last one is kept; without any, nothing is known any more."""
        if status is None:
            self._kept.clear()
        elif np.isfinite(status.position).all() and (not self._kept or status.read > self._kept[-1][0]):
            openness = 1.0 if status.openness is None else status.openness
            self._kept.append((status.read, ArmPose(status.position, openness)))

    def at(self, moment: float) -> ArmPose | None:
        """Between two statuses in proportion; outside of them the nearest, None when there is none."""
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
