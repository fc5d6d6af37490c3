"""Conversion of a camera's clock and frame rate to the machine's monotonic clock and frame numbers."""

import statistics
import time
from collections import deque


class ClockOffset:
    """Offset from a device's clock to the machine's monotonic clock, estimated from the arrival of frames.

    A frame arrives some delay after its capture: at least the transfer time, often more. The smallest difference in the
    last `window` s is therefore the least delayed one and free of jitter; the remaining constant minimum delay (a few
    ms over USB) is part of the measured delay between camera and arm. The window tracks clock drift (50 ppm are 0.5 ms
    in 10 s). A jump of the device's clock by more than `jump` s (restart or wrap-around) restarts the estimate.
    """

    def __init__(self, window: float = 10.0, jump: float = 1.0):
        self._half_window, self._jump = window / 2, jump
        self._older = self._newer = float("inf")
        self._half_began = 0.0

    def to_machine(self, device_time: float, arrival: float) -> float:
        """Convert `device_time` (s, device's clock) to s of the machine's clock; never after `arrival`."""
        difference = arrival - device_time
        known = min(self._older, self._newer)
        if known != float("inf") and abs(difference - known) > self._jump:
            self._older = self._newer = float("inf")
        if self._newer == float("inf"):
            self._half_began = arrival
        elif arrival - self._half_began > self._half_window:
            self._older, self._newer, self._half_began = self._newer, float("inf"), arrival
        self._newer = min(self._newer, difference)
        return device_time + min(self._older, self._newer)


def monotonic_minus_system() -> float:
    """Return the present offset (s) from the system's time of day, which may be set, to the monotonic clock."""
    best, tightest = 0.0, float("inf")
    for _ in range(3):
        before = time.monotonic()
        of_day = time.time()
        after = time.monotonic()
        if after - before < tightest:
            best, tightest = (before + after) / 2 - of_day, after - before
    return best


class FrameNumbers:
    """Frame numbers for a camera without a frame counter: a gap in time becomes a gap in the numbers.

    Meant for capture times with little jitter (a driver's timestamps). The usual period is the median of the last
    intervals, so that a camera that lengthens its exposure does not appear to drop every second frame.
    """

    def __init__(self, intervals: int = 15):
        self._intervals: deque[float] = deque(maxlen=intervals)
        self._number = 0
        self._last: float | None = None

    def next(self, captured: float) -> int:
        """Return the number of the frame captured at `captured` s."""
        missing = 0
        if self._last is not None:
            interval = captured - self._last
            if len(self._intervals) >= 5 and (period := statistics.median(self._intervals)) > 0:
                missing = max(round(interval / period) - 1, 0)
            self._intervals.append(interval)
        self._last = captured
        self._number += 1 + missing
        return self._number
