"""Synchronised videos of one scene from several calibrated cameras, from an episode or from video files."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import av.error
import numpy as np

from cameras.intrinsics import Intrinsics
from foundation.camera import Camera
from foundation.errors import KnownError
from storage.episodes.clips import undistorted
from storage.episodes.documents import ViewSpec
from storage.episodes.episode import Episode
from workflows.recording.sources import calibration_of, lens_of

Pictures = Iterator[tuple[float, np.ndarray]]


class LabelError(KnownError):
    """A video cannot be labelled."""


@dataclass(frozen=True, eq=False)
class Start:
    """The arm's state in a video's first frame: `base_from_tool` (4, 4), `openness`, `known`: where that comes from,
    and `joints` (7,) rad, None if unknown."""

    base_from_tool: np.ndarray
    openness: float = 1.0
    known: str = "given"
    joints: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class MultiView:
    """`at(times)` returns undistorted frames (V, n, H, W, 3) uint8 at times (n,) s from 0 to `seconds`, as `cameras`
    (V,) see them; `views` and `films` are the raw ones, as an episode stores them. `start`: initial state or None."""

    name: str
    instruction: str
    cameras: tuple[Camera, ...]
    seconds: float
    at: Callable[[np.ndarray], np.ndarray]
    views: tuple[ViewSpec, ...]
    films: tuple[Callable[[], Pictures], ...]
    start: Start | None = None


def of_episode(episode: Episode) -> MultiView:
    """Return the calibrated views of an episode, without trimmed idle ends. Raises LabelError with fewer than two."""
    known = [(i, c) for i in range(len(episode.views)) if (c := episode.calibration(i)) and len(episode.frames[i])]
    if len(known) < 2:
        raise LabelError(f"The episode {episode.id} has fewer than two calibrated cameras: it cannot be read.")
    start, end = episode.span

    def at(times: np.ndarray) -> np.ndarray:
        found = []
        for view, calibration in known:
            numbers = episode.nearest(view, start + times, calibration.delay_s)
            with episode.film(view) as film:
                found.append(undistorted(film.frames(np.minimum(numbers, len(film) - 1)), calibration))
        return _alike(found)

    def film_of(view: int) -> Callable[[], Pictures]:
        def pictures() -> Pictures:
            with episode.film(view) as film:
                for number, time in enumerate(episode.frames[view]["time"][: len(film)]):
                    if start <= time <= end:
                        yield float(time) - start, film.frame(number)

        return pictures

    return MultiView(
        str(episode.id),
        episode.labels.instruction,
        tuple(calibration.camera(episode.views[view].name) for view, calibration in known),
        end - start,
        at,
        tuple(episode.views[view] for view, _ in known),
        tuple(film_of(view) for view, _ in known),
        _start_of(episode),
    )


def _start_of(episode: Episode) -> Start | None:
    """Return the arm's measured, or earlier labelled, state at the start of the trimmed episode."""
    trajectory = episode.trajectory
    if trajectory is None or not trajectory.known.any():
        return None
    first = trajectory.at(np.array([episode.span[0]]))
    samples = episode.samples
    joints = samples["position"][int(np.argmin(np.abs(samples["time"] - episode.span[0])))]
    measured = joints if np.isfinite(joints).all() else None
    return Start(first.base_from_tool[0], float(first.openness[0]), "from the episode's own samples", measured)


def of_files(paths: Sequence[Path], cameras: Sequence[Camera], instruction: str) -> MultiView:
    """Combine video files, one per camera: matched by file name and camera name if all match, else in the given order.

    Raises LabelError for fewer than two, and for a file without video or with frames of another size.
    """
    if len(paths) < 2 or len(paths) > len(cameras):
        raise LabelError(
            f"{len(paths)} videos and {len(cameras)} cameras: give two videos or more, one for each camera."
        )
    named = {camera.name: camera for camera in cameras}
    chosen = [named.get(path.stem) for path in paths]
    matched = tuple(each for each in chosen if each is not None)
    order = matched if len(matched) == len(paths) else tuple(cameras[: len(paths)])
    films = [_decoded(path, camera) for path, camera in zip(paths, order, strict=True)]
    seconds = min(times[-1] for times, _ in films)

    def at(times: np.ndarray) -> np.ndarray:
        return _alike([rgb[np.abs(stamps[:, None] - times).argmin(axis=0)] for stamps, rgb in films])

    views = tuple(_spec(path, camera) for path, camera in zip(paths, order, strict=True))
    return MultiView(
        " + ".join(path.name for path in paths),
        instruction,
        order,
        float(seconds),
        at,
        views,
        tuple(lambda film=film: iter(zip(film[0].tolist(), film[1], strict=True)) for film in films),
    )


def cameras_in(path: Path) -> tuple[Camera, ...]:
    """Read cameras from a JSON file: a list, or an object with "cameras", as of a rehearsal. Raises LabelError."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        listed = values["cameras"] if isinstance(values, dict) else values
        return tuple(Camera.from_dict(each) for each in listed)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabelError(f"The file {path} holds no cameras: {error}. Give a rehearsal's rehearsal.json.") from error


def _decoded(path: Path, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Return times (n,) s from 0 and frames (n, H, W, 3) of a file."""
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            frames = [(frame.time or 0.0, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    except (av.error.FFmpegError, OSError, IndexError) as error:
        raise LabelError(f"The video {path} cannot be played: {error}. Choose another file.") from error
    if len(frames) < 2:
        raise LabelError(f"The video {path} has {len(frames)} pictures: nothing moves in it. Choose another file.")
    times, pictures = np.array([time for time, _ in frames]), np.stack([rgb for _, rgb in frames])
    if pictures.shape[1:3] != (camera.height, camera.width):
        size = f"{pictures.shape[2]} x {pictures.shape[1]}"
        its = f"{camera.name} {camera.width} x {camera.height}"
        raise LabelError(f"The video {path} is {size}, and its camera {its}. Choose its own.")
    return times - times[0], pictures


def _spec(path: Path, camera: Camera) -> ViewSpec:
    lens = lens_of(Intrinsics(camera.width, camera.height, camera.K, np.zeros(5)))
    made = calibration_of(lens, camera, "given with the video")
    return ViewSpec(f"video:{path.stem}", camera.name, camera.width, camera.height, lens=lens, calibration=made)


def _alike(views: Sequence[np.ndarray]) -> np.ndarray:
    shapes = {view.shape for view in views}
    if len(shapes) > 1:
        raise LabelError("The cameras' pictures differ in size: label views of one size.")
    return np.stack(views)
