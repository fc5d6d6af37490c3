"""Where the frames of a recording come from."""

import queue
from typing import Protocol

import numpy as np


class StampedFrame(Protocol):
    """A picture as the camera gave it: `rgb` (H, W, 3) uint8, `captured` s monotonic, `number` the camera's own."""

    @property
    def rgb(self) -> np.ndarray: ...
    @property
    def captured(self) -> float: ...
    @property
    def number(self) -> int: ...


class FrameSource(Protocol):
    """Where a view's frames come from; bounded, and it counts what did not fit. A `cameras` subscription is one."""

    def get(self, timeout: float) -> StampedFrame | None: ...
    @property
    def dropped(self) -> int: ...


class FrameQueue:
    """A source for whoever pushes frames: `offer` never waits, the newest are lost when `size` are waiting."""

    def __init__(self, size: int = 64):
        self._frames: queue.Queue[StampedFrame] = queue.Queue(size)
        self.dropped = 0

    def offer(self, frame: StampedFrame) -> bool:
        """Whether there was room."""
        try:
            self._frames.put_nowait(frame)
        except queue.Full:
            self.dropped += 1
            return False
        return True

    def get(self, timeout: float) -> StampedFrame | None:
        try:
            return self._frames.get(timeout=timeout)
        except queue.Empty:
            return None
