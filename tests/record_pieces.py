"""Scripted camera and arm to record, with the recorder's own interfaces."""

import queue
import threading
import time
from dataclasses import dataclass, field

import numpy as np

from cameras.frame import Frame
from foundation import xarm7
from storage.episodes.documents import ViewSpec
from storage.episodes.samples import ArmSample
from workflows.recording.recorder import RecordRequest

REQUEST = RecordRequest("pick up the red cube", "jog", "Kim", ("lift the red cube",))
RATE = 30.0


@dataclass
class Camera:
    """Camera that delivers noise of 64 x 48 at 30 Hz while recorded; `fault` and `size` may be changed meanwhile."""

    name: str
    fault: str = ""
    size: tuple[int, int] = (64, 48)
    dropped: int = 0
    given: int = 0
    recorded: bool = False
    _next: float = 0.0

    def spec(self) -> ViewSpec:
        return ViewSpec(f"test:{self.name}", self.name, 64, 48, RATE)

    def begin(self) -> "Camera":
        self.recorded, self._next = True, time.monotonic()
        return self

    def end(self) -> None:
        self.recorded = False

    def get(self, timeout: float) -> Frame | None:
        wait = self._next - time.monotonic()
        if wait > timeout:
            time.sleep(timeout)
            return None
        time.sleep(max(wait, 0.0))
        captured, self._next = max(self._next, time.monotonic() - 0.02), time.monotonic() + 1.0 / RATE
        self.given += 1
        rgb = np.random.default_rng(self.given).integers(0, 255, (*self.size[::-1], 3), np.uint8)
        return Frame(f"test:{self.name}", self.given, captured, rgb)


@dataclass
class Arm:
    """Arm that turns its first joint while recorded, 100 samples a second; counts how often it was halted."""

    name: str = "xArm7"
    simulated: bool = False
    fault: str = ""
    halted: int = 0
    recorded: bool = False
    _waiting: queue.SimpleQueue = field(default_factory=queue.SimpleQueue)
    _began: float = 0.0
    _taken: int = 0

    def begin(self) -> None:
        self.recorded, self._began, self._taken = True, time.monotonic(), 0

    def take(self) -> list[ArmSample]:
        due = int(100.0 * (time.monotonic() - self._began))
        samples = [self._sample(number) for number in range(self._taken, due)]
        self._taken = max(due, self._taken)
        return samples

    def end(self) -> None:
        self.recorded = False

    def halt(self) -> None:
        self.halted += 1

    def _sample(self, number: int) -> ArmSample:
        position = np.array(xarm7.HOME, float)
        position[0] += 0.001 * number
        openness = 1.0 if number < 30 else 0.0
        return ArmSample(self._began + 0.01 * number, position=position, openness=openness, error=0, mode=1)


def until(what, seconds: float = 20.0) -> None:
    """Wait for the work of another thread."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not what():
        assert time.monotonic() < deadline
        pause.wait(0.005)
