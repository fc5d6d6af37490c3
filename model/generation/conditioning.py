"""Encoding of images, motions and cameras as latents of the canvas, for generation and training alike."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from foundation.camera import Camera
from foundation.poses import invert
from foundation.trajectory import Trajectory
from model.action_images.rendering import render
from model.networks.codec import ACTION, encode_videos, latent_shape
from model.networks.plucker_rays import camera_rays, token_rays


def to_tensor(images: np.ndarray) -> torch.Tensor:
    """Convert images (..., T, H, W, 3), uint8 or float in [0, 1], to videos (..., 3, T, H, W) float32 in [-1, 1]."""
    scale = 2.0 / 255.0 if images.dtype == np.uint8 else 2.0
    return torch.from_numpy(np.ascontiguousarray(images)).float().movedim(-1, -4) * scale - 1.0


def to_images(videos: torch.Tensor) -> np.ndarray:
    """Convert videos (..., 3, T, H, W) in [-1, 1] to uint8 images (..., T, H, W, 3)."""
    pixels = ((videos.float() + 1.0) * 127.5).round_().clamp_(0, 255).to(torch.uint8)
    return pixels.movedim(-4, -1).contiguous().cpu().numpy()


def drawn_actions(
    trajectory: Trajectory, cameras: Sequence[Camera], tool: np.ndarray | None, sigma: float, axis_length: float
) -> np.ndarray:
    """Render action images (V, T, H, W, 3) float in [0, 1]; `tool` (4, 4) is the checkpoint's model_tool_from_tool."""
    return render(with_tool(trajectory, tool), cameras, sigma=sigma, axis_length=axis_length)


def with_tool(trajectory: Trajectory, model_tool_from_tool: np.ndarray | None, *, back: bool = False) -> Trajectory:
    """Convert a trajectory to the tool axes that a checkpoint was trained with; with `back`, to the arm's own."""
    if model_tool_from_tool is None:
        return trajectory
    tool = np.asarray(model_tool_from_tool, float)
    poses = trajectory.base_from_tool @ (tool if back else invert(tool))
    return Trajectory(trajectory.times, poses, trajectory.openness)


def camera_features(
    settings: Any, codec: Any, cameras: Sequence[Camera], frames: int, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """Compute the camera branch's input (1, V, T, K, h, w) for `frames` video frames.

    The cameras have the model's image size. `settings` is the transformer's configuration: rays encoded by the VAE
    ("pooled"), or used directly.
    """
    _, latent_frames, height, width = latent_shape(codec, frames, cameras[0].height, cameras[0].width)
    if settings.camera == "per_token":
        period = codec.config["scale_factor_temporal"]
        rays = token_rays(cameras, (height, width), latent_frames, period, settings.rays)
        return rays[None].to(device)
    rays = camera_rays(cameras, origin_of_rays=settings.rays, device=device).expand(
        -1, frames, -1, -1, -1
    )  # (V, T, H, W, 6)
    videos = rays.unflatten(-1, (2, 3)).permute(0, 4, 5, 1, 2, 3)  # (V, 2, 3, T, H, W)
    # View by view, which bounds the VAE's memory to that of one video.
    latents = torch.stack([encode_videos(codec, view) for view in videos])  # (V, 2, C, T, h, w)
    return latents.flatten(1, 2).movedim(2, 1)[None]


def encode_first(codec: Any, images: torch.Tensor, kind: str, latent_frames: int) -> torch.Tensor:
    """Encode videos (V, 3, 1, H, W) as latents (V, C, T, h, w) whose first frame is known; the others are 0."""
    first = encode_videos(codec, images, kind).float()
    return torch.cat([first, first.new_zeros(*first.shape[:2], latent_frames - 1, *first.shape[3:])], dim=2)


def encode_whole(codec: Any, videos: torch.Tensor, kind: str) -> torch.Tensor:
    """Encode videos (V, 3, T, H, W) as latents (V, C, T, h, w), sequentially to save memory."""
    return torch.cat([encode_videos(codec, video[None], kind) for video in videos]).float()


def encode_still(codec: Any, first: torch.Tensor, frames: int) -> torch.Tensor:
    """Encode static videos of the first frames (V, 3, 1, H, W) as latents (V, C, T, h, w)."""
    return encode_whole(codec, first.expand(-1, -1, frames, -1, -1), "rgb")


def encode_actions(codec: Any, images: np.ndarray, device: torch.device | str) -> torch.Tensor:
    """Encode action images (V, T, H, W, 3) in [0, 1] as latents (V, C, T, h, w)."""
    return encode_whole(codec, to_tensor(images).to(device), ACTION)
