"""Episode read from its folder: documents, samples, frame times, videos."""

import uuid
from functools import cached_property
from pathlib import Path

import numpy as np

from foundation.camera import Camera
from foundation.trajectory import Trajectory
from storage.episodes.documents import Calibration, ViewSpec
from storage.episodes.finalize import FRAME, FRAMES, SAMPLES, THUMBNAIL, VIEW_FRAME
from storage.episodes.recovery import read_episode
from storage.episodes.samples import SAMPLE, read_parquet, trajectory
from storage.errors import DamagedFileError, NotFoundError
from storage.video.reader import VideoReader


class Episode:
    """Contents of one episode's folder; all but the documents are read on first access.

    Times are s since the episode's start, trimming not applied. Raises NotFoundError, or DamagedFileError naming the
    file.
    """

    def __init__(self, folder: Path):
        if not folder.is_dir():
            raise NotFoundError(f"The episode's folder {folder} is gone. Was it deleted or moved?")
        self.folder = folder
        self.facts, self.labels = read_episode(folder)

    @property
    def id(self) -> uuid.UUID:
        return self.facts.id

    @property
    def views(self) -> tuple[ViewSpec, ...]:
        return self.facts.started.new.views

    @property
    def thumbnail(self) -> Path | None:
        """JPEG of the last frame, None if no camera gave an image."""
        path = self.folder / THUMBNAIL
        return path if path.exists() else None

    @property
    def span(self) -> tuple[float, float]:
        """Start and end of the part that remains after trimming, s."""
        end = self.facts.duration_s if self.labels.trim_end_s is None else self.labels.trim_end_s
        return self.labels.trim_start_s, min(end, self.facts.duration_s)

    @cached_property
    def samples(self) -> np.ndarray:
        """Samples of the arm (n,) `samples.SAMPLE`."""
        return read_parquet(self.folder / SAMPLES, SAMPLE)

    @cached_property
    def trajectory(self) -> Trajectory | None:
        """Trajectory of the tool, None if unknown."""
        return trajectory(self.samples)

    @cached_property
    def frames(self) -> list[np.ndarray]:
        """Frames (n,) `finalize.FRAME` of each view: capture time, number, whether it repeats."""
        table = read_parquet(self.folder / FRAMES, VIEW_FRAME)
        found = []
        for view in range(len(self.views)):
            rows = table[table["view"] == view]
            frames = np.zeros(len(rows), FRAME)
            for name in FRAME.names or ():
                frames[name] = rows[name]
            found.append(frames)
        return found

    def nearest(self, view: int, times: np.ndarray, delay_s: float = 0.0) -> np.ndarray:
        """Return the indices (n,) of the frames captured nearest to `times` (n,); the timestamps are `delay_s` late."""
        taken = self.frames[view]["time"] - delay_s
        if not len(taken):
            raise DamagedFileError(f"The view {self.views[view].name} of the episode {self.id} has no frames.")
        after = np.clip(np.searchsorted(taken, times), 1, max(len(taken) - 1, 1))
        before = after - 1
        after = np.minimum(after, len(taken) - 1)
        return np.where(np.abs(taken[after] - times) < np.abs(times - taken[before]), after, before)

    def film(self, view: int) -> VideoReader:
        """Open the video of one view; the caller closes it."""
        spec = self.views[view]
        return VideoReader(self.folder / self.facts.views[view].file, spec.width, spec.height)

    def calibration(self, view: int) -> Calibration | None:
        """Return the calibration in force when this was recorded."""
        return self.views[view].calibration

    def camera(self, view: int) -> Camera | None:
        """Return the ideal camera of the view's undistorted images, None if it was not calibrated."""
        calibration = self.calibration(view)
        return None if calibration is None else calibration.camera(self.views[view].name)
