"""Jitter statistics of the servo targets."""

from dataclasses import dataclass

import numpy as np

_KEPT = 6000  # a minute at 100 Hz
_BREAK = 0.5  # s: a longer gap separates two motions


@dataclass(frozen=True, slots=True)
class JitterStatistics:
    """Gaps between successive targets, over the last minute of motion."""

    count: int
    mean_ms: float
    p99_ms: float
    longest_ms: float


class ServoJitter:
    """Recorder of the last gaps; one thread marks, any thread may read."""

    def __init__(self):
        self._gaps = np.zeros(_KEPT)
        self._count = 0
        self._last = -np.inf

    def mark(self, moment: float) -> None:
        """Record that a target was sent at `moment` s."""
        gap = moment - self._last
        self._last = moment
        if gap < _BREAK:
            self._gaps[self._count % _KEPT] = gap
            self._count += 1

    @property
    def statistics(self) -> JitterStatistics:
        known = 1e3 * self._gaps[: min(self._count, _KEPT)]
        if not len(known):
            return JitterStatistics(0, 0.0, 0.0, 0.0)
        return JitterStatistics(self._count, float(known.mean()), float(np.percentile(known, 99)), float(known.max()))
