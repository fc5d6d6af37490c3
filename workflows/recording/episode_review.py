"""An episode prepared for review: one time base for all views, and the tool's path in the pixels of each."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from foundation.poses import invert, transform
from foundation.trajectory import Trajectory
from storage.episodes.documents import Calibration
from storage.episodes.episode import Episode
from storage.episodes.quality import idle_ends
from storage.errors import DamagedFileError

_AXIS = 0.05  # m: the drawn length of the tool's axes
_MOST_POINTS = 160  # of a drawn path: more are indistinguishable, and each is painted thirty times a second
_RATE = 30.0  # Hz at which an episode without images is reviewed
_MARGIN = 0.5  # of the image size: farther outside the lens model is invalid


@dataclass(frozen=True, eq=False)
class ViewPath:
    """The motion in the pixels of one camera as recorded, its distortion kept.

    `path` (P, 2), NaN where not visible; `passed` (T,) index of the last of its points passed at each time; `tool`
    (T, 4, 2) origin and ends of the axes.
    """

    path: np.ndarray
    passed: np.ndarray
    tool: np.ndarray


@dataclass(frozen=True, eq=False)
class EpisodeReview:
    """`moments` (T,) s since the episode's start: the frame times of the view that has most of them.

    `views` (V,) indices of the views that have images, `frames` (V, T) index of each one's frame nearest to each time,
    `ways` (V,) None where the camera was not calibrated; `closed` (T,) bool, whether the gripper is; `idle`: where the
    motion begins and ends, s.
    """

    episode: Episode
    moments: np.ndarray
    views: tuple[int, ...]
    frames: np.ndarray
    ways: tuple[ViewPath | None, ...]
    closed: np.ndarray
    idle: tuple[float, float]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.episode.views[view].name for view in self.views)

    def moment_near(self, seconds: float) -> int:
        """Return the index of the time nearest to `seconds` since the episode's start."""
        return int(np.argmin(np.abs(self.moments - seconds)))


def review(folder: Path) -> EpisodeReview:
    """Read an episode for review. Takes some tenths of a second.

    Raises NotFoundError when the folder is missing, DamagedFileError for what cannot be read or is empty.
    """
    episode = Episode(folder)
    views = tuple(view for view, frames in enumerate(episode.frames) if len(frames))
    motion = episode.trajectory
    if views:
        moments = max((episode.frames[view]["time"] for view in views), key=len)
    elif motion is not None:
        moments = np.arange(motion.times[0], motion.times[-1] + 1e-9, 1.0 / _RATE)
    else:
        raise DamagedFileError(f"The episode in {folder} holds neither pictures nor samples: it can only be deleted.")
    frames = np.array([episode.nearest(view, moments) for view in views], int).reshape(len(views), len(moments))
    closed = np.zeros(len(moments), bool) if motion is None else motion.at(moments).openness < 0.5
    ways = tuple(_way(episode, view, moments, motion) for view in views)
    return EpisodeReview(episode, moments, views, frames, ways, closed, idle_ends(episode.samples))


def _way(episode: Episode, view: int, moments: np.ndarray, motion: Trajectory | None) -> ViewPath | None:
    calibration = episode.calibration(view)
    if calibration is None or motion is None:
        return None
    # Frames are stamped late by the delay: what they show had happened before.
    shown = motion.at(moments - calibration.delay_s)
    ends = np.concatenate([np.zeros((1, 3)), _AXIS * np.eye(3)])
    tool = as_seen(calibration, transform(shown.base_from_tool[:, None], ends[None]))
    points = np.unique(np.linspace(0, len(moments) - 1, min(_MOST_POINTS, len(moments))).astype(int))
    return ViewPath(tool[points, 0], np.searchsorted(points, np.arange(len(moments)), side="right") - 1, tool)


def as_seen(calibration: Calibration, points: np.ndarray) -> np.ndarray:
    """Project points (..., 3) m in base to pixels (..., 2) of the raw image; NaN behind the camera or far outside."""
    lens, flat = calibration.lens, points.reshape(-1, 3)
    camera_from_base = invert(np.array(calibration.base_from_camera))
    ideal = calibration.camera("").project(flat)
    size = np.array([lens.width, lens.height])
    seen = np.isfinite(ideal).all(axis=1) & (np.abs(ideal - 0.5 * size) < (0.5 + _MARGIN) * size).all(axis=1)
    pixels = np.full((len(flat), 2), np.nan)
    if seen.any():
        rotation, _ = cv2.Rodrigues(camera_from_base[:3, :3])
        distortion = np.array(lens.distortion, float) if lens.distortion else np.zeros(4)
        found, _ = cv2.projectPoints(flat[seen], rotation, camera_from_base[:3, 3], np.array(lens.K), distortion)
        pixels[seen] = found[:, 0]
    return pixels.reshape(*points.shape[:-1], 2)
