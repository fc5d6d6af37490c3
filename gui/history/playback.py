"""Videos of a stored rehearsal: of the run, generated, or as requested, overlaid with plan and measured motion."""

from dataclasses import dataclass

import numpy as np

from foundation import xarm7
from foundation.camera import Camera
from foundation.trajectory import Trajectory
from gui.pictures.camera_view import Drawing
from gui.player.playback_clip import PixelPath, PlaybackClip, blob_layer, path_in, pixels_of
from workflows.rehearsal.review import RehearsalReview

RUN, GENERATED, ORIGINAL = "The run", "As imagined", "As it was asked"


@dataclass(frozen=True, eq=False)
class ComparedPath:
    """Planned path in one camera's pixels, and the measured path of the tool up to each frame (n, 2)."""

    way: PixelPath
    actual: np.ndarray

    def at(self, frame: int) -> Drawing:
        return self.way.at(frame, self.actual[: frame + 1])


def kinds(review: RehearsalReview) -> tuple[str, ...]:
    """Return the available kinds of images, the most informative first."""
    filmed = (RUN,) if review.filmed else ()
    imagined = (GENERATED,) if review.rgb is not None else ()
    return (*filmed, *imagined, ORIGINAL)


def history_clip(review: RehearsalReview, kind: str) -> PlaybackClip:
    """Return a video of one kind of images at the review's times."""
    motion = review.plan.motion
    position = np.array([motion.at(moment).position for moment in review.moments])
    openness = np.array([motion.openness_at(moment) for moment in review.moments])
    times = review.moments if len(review.moments) > 1 else np.zeros(1)
    intended = Trajectory(times, xarm7.forward(position), openness)
    pictures, cameras, layers = _pictures(review, kind)
    ways = tuple(
        _way(camera, film[0].shape, intended, review.actual) for camera, film in zip(cameras, pictures, strict=True)
    )
    confidence = review.confidence[review.frames] if len(review.confidence) else None
    names = tuple(camera.name for camera in cameras)
    return PlaybackClip(
        names, pictures, layers, ways, times, confidence, openness < 0.5, review.residual_px[review.frames]
    )


def _pictures(
    review: RehearsalReview, kind: str
) -> tuple[tuple[np.ndarray, ...], tuple[Camera, ...], np.ndarray | None]:
    """Return images (n or 1, H, W, 3) and camera per view, and the matching blob layers (V, n, h, w, 4)."""
    if kind == RUN:
        known = [(film, camera) for film, camera in zip(review.filmed, review.filmed_cameras, strict=True) if camera]
        return tuple(film for film, _ in known), tuple(camera for _, camera in known), None
    layers = None if review.action is None else _layers(review)
    if kind == GENERATED and review.rgb is not None:
        frames = np.minimum(review.frames, review.rgb.shape[1] - 1)
        return tuple(view[frames] for view in review.rgb), review.action_cameras, layers
    if review.rgb is not None:
        layers = None  # these have the crop of the generated images, which may be a part of the camera images
    return tuple(picture[None] for picture in review.scene), review.cameras, layers


def _layers(review: RehearsalReview) -> np.ndarray | None:
    action = review.action
    if action is None:
        return None
    drawn = np.stack([[blob_layer(image) for image in view] for view in action])
    return drawn[:, np.minimum(review.frames, action.shape[1] - 1)]


def _way(camera: Camera, shape: tuple[int, ...], intended: Trajectory, actual: np.ndarray) -> ComparedPath:
    camera = camera.resized(shape[1], shape[0])
    return ComparedPath(path_in(camera, intended), pixels_of(camera, actual))
