"""Recorded trajectories of the simulated controller: one joint sample per cycle, kept by name in memory."""

from enum import IntEnum

import numpy as np

MAX_SAMPLES = 75_000  # 5 min at 250 Hz; longer is C34


class TrajectoryStatus(IntEnum):
    """Answers of register 65."""

    IDLE = 0
    LOADING = 1
    LOADED = 2
    LOAD_FAILED = 3
    SAVING = 4
    SAVED = 5
    SAVE_FAILED = 6


class Recorder:
    """Recorder of joint samples while it is on; saves and loads them by name; reading the status resets it to idle."""

    def __init__(self):
        self.recording = False
        self._samples: list[np.ndarray] = []
        self._saved: dict[str, np.ndarray] = {}
        self._status = TrajectoryStatus.IDLE
        self.loaded: np.ndarray | None = None

    def record(self, on: bool) -> None:
        if on and not self.recording:
            self._samples = []
        self.recording = on

    def sample(self, position: np.ndarray) -> bool:
        """Record a sample; return False when the recording has become too long and has ended."""
        self._samples.append(position)
        if len(self._samples) >= MAX_SAMPLES:
            self.recording = False
        return self.recording

    def save(self, name: str) -> bool:
        self.recording = False
        if len(self._samples) < 2:
            self._status = TrajectoryStatus.SAVE_FAILED
            return False
        self._saved[name] = np.array(self._samples)
        self._status = TrajectoryStatus.SAVED
        return True

    def load(self, name: str) -> bool:
        self.loaded = self._saved.get(name)
        found = self.loaded is not None
        self._status = TrajectoryStatus.LOADED if found else TrajectoryStatus.LOAD_FAILED
        return found

    def take_status(self) -> TrajectoryStatus:
        status, self._status = self._status, TrajectoryStatus.IDLE
        return status

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._saved)
