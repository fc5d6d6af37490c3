"""Health of a running camera: live, slow, frozen, stalled or gone.

Pure: time is passed in, so the same rules apply in virtual time.
"""

from collections import deque
from dataclasses import dataclass, replace
from enum import StrEnum

from cameras.errors import CameraError
from cameras.frame import Frame, same_picture
from foundation.deadlines import PRODUCTION, Deadlines

FPS_WINDOW = 2.0


class State(StrEnum):
    """State of a camera; only LIVE is good enough to move the arm by."""

    OPENING = "opening"
    LIVE = "live"
    SLOW = "slow"
    FROZEN = "frozen"
    STALLED = "stalled"
    GONE = "gone"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Figures:
    """Statistics of a camera at one time.

    `fps` is over the last two seconds; `dropped` frames by the camera's own counter, of `received + dropped`; `age` s
    of the newest frame, None before the first; `failures` counts failed connections; `last_error` is the message of the
    last.
    """

    state: State
    fps: float
    received: int
    dropped: int
    age: float | None
    failures: int
    last_error: str | None


class Health:
    """Health monitor of one camera; times in s on the machine's monotonic clock, never decreasing."""

    def __init__(self, deadlines: Deadlines = PRODUCTION):
        self._deadlines = deadlines
        self._nominal_fps: float | None = None
        self._best_fps = 0.0
        self._opened: float | None = None
        self._closed = False
        self._newest: Frame | None = None
        self._first_arrival: float | None = None
        self._unchanged_since = 0.0
        self._arrivals: deque[float] = deque()
        self._received = self._dropped = self._failures = 0
        self._last_error: str | None = None

    @property
    def newest(self) -> Frame | None:
        return self._newest

    def opened(self, now: float, nominal_fps: float | None) -> None:
        self._opened, self._nominal_fps = now, nominal_fps
        self._first_arrival = None
        self._arrivals.clear()

    def failed(self, error: CameraError) -> None:
        self._opened = None
        self._failures += 1
        self._last_error = str(error)

    def closed(self) -> None:
        self._closed = True

    def received(self, frame: Frame, now: float) -> Frame:
        """Register a frame and return it, with a capture time that is never in the future."""
        if frame.captured > now:
            frame = replace(frame, captured=now)
        previous = self._newest
        if self._first_arrival is None:
            self._first_arrival = self._unchanged_since = now
        elif previous is not None:
            # A counter that decreased means a restarted camera, not dropped frames.
            self._dropped += max(frame.number - previous.number - 1, 0)
            if not same_picture(previous, frame):
                self._unchanged_since = now
        self._newest = frame
        self._received += 1
        self._arrivals.append(now)
        while self._arrivals[0] < now - max(FPS_WINDOW, self._deadlines.frame_rate):
            self._arrivals.popleft()
        if now - self._first_arrival >= FPS_WINDOW:
            self._best_fps = max(self._best_fps, self._fps(now))
        return frame

    def state(self, now: float) -> State:
        if self._closed:
            return State.CLOSED
        if self._opened is None:
            return State.GONE if self._last_error else State.OPENING
        if self._first_arrival is None:
            return State.OPENING if now - self._opened < self._deadlines.first_frame else State.STALLED
        last = self._arrivals[-1]
        if now - last >= self._deadlines.no_frame:
            return State.STALLED
        if last - self._unchanged_since >= self._deadlines.same_frame:
            return State.FROZEN
        return State.SLOW if self._is_slow(now, self._first_arrival) else State.LIVE

    def figures(self, now: float) -> Figures:
        age = None if self._newest is None else now - self._newest.captured
        return Figures(
            self.state(now), self._fps(now), self._received, self._dropped, age, self._failures, self._last_error
        )

    def _fps(self, now: float) -> float:
        # Counted up to now, so that the rate of a camera that has stopped falls.
        recent = [moment for moment in self._arrivals if moment >= now - FPS_WINDOW]
        return (len(recent) - 1) / (now - recent[0]) if len(recent) > 1 and now > recent[0] else 0.0

    def _is_slow(self, now: float, first_arrival: float) -> bool:
        window = self._deadlines.frame_rate
        due = window * (self._nominal_fps or self._best_fps)
        if due < 2 or now - first_arrival < window:
            return False
        return sum(moment > now - window for moment in self._arrivals) < due / self._deadlines.frame_periods
