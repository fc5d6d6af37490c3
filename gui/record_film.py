"""A recorded episode made ready to be watched at once: fewer and smaller pictures, undistorted, with the tool's way."""

from pathlib import Path

import cv2
import numpy as np

from foundation.camera import Camera
from foundation.trajectory import Trajectory
from gui.film import Film, Way, way_in
from storage.clips import undistorted
from storage.episode import Episode
from storage.errors import DamagedFileError

_MOST = 240  # pictures of each view: with two views some 80 MB
_RATE = 10.0  # pictures a second, of short episodes
_WIDTH = 400  # px


def episode_film(folder: Path) -> Film:
    """The episode in a folder, from its first to its last moment. Raises DamagedFileError when nothing can be shown."""
    episode = Episode(folder)
    views = [view for view in range(len(episode.views)) if episode.facts.views[view].frames]
    if not views:
        raise DamagedFileError("No camera gave a picture: there is nothing to look at. Discard it, and record again.")
    count = int(np.clip(_RATE * episode.facts.duration_s, 2, _MOST))
    moments = np.linspace(0.0, max(episode.facts.duration_s, 0.1), count)
    motion = None if episode.trajectory is None else episode.trajectory.at(moments)
    pictures = [_pictures(episode, view, moments) for view in views]
    ways = [_way(episode.camera(view), rgb, motion) for view, rgb in zip(views, pictures, strict=True)]
    closed = np.zeros(count, bool) if motion is None else motion.openness < 0.5
    names = tuple(episode.views[view].name for view in views)
    return Film(names, tuple(pictures), None, tuple(ways), moments, None, closed)


def _pictures(episode: Episode, view: int, moments: np.ndarray) -> np.ndarray:
    """(T, h, w, 3) uint8: the frame nearest to each moment, made small one by one."""
    spec, calibration = episode.views[view], episode.calibration(view)
    size = (_WIDTH, round(spec.height * _WIDTH / spec.width))
    indices = episode.nearest(view, moments, 0.0 if calibration is None else calibration.delay_s)
    shown = np.empty((len(moments), size[1], size[0], 3), np.uint8)
    with episode.film(view) as film:
        for place, index in enumerate(indices):
            if place and index == indices[place - 1]:
                shown[place] = shown[place - 1]
                continue
            picture = film.frame(int(index))
            if calibration is not None:
                picture = undistorted(picture[None], calibration)[0]
            cv2.resize(picture, size, dst=shown[place], interpolation=cv2.INTER_AREA)
    return shown


def _way(camera: Camera | None, rgb: np.ndarray, motion: Trajectory | None) -> Way:
    count, height, width = rgb.shape[:3]
    if camera is None or motion is None:
        return Way(np.full((count, 2), np.nan), np.full((count, 4, 2), np.nan), np.zeros(count, bool))
    return way_in(camera.resized(width, height), motion)
