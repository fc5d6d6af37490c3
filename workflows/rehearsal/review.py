"""A stored rehearsal read back for review: what was seen, intended and measured, and the tracking error."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import av.error
import cv2
import numpy as np

from foundation import xarm7
from foundation.camera import Camera
from robot.planning.plan import Plan
from storage.episodes.episode import Episode
from storage.errors import DamagedFileError
from storage.rehearsals import read_rehearsal
from workflows.rehearsal.files import scene_file
from workflows.rehearsal.run_recording import recorded_run
from workflows.rehearsal.tracking import Tracking

_PERIOD = 0.1  # s of the motion between the times that are reviewed after a run
_HEIGHT = 360  # px of a run's frames in memory
_MOST_MOMENTS = 400


@dataclass(frozen=True, eq=False)
class RehearsalReview:
    """`record` is the content of rehearsal.json; V views, T frames of the proposal, n reviewed times of the motion.

    `scene` (V,) images (H, W, 3) at the time of the request; `rgb` and `action` (V, T, h, w, 3) uint8 or None, as seen
    by `action_cameras`; `confidence` (T,), `residual_px` (T, V); `moments` (n,) s of the plan's own time; `intended`,
    `actual` (n, 3) m, NaN where nothing was measured; `error_mm` (n,); `filmed` (V,) of the run's frames (n, h, w, 3)
    with `filmed_cameras`, empty without a recording; `damage`: message about what could not be read.
    """

    folder: Path
    record: dict[str, Any]
    plan: Plan
    scene: tuple[np.ndarray, ...]
    cameras: tuple[Camera, ...]
    rgb: np.ndarray | None
    action: np.ndarray | None
    action_cameras: tuple[Camera, ...]
    confidence: np.ndarray
    residual_px: np.ndarray
    tracking: Tracking | None
    moments: np.ndarray
    intended: np.ndarray
    actual: np.ndarray
    filmed: tuple[np.ndarray, ...] = ()
    filmed_cameras: tuple[Camera | None, ...] = ()
    damage: str = ""

    @property
    def error_mm(self) -> np.ndarray:
        if self.tracking is None:
            return np.full(len(self.moments), np.nan)
        return self.tracking.error_mm_at(self.moments)

    @property
    def frames(self) -> np.ndarray:
        """Index (n,) of the last proposal frame passed at each reviewed time."""
        passed = np.searchsorted(self.plan.frame_moments, self.moments + 1e-9, side="right") - 1
        return np.maximum(passed, 0)

    @property
    def ran(self) -> bool:
        return self.tracking is not None and len(self.tracking) > 0


def review_rehearsal(folder: Path, episode: Path | None = None) -> RehearsalReview:
    """Read a rehearsal's folder; `episode`: folder of the demonstration that its run was kept as. Takes a second.

    Raises DamagedFileError naming the file if an essential one is damaged; the run's video may be missing.
    """
    record = read_rehearsal(folder)
    try:
        plan = Plan.from_bytes((folder / "plan.bin").read_bytes())
        cameras = tuple(Camera.from_dict(values) for values in record["cameras"])
        action_cameras = tuple(Camera.from_dict(values) for values in record["action_cameras"])
        with np.load(folder / "proposal.npz") as stored:
            confidence, residual = stored["confidence"], stored["residual_px"]
        scene = tuple(_picture(folder, camera) for camera in cameras)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DamagedFileError(f"The rehearsal in {folder} is damaged: {error}.") from error
    tracking = _tracking(folder, plan)
    moments = _moments(plan, tracking)
    filmed, filmed_cameras, damage = _filmed(episode or recorded_run(folder), tracking, moments)
    return RehearsalReview(
        folder,
        record,
        plan,
        scene,
        cameras,
        _video(folder / "rgb.mp4", len(action_cameras)),
        _video(folder / "action.mp4", len(action_cameras)),
        action_cameras,
        confidence,
        residual,
        tracking,
        moments,
        _tool(np.array([plan.motion.at(moment).position for moment in moments])),
        _measured(tracking, moments),
        filmed,
        filmed_cameras,
        damage,
    )


def _picture(folder: Path, camera: Camera) -> np.ndarray:
    path = folder / scene_file(camera.name)
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise DamagedFileError(f"The picture {path} cannot be read.")
    return np.ascontiguousarray(picture[..., ::-1])


def _video(path: Path, views: int) -> np.ndarray | None:
    """Return the views (V, T, h, w, 3) of a side-by-side video; None without one."""
    if not path.exists():
        return None
    try:
        with av.open(str(path)) as container:
            pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    except (av.error.FFmpegError, OSError) as error:
        raise DamagedFileError(f"The film {path} cannot be played: {error}.") from error
    if not pictures:
        return None
    together = np.stack(pictures)
    width = together.shape[2] // views
    return np.stack([together[:, :, view * width : (view + 1) * width] for view in range(views)])


def _tracking(folder: Path, plan: Plan) -> Tracking | None:
    """Return the measurements of the run; None if it was not run."""
    path = folder / "run-1.npz"
    if not path.exists():
        return None
    try:
        with np.load(path) as stored:
            read, moments, position, openness = (stored[name] for name in ("read", "moments", "position", "openness"))
    except (OSError, KeyError, ValueError) as error:
        raise DamagedFileError(f"The file {path} is damaged: {error}.") from error
    wanted = np.array([plan.motion.at(moment).position for moment in moments]).reshape(-1, xarm7.JOINTS)
    return Tracking(read, moments, position, _tool(wanted), _tool(position), openness)


def _moments(plan: Plan, tracking: Tracking | None) -> np.ndarray:
    if tracking is None or not len(tracking):
        return plan.frame_moments.copy() if plan.frame_moments[-1] > plan.frame_moments[0] else np.zeros(1)
    count = int(np.clip(plan.motion.duration / _PERIOD, 1, _MOST_MOMENTS)) + 1
    return np.linspace(0.0, plan.motion.duration, count)


def _tool(position: np.ndarray) -> np.ndarray:
    return xarm7.forward(position.reshape(-1, xarm7.JOINTS))[:, :3, 3]


def _measured(tracking: Tracking | None, moments: np.ndarray) -> np.ndarray:
    """Return the tool position (n, 3) m at these times of the motion; NaN outside the measured range."""
    if tracking is None or not len(tracking):
        return np.full((len(moments), 3), np.nan)
    places = np.stack([np.interp(moments, tracking.moments, column) for column in tracking.actual.T], axis=-1)
    places[(moments > tracking.moments[-1] + _PERIOD) | (moments < tracking.moments[0] - _PERIOD)] = np.nan
    return places


def _filmed(
    folder: Path | None, tracking: Tracking | None, moments: np.ndarray
) -> tuple[tuple[np.ndarray, ...], tuple[Camera | None, ...], str]:
    """Return the run's frames at these times, downscaled, their cameras, and a message about what could not be read."""
    if folder is None or tracking is None or not len(tracking):
        return (), (), ""
    try:
        episode = Episode(folder)
        times = np.interp(moments, tracking.moments, tracking.read) - episode.facts.started.start
        views = [view for view in range(len(episode.views)) if len(episode.frames[view])]
        films = tuple(_pictures(episode, view, times) for view in views)
    except DamagedFileError as error:
        return (), (), str(error)
    return films, tuple(episode.camera(view) for view in views), ""


def _pictures(episode: Episode, view: int, times: Sequence[float] | np.ndarray) -> np.ndarray:
    numbers = episode.nearest(view, np.asarray(times))
    with episode.film(view) as film:
        numbers = np.minimum(numbers, max(len(film) - 1, 0))
        pictures = [_smaller(film.frame(int(number))) for number in numbers]
    return np.stack(pictures)


def _smaller(picture: np.ndarray) -> np.ndarray:
    height = min(_HEIGHT, picture.shape[0])
    size = (round(picture.shape[1] * height / picture.shape[0]), height)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
