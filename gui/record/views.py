"""Images of the Record screen: live views with the tool's path, and the video of the episode under review.

The live views include uncalibrated cameras. For the review, the video is subsampled, downscaled and undistorted.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PySide6.QtCore import QObject, Signal

from foundation import xarm7
from foundation.camera import Camera
from foundation.errors import KnownError
from foundation.trajectory import Trajectory
from gui.live.overlay import LiveOverlay, LiveView, thinned
from gui.live.tool_outline import tool_outline
from gui.player.playback_clip import PixelPath, PlaybackClip, path_in, pixels_of
from gui.runtime.arm_history import ArmPose
from gui.runtime.connection import Connection
from gui.runtime.jobs import Jobs
from robot.service.status import RobotStatus
from storage.episodes.clips import undistorted
from storage.episodes.episode import Episode
from storage.errors import DamagedFileError
from workflows.session import Session


class TeachingViews:
    """Live views of the cameras the session had on construction, including uncalibrated ones."""

    def __init__(self, session: Session):
        self._session, self._overlay = session, LiveOverlay(session)

    def views(self, status: RobotStatus | None, trail: np.ndarray) -> list[LiveView]:
        """Return all views, with the tool at the arm's pose and its measured path `trail` (n, 3) m."""
        known = status is not None and np.isfinite(status.position).all()
        arm = None
        if known and status is not None:
            arm = ArmPose(status.position, 1.0 if status.openness is None else status.openness)
        session, shown = self._session, []
        for identity, capture in tuple(session.captures.items()):
            camera, drawing = self._overlay.cameras.get(identity), None
            if camera is not None and arm is not None:
                drawing = tool_outline(camera, arm, gripper=session.settings.arm.gripper)
                drawing = replace(drawing, trail=pixels_of(camera, thinned(trail)))
            shown.append(self._overlay.view(identity, session.names.get(identity, identity), capture, drawing))
        return shown


_MOST = 240  # frames per view: with two views about 80 MB
_RATE = 10.0  # fps, for short episodes
_WIDTH = 400  # px


def review_clip(folder: Path) -> PlaybackClip:
    """Load a whole episode for playback. Raises DamagedFileError when it has no images."""
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
    return PlaybackClip(names, tuple(pictures), None, tuple(ways), moments, None, closed)


def _pictures(episode: Episode, view: int, moments: np.ndarray) -> np.ndarray:
    """Return the frames (T, h, w, 3) uint8 nearest to `moments`, downscaled one by one."""
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


def _way(camera: Camera | None, rgb: np.ndarray, motion: Trajectory | None) -> PixelPath:
    count, height, width = rgb.shape[:3]
    if camera is None or motion is None:
        return PixelPath(np.full((count, 2), np.nan), np.full((count, 4, 2), np.nan), np.zeros(count, bool))
    return path_in(camera.resized(width, height), motion)


class RecordPictures(QObject):
    """Images of the Record screen. `film` is None until one is requested and loaded; `failed` carries the error."""

    film_changed = Signal()
    failed = Signal(KnownError)

    def __init__(self, connection: Connection, jobs: Jobs, parent: QObject | None = None):
        super().__init__(parent)
        self._connection, self._jobs = connection, jobs
        self.film: PlaybackClip | None = None
        self._wanted: Path | None = None
        self._trail: list[np.ndarray] = []
        self.look_at_cameras()

    def look_at_cameras(self) -> None:
        """Rebuild the live views for the cameras now connected."""
        self._views = TeachingViews(self._connection.session)

    def live_views(self) -> list[LiveView]:
        """Return all live views, with the tool and its path since the recording began in the calibrated ones."""
        return self._views.views(self._connection.status, np.array(self._trail).reshape(-1, 3))

    def begin_trail(self) -> None:
        """Restart the tool's path."""
        self._trail = []

    def lengthen_trail(self) -> None:
        """Append the tool's current position to its path."""
        status = self._connection.status
        if status is not None and np.isfinite(status.position).all():
            self._trail.append(xarm7.forward(status.position)[:3, 3])

    def want_film(self, folder: Path | None) -> None:
        """Load the video of the episode in this folder; None removes it."""
        if folder == self._wanted:
            return
        self._wanted = folder
        self._show(None)
        if folder is not None:
            still = self._only_for(folder)
            job = self._jobs.run(lambda *_: review_clip(folder), name="load the film")
            job.on(done=still(self._show), failed=still(self.failed.emit))

    def _only_for(self, folder: Path) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
        """Wrap callbacks so that results for a folder no longer wanted are ignored."""
        return lambda act: lambda value: act(value) if folder == self._wanted else None

    def _show(self, film: PlaybackClip | None) -> None:
        if film is not self.film:
            self.film = film
            self.film_changed.emit()
