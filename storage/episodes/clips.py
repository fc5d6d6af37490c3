"""Clips of episodes for a model: fixed rate, cut by time, undistorted; nothing is copied on disk."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from foundation.camera import Camera
from foundation.trajectory import Trajectory
from storage.episodes.documents import Calibration, ViewSpec
from storage.episodes.episode import Episode
from storage.errors import StorageError

CalibrationChoice = Callable[[Episode, ViewSpec], Calibration | None]
"""Which calibration a view is undistorted with and placed by; see `as_recorded`."""


def as_recorded(episode: Episode, view: ViewSpec) -> Calibration | None:
    """Return the calibration in force when the episode was recorded."""
    return view.calibration


@dataclass(frozen=True, eq=False)
class Clip:
    """T time steps of an episode, a fixed period apart.

    `trajectory` has T rows, times from 0, as executed by the arm; `rgb` (V, T, H, W, 3) uint8 are undistorted, each the
    frame captured nearest to its time step; `cameras` (V,) are those of the images; `offset_s` (V, T) is the difference
    between capture time and time step, corrected for camera delay; `start_s` is since the episode's start.
    """

    episode: str
    instruction: str
    paraphrases: tuple[str, ...]
    start_s: float
    cameras: tuple[Camera, ...]
    trajectory: Trajectory
    rgb: np.ndarray
    offset_s: np.ndarray


@dataclass(frozen=True)
class ClipSettings:
    """Settings of a clip: `frames` time steps, `period_s` apart.

    A new clip begins every `stride_s` (by default clips follow each other without a gap). `views`: names, None for all
    calibrated ones. `size`: (width, height), None for that recorded.
    """

    frames: int
    period_s: float
    stride_s: float | None = None
    views: tuple[str, ...] | None = None
    size: tuple[int, int] | None = None

    def __post_init__(self):
        if self.frames < 1 or not self.period_s > 0 or (self.stride_s is not None and not self.stride_s > 0):
            raise ValueError("a clip needs at least one frame, and a period and stride above 0 s")

    @property
    def length_s(self) -> float:
        return (self.frames - 1) * self.period_s


class ClipView:
    """Sequence of the clips of some episodes: `len(view)`, `view[i]`. Videos are decoded on access.

    An episode shorter than a clip gives one, held at its end. Episodes without an arm or without a requested camera are
    left out; `skipped` has the reasons. Raises DamagedFileError if a required episode is damaged.
    """

    def __init__(self, folders: Sequence[Path], settings: ClipSettings, calibration: CalibrationChoice = as_recorded):
        self.settings, self._calibration = settings, calibration
        self.skipped: dict[str, str] = {}
        self._clips: list[tuple[Path, float]] = []
        for folder in folders:
            self._clips += [(folder, start) for start in self._starts(folder)]

    def __len__(self) -> int:
        return len(self._clips)

    def __getitem__(self, index: int) -> Clip:
        folder, start = self._clips[index]
        episode = Episode(folder)
        assert episode.trajectory is not None
        times = start + self.settings.period_s * np.arange(self.settings.frames)
        moments, which = np.unique(np.clip(times, *episode.span), return_inverse=True)
        motion = episode.trajectory.at(moments)
        moving = Trajectory(times - start, motion.base_from_tool[which], motion.openness[which])
        views = [self._view(episode, view, np.clip(times, *episode.span)) for view in self._views(episode)]
        cameras, pictures, offsets = zip(*views, strict=True)
        labels = episode.labels
        return Clip(
            str(episode.id),
            labels.instruction,
            labels.paraphrases,
            start,
            cameras,
            moving,
            np.stack(pictures),
            np.stack(offsets),
        )

    def _starts(self, folder: Path) -> list[float]:
        episode = Episode(folder)
        views = self._views(episode)
        if episode.trajectory is None:
            self.skipped[str(episode.id)] = "nothing is known of the arm"
            return []
        if not views or (self.settings.views is not None and len(views) < len(self.settings.views)):
            self.skipped[str(episode.id)] = "a camera that is wanted is missing, empty or not calibrated"
            return []
        begin, end = episode.span
        stride = self.settings.stride_s or self.settings.frames * self.settings.period_s
        count = 1 + max(int((end - begin - self.settings.length_s) / stride + 1e-9), 0)
        return [begin + stride * number for number in range(count)]

    def _views(self, episode: Episode) -> list[int]:
        wanted = self.settings.views
        return [
            index
            for index, view in enumerate(episode.views)
            if (wanted is None or view.name in wanted)
            and episode.facts.views[index].frames
            and self._calibration(episode, view) is not None
        ]

    def _view(self, episode: Episode, view: int, times: np.ndarray) -> tuple[Camera, np.ndarray, np.ndarray]:
        calibration = self._calibration(episode, episode.views[view])
        assert calibration is not None
        camera = calibration.camera(episode.views[view].name)
        indices = episode.nearest(view, times, calibration.delay_s)
        with episode.film(view) as film:
            pictures = film.frames(indices)
        pictures = undistorted(pictures, calibration)
        if self.settings.size is not None:
            pictures = np.stack([cv2.resize(p, self.settings.size, interpolation=cv2.INTER_AREA) for p in pictures])
            camera = camera.resized(*self.settings.size)
        return camera, pictures, episode.frames[view]["time"][indices] - calibration.delay_s - times


def undistorted(pictures: np.ndarray, calibration: Calibration) -> np.ndarray:
    """Undistort images (T, H, W, 3) to the calibration's ideal camera; what the lens did not see is black.

    Raises StorageError for images of another size than that of the calibration.
    """
    lens = calibration.lens
    if pictures.shape[1:3] != (lens.height, lens.width):
        raise StorageError(
            f"The calibration of {calibration.made_at[:10]} is for pictures of {lens.width} x {lens.height}, and these "
            f"are {pictures.shape[2]} x {pictures.shape[1]}. Choose another calibration."
        )
    if not any(lens.distortion):
        return pictures
    where = _maps(lens.width, lens.height, np.array(lens.K).tobytes(), np.array(lens.distortion).tobytes())
    return np.stack([cv2.remap(picture, *where, cv2.INTER_LINEAR) for picture in pictures])


@lru_cache(maxsize=16)
def _maps(width: int, height: int, K: bytes, distortion: bytes) -> tuple[np.ndarray, np.ndarray]:
    matrix = np.frombuffer(K).reshape(3, 3)
    return cv2.initUndistortRectifyMap(
        matrix, np.frombuffer(distortion), np.eye(3), matrix, (width, height), cv2.CV_16SC2
    )
