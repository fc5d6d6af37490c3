"""Scripted camera that implements the driver's protocol: it sends, is silent, or fails as the test demands."""

import queue
import time

import numpy as np

from cameras.errors import CameraError
from cameras.frame import Frame


def picture(seed: int, width: int = 64, height: int = 48) -> np.ndarray:
    """Make an image of sensor noise: no two seeds give the same pixels."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def wait_until(condition, timeout: float = 10.0):
    """Return the condition's first true value; fails after a generous timeout."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)
    return value


class ScriptedCamera:
    identity = "scripted:1"
    name = "Bench camera"
    fps = 30.0
    size = (64, 48)
    intrinsics = None

    def __init__(self):
        self.present = True
        self.opened = self.closed = 0
        self._script: queue.Queue[Frame | CameraError] = queue.Queue()

    def send(self, number: int, captured: float, rgb: np.ndarray | None = None) -> None:
        rgb = picture(number) if rgb is None else rgb.copy()
        self._script.put(Frame(self.identity, number, captured, rgb))

    def fail(self, error: CameraError) -> None:
        self._script.put(error)

    def open(self) -> None:
        if not self.present:
            raise CameraError("Bench camera is not there. Plug it in.")
        self.opened += 1

    def read(self, timeout: float) -> Frame | None:
        try:
            next_one = self._script.get(timeout=timeout)
        except queue.Empty:
            return None
        if isinstance(next_one, CameraError):
            raise next_one
        return next_one

    def close(self) -> None:
        self.closed += 1
