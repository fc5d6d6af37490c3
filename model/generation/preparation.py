"""Preparation of a checked request: images, the arm's pose or motion, and videos, rendered and encoded as latents."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from foundation.camera import Camera
from foundation.image_resize import resize_images
from foundation.trajectory import Scene, Trajectory
from model.action_images.decoding import KERNEL
from model.errors import ModelError
from model.generation import conditioning, request
from model.generation.canvas import WITHOUT_ACTION, WITHOUT_VIDEO, Canvas, relative_to_still
from model.networks.codec import latent_shape


@dataclass(frozen=True)
class Format:
    """Format of a generation: images of `height` x `width` px, `frames` of them, `period` s apart, and how actions are
    rendered (`sigma`, `axis_length`, `model_tool_from_tool`) and decoded (`tolerance`)."""

    height: int
    width: int
    frames: int
    period: float
    sigma: float
    axis_length: float
    model_tool_from_tool: np.ndarray | None
    tolerance: float = KERNEL

    @property
    def times(self) -> np.ndarray:
        return self.period * np.arange(self.frames)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A request encoded as latents.

    `latents` (1, C, F, h, w) of the canvas, 0 where not given; `still` (1, V, C, T, h, w) where the model's rgb is
    relative to it. `pictures` (1, V, 3, H', W') in [-1, 1], the first frames, for a transformer that reads them at a
    resolution of its own. `present`: the initial tool pose, one frame, and the arm's `joints` (7,) then if known.
    `first` (V, 1, H, W, 3), `rgb` (V', T, H, W, 3) and `action` (V, T, H, W, 3), uint8, are the given images, the
    latter two None where the model generates them.
    """

    canvas: Canvas
    format: Format
    cameras: tuple[Camera, ...]
    latents: torch.Tensor
    still: torch.Tensor | None
    pictures: torch.Tensor | None
    present: Trajectory
    joints: np.ndarray | None
    first: np.ndarray
    rgb: np.ndarray | None
    action: np.ndarray | None


def prepare(
    transformer: Any,
    vae: Any,
    format_: Format,
    scene: Scene,
    mode: str,
    trajectory: Trajectory | None,
    videos: np.ndarray | None,
    device: torch.device,
) -> Prepared:
    """Render and encode the given inputs; ModelError for unsupported sizes, and for what cannot be rendered."""
    settings = transformer.config
    canvas = _canvas(settings, vae, format_, mode, len(scene.views))
    cameras = request.resized_cameras(scene.cameras, format_.frames, format_.width, format_.height)
    first = np.stack([resize_images(v.rgb[None], format_.width, format_.height) for v in scene.views])
    tensor = conditioning.to_tensor(first).to(device)
    rgb = conditioning.encode_first(vae, tensor, "rgb", canvas.latent_frames)
    still = None
    if settings.relative_rgb and mode not in WITHOUT_VIDEO:
        still = conditioning.encode_still(vae, tensor, format_.frames)
    if videos is not None:
        videos = request.check_videos(videos, mode, len(scene.views), format_.frames)
        videos = resize_images(videos, format_.width, format_.height)
        whole = conditioning.encode_whole(vae, conditioning.to_tensor(videos).to(device), "rgb")
        if still is not None:
            whole = relative_to_still(whole, still[: len(whole)])
        rgb[: len(whole), :, 1:] = whole[:, :, 1:]
    action, drawn = None, None
    if mode not in WITHOUT_ACTION:
        drawn = _drawn(scene, trajectory, cameras, format_)
        known = conditioning.encode_actions(vae, drawn, device)
        action = known.new_zeros(rgb.shape)
        action[:, :, : known.shape[2]] = known
    return Prepared(
        canvas,
        format_,
        cameras,
        canvas.pack(rgb[None], None if action is None else action[None]),
        None if still is None else still[None],
        _looked_at(settings, scene, rgb.shape[-2:], device),
        Trajectory(np.zeros(1), scene.base_from_tool[None], np.array([scene.openness])),
        scene.joints,
        first,
        videos,
        None if trajectory is None or drawn is None else np.round(255.0 * drawn).astype(np.uint8),
    )


def _canvas(settings: Any, vae: Any, format_: Format, mode: str, views: int) -> Canvas:
    _, latent_frames, height, width = latent_shape(vae, format_.frames, format_.height, format_.width)
    _, p_h, p_w = settings.patch_size
    if height % p_h or width % p_w:
        size = vae.config["scale_factor_spatial"]
        raise ModelError(
            f"The model's images are multiples of {size * p_w} x {size * p_h} px, not {format_.width} x "
            f"{format_.height}. Choose another size."
        )
    canvas = Canvas(mode, views, latent_frames)
    most = max(canvas.positions(settings.kept_positions)[-1] + 1, height // p_h, width // p_w)
    if most > settings.rope_max_seq_len:
        raise ModelError(
            f"{views} views of {format_.frames} frames of {format_.width} x {format_.height} px are more than this "
            "model can place. Ask for fewer frames, fewer views or smaller images."
        )
    return canvas


def _looked_at(settings: Any, scene: Scene, cells: torch.Size, device: torch.device) -> torch.Tensor | None:
    """Resize the first frames to the resolution of a transformer with a stem, (1, V, 3, H', W')."""
    if not settings.stem_widths:
        return None
    _, p_h, p_w = settings.patch_size
    height, width = cells[0] // p_h * settings.stem_px, cells[1] // p_w * settings.stem_px
    pictures = [resize_images(view.rgb[None], width, height) for view in scene.views]
    return conditioning.to_tensor(np.stack(pictures))[None, :, :, 0].to(device)


def _drawn(scene: Scene, trajectory: Trajectory | None, cameras: Sequence[Camera], format_: Format) -> np.ndarray:
    """Render action images (V, T or 1, H, W, 3): the given motion at the model's times, or the arm's present pose."""
    if trajectory is None:
        motion = Trajectory(np.zeros(1), scene.base_from_tool[None], np.array([scene.openness]))
        cameras = [replace(c, base_from_camera=c.base_from_camera[0]) if c.moving else c for c in cameras]
    else:
        if not trajectory.known.any():
            raise ModelError("No frame of the trajectory is known, so nothing can be shown. Give another motion.")
        motion = trajectory.at(trajectory.times[0] + format_.times)
    return conditioning.drawn_actions(motion, cameras, format_.model_tool_from_tool, format_.sigma, format_.axis_length)
