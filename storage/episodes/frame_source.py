"""Interfaces and a queue for the frames of a recording."""

import queue
from typing import Protocol

import numpy as np


class StampedFrame(Protocol):
    """Frame of a camera: `rgb` (H, W, 3) uint8, `captured` s monotonic, `number` by the camera's own counter."""

    @property
    def rgb(self) -> np.ndarray: ...
    @property
    def captured(self) -> float: ...
    @property
    def number(self) -> int: ...


class FrameSource(Protocol):
    """Bounded source of a view's frames that counts dropped ones, e.g. a `cameras` subscription."""

    def get(self, timeout: float) -> StampedFrame | None: ...
    @property
    def dropped(self) -> int: ...


class FrameQueue:
    """Source to push frames to: `offer` never waits, and drops the newest if `size` are waiting."""

    def __init__(self, size: int = 64):
        self._frames: queue.Queue[StampedFrame] = queue.Queue(size)
        self.dropped = 0

    def offer(self, frame: StampedFrame) -> bool:
        """Add a frame; return whether there was room."""
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
