"""Synchronised frames from several free-running cameras."""

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
    """Return a frame of each capture, by name, taken after this call and fresh on arrival.

    Each is taken as it arrives: three cameras at five frames a second are never all fresh at once. Frames further apart
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
    """Return one frame of each camera, those captured closest together; the newest if equal."""
    around = [
        [min(reversed(frames), key=lambda each: abs(each.captured - anchor.captured)) for frames in cameras]
        for anchors in cameras
        for anchor in reversed(anchors)
    ]
    return min(around, key=_spread)


def _spread(frames: Sequence[Frame]) -> float:
    moments = [frame.captured for frame in frames]
    return max(moments) - min(moments)
