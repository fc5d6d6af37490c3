"""Pictures of one moment from several cameras that run freely."""

import contextlib
from collections.abc import Mapping, Sequence

from cameras.capture import Capture
from cameras.errors import StaleFrame
from cameras.frame import Frame
from foundation.clocks import Clock, SystemClock

_LOOK_EVERY = 0.005  # s


def synchronized_frames(
    captures: Mapping[str, Capture], timeout: float, clock: Clock = SystemClock()
) -> dict[str, Frame]:
    """By the captures' names, a frame of each that was taken after this call and was fresh when it came.

    Each as it comes: three cameras at five pictures a second are never all fresh at once. Frames further apart than
    the deadline `frame_spread` are given only when there are no others until `timeout` s have passed. Raises StaleFrame
    when a camera gives none until then.
    """
    asked = clock.now()
    spread = max((capture.deadlines.frame_spread for capture in captures.values()), default=0.0)
    taken: dict[str, list[Frame]] = {name: [] for name in captures}
    while True:
        late = clock.now() >= asked + timeout
        for name, frames in taken.items():
            with contextlib.suppress(StaleFrame):
                frame = captures[name].latest()
                if frame.captured >= asked and (not frames or frame is not frames[-1]):
                    frames.append(frame)
            if late and not frames:
                frames.append(captures[name].latest())
        if all(taken.values()):
            found = _closest(list(taken.values()))
            if late or _spread(found) <= spread:
                return dict(zip(taken, found, strict=True))
        clock.sleep_until(clock.now() + _LOOK_EVERY)


def _closest(cameras: Sequence[Sequence[Frame]]) -> list[Frame]:
    """One frame of each camera, those that were taken closest together; of equal ones the newest."""
    around = [
        [min(reversed(frames), key=lambda each: abs(each.captured - anchor.captured)) for frames in cameras]
        for anchors in cameras
        for anchor in reversed(anchors)
    ]
    return min(around, key=_spread)


def _spread(frames: Sequence[Frame]) -> float:
    moments = [frame.captured for frame in frames]
    return max(moments) - min(moments)
