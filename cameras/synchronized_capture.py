"""Synchronised frames from several free-running cameras."""

import contextlib
from collections.abc import Mapping, Sequence

from cameras.capture import Capture
from cameras.errors import StaleFrame
from cameras.frame import Frame
from foundation.clocks import Clock, SystemClock

FRESH = 0.1  # s: maximum age of a frame that counts as present
TOGETHER = 0.15  # s between the first and the last frame of one set
_LOOK_EVERY = 0.005  # s


def synchronized_frames(
    captures: Mapping[str, Capture], timeout: float, clock: Clock = SystemClock()
) -> dict[str, Frame]:
    """Return a frame of each capture, by name, taken after this call and fresh on arrival.

    Each is taken as it arrives: three cameras at five frames a second are never all fresh at once. Frames further apart
    than TOGETHER are returned only if there are no others until `timeout` s have passed. Raises StaleFrame if a camera
    gives none until then.
    """
    asked = clock.now()
    taken: dict[str, list[Frame]] = {name: [] for name in captures}
    while True:
        late = clock.now() >= asked + timeout
        for name, frames in taken.items():
            with contextlib.suppress(StaleFrame):
                frame = captures[name].latest(FRESH)
                if frame.captured >= asked and (not frames or frame is not frames[-1]):
                    frames.append(frame)
            if late and not frames:
                frames.append(captures[name].latest(FRESH))
        if all(taken.values()):
            found = _closest(list(taken.values()))
            if late or _spread(found) <= TOGETHER:
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
