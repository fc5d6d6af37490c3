"""Injectable clocks, so that the same code runs in real and in virtual time.

Intervals are measured in seconds on one monotonic clock for the whole machine; records carry UTC.
"""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Monotonic clock in seconds since an arbitrary start."""

    def now(self) -> float: ...

    def sleep_until(self, moment: float) -> None: ...


class SystemClock:
    """The machine's monotonic clock; on Linux all processes of the machine read the same value."""

    def now(self) -> float:
        return time.monotonic()

    def sleep_until(self, moment: float) -> None:
        remaining = moment - time.monotonic()
        if remaining > 0:
            time.sleep(remaining)


class VirtualClock:
    """Clock that advances only by calls, for virtual time."""

    def __init__(self, start: float = 0.0):
        self._now = start

    def now(self) -> float:
        return self._now

    def sleep_until(self, moment: float) -> None:
        self._now = max(self._now, moment)

    def advance(self, seconds: float) -> None:
        if not seconds >= 0:
            raise ValueError(f"a clock cannot go back by {-seconds} s")
        self._now += seconds


def suspended() -> float:
    """Return the seconds this machine was suspended since boot (closed lid, stand-by); monotonic clocks omit them."""
    before = time.monotonic()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - before


def utc_now() -> datetime:
    """Return the current UTC time with its time zone, for records."""
    return datetime.now(UTC)
