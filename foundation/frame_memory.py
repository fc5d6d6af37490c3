"""Shared memory layout of one image stream: slots with sequence numbers, and views into them."""

import mmap
from dataclasses import dataclass
from typing import Any

import numpy as np

SLOTS = 6  # a reader delayed by four frame periods still finds every frame, with one period left to copy it
_HEADER = 64  # bytes in front of the slots: u64 number of the newest frame
_SLOT_HEADER = 64  # bytes in front of each slot: u64 sequence (odd while written), f64 captured, u64 number


@dataclass(frozen=True)
class StreamInfo:
    """Description of a stream: RGB images (height, width, 3) uint8, optionally with depth (height, width) uint16 in mm.

    `details` are the publisher's own plain values (true calibration, distortion, frame rate ...).
    """

    name: str
    width: int
    height: int
    has_depth: bool
    details: dict[str, Any]

    @property
    def slot_bytes(self) -> int:
        pixels = self.width * self.height
        return _SLOT_HEADER + pixels * 3 + (pixels * 2 if self.has_depth else 0)

    @property
    def total_bytes(self) -> int:
        return _HEADER + SLOTS * self.slot_bytes


@dataclass(frozen=True, eq=False)
class StoredFrame:
    """One frame: `rgb` (H, W, 3) uint8, `depth_mm` (H, W) uint16 or None, `captured` s monotonic, its `number`."""

    rgb: np.ndarray
    depth_mm: np.ndarray | None
    captured: float
    number: int


class SlotMemory:
    """Views into a stream's memory file."""

    def __init__(self, descriptor: int, info: StreamInfo, *, writable: bool):
        access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
        self._map = mmap.mmap(descriptor, info.total_bytes, access=access)
        self._info = info
        self.newest = np.frombuffer(self._map, np.uint64, 1)
        self._slots = [self._views(_HEADER + i * info.slot_bytes) for i in range(SLOTS)]

    def _views(self, start: int):
        info, pixels = self._info, self._info.width * self._info.height
        sequence = np.frombuffer(self._map, np.uint64, 1, start)
        captured = np.frombuffer(self._map, np.float64, 1, start + 8)
        number = np.frombuffer(self._map, np.uint64, 1, start + 16)
        start += _SLOT_HEADER
        rgb = np.frombuffer(self._map, np.uint8, pixels * 3, start).reshape(info.height, info.width, 3)
        if not info.has_depth:
            return sequence, captured, number, rgb, None
        depth = np.frombuffer(self._map, np.uint8, pixels * 2, start + pixels * 3).view(np.uint16)
        return sequence, captured, number, rgb, depth.reshape(info.height, info.width)

    def slot(self, number: int):
        return self._slots[number % SLOTS]

    def close(self) -> None:
        self._slots = []
        del self.newest
        self._map.close()
