"""Validation of a pipeline's inputs; every error message states the remedy."""

from collections.abc import Sequence

import numpy as np

from foundation.camera import Camera
from foundation.trajectory import Scene, Trajectory
from model.action_images.encoding import require_own_places
from model.errors import ModelError
from model.networks.sizes import MODES

NEEDS_TRAJECTORY = ("action_to_video",)
NEEDS_VIDEOS = {"video_to_action": "every view", "view_transfer": "the first view"}
MOST_CANDIDATES = 64


def check_scene(scene: Scene, longest_between_views: float) -> None:
    """Raise ModelError unless there are two calibrated, synchronous views; `longest_between_views` in s."""
    views = scene.views
    if len(views) < 2:
        raise ModelError(
            "The model needs at least two views, and only one was given "
            f"({', '.join(view.camera.name for view in views)}). Choose a second camera."
        )
    for view in views:
        if not isinstance(view.camera, Camera):
            raise ModelError("A view has no calibrated camera. Calibrate the cameras first.")
    require_own_places(scene.cameras)
    first, last = min(views, key=lambda v: v.captured), max(views, key=lambda v: v.captured)
    apart = last.captured - first.captured
    if not apart <= longest_between_views:
        raise ModelError(
            f"The pictures were not taken at the same time: {first.camera.name} is {1000 * apart:.0f} ms older than "
            f"{last.camera.name} (at most {1000 * longest_between_views:.0f} ms). Take new pictures of the scene."
        )


def check_mode(mode: str, trajectory: Trajectory | None, videos: np.ndarray | None) -> None:
    """Raise ModelError unless `mode` exists, and has exactly the inputs it needs besides the scene."""
    if mode not in MODES:
        raise ModelError(f"There is no mode {mode!r}. The modes are {', '.join(MODES)}.")
    if mode in NEEDS_TRAJECTORY and trajectory is None:
        raise ModelError(f"The mode {mode} shows what a motion would do, and no motion was given. Give a trajectory.")
    if mode in NEEDS_VIDEOS and videos is None:
        raise ModelError(f"The mode {mode} reads a video, and none was given. Give the video of {NEEDS_VIDEOS[mode]}.")
    if mode not in NEEDS_TRAJECTORY and trajectory is not None:
        raise ModelError(f"The mode {mode} makes its own motion. Leave the trajectory out, or choose action_to_video.")
    if mode not in NEEDS_VIDEOS and videos is not None:
        raise ModelError(f"The mode {mode} makes its own video. Leave the videos out, or choose video_to_action.")


def check_videos(videos: np.ndarray, mode: str, views: int, frames: int) -> np.ndarray:
    """Return the videos (V or 1, T, H, W, 3) uint8 that the mode reads; ModelError for other shapes."""
    videos = np.asarray(videos)
    wanted = 1 if mode == "view_transfer" else views
    if videos.ndim != 5 or videos.shape[-1] != 3 or videos.dtype != np.uint8:
        raise ModelError(f"Videos are (views, frames, height, width, 3) in 8 bits, not {videos.shape} {videos.dtype}.")
    if len(videos) not in {wanted, views}:
        raise ModelError(
            f"The mode {mode} reads {wanted} videos, and {len(videos)} were given. Give one for each camera."
        )
    if videos.shape[1] != frames:
        raise ModelError(
            f"The video has {videos.shape[1]} frames, and the model was asked for {frames}. Cut it, or ask for as many."
        )
    return videos[:wanted]


def check_numbers(steps: int, guidance_scale: float, candidates: int) -> None:
    """Raise ModelError for numbers out of range."""
    if steps < 1:
        raise ModelError(f"A generation needs at least one step, not {steps}.")
    if not (np.isfinite(guidance_scale) and guidance_scale >= 0.0):
        raise ModelError(f"The guidance must be a number from 0 on (1 is none), not {guidance_scale}.")
    if not 1 <= candidates <= MOST_CANDIDATES:
        raise ModelError(f"Between 1 and {MOST_CANDIDATES} candidates can be made at once, not {candidates}.")


def resized_cameras(cameras: Sequence[Camera], frames: int, width: int, height: int) -> tuple[Camera, ...]:
    """Scale the cameras to the model's images; ModelError for a moving camera without one pose per frame."""
    for camera in cameras:
        if camera.moving and len(camera.base_from_camera) != frames:
            raise ModelError(
                f"The camera {camera.name} moves: it has {len(camera.base_from_camera)} poses, and the video {frames} "
                "frames. Give one pose for each frame."
            )
    return tuple(camera.resized(width, height) for camera in cameras)
