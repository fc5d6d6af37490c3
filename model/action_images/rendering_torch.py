"""Batched, differentiable rendering of action images in PyTorch, for training."""

from collections.abc import Sequence

import numpy as np
import torch

from foundation.camera import Camera
from model.action_images.encoding import AXIS_LENGTH, BLUE, OPEN_ABOVE, PEDESTAL, SIGMA, axis_points


def camera_tensors(
    cameras: Sequence[Camera], *, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return K (V, 3, 3) and base_from_camera (V, 4, 4), or (V, T, 4, 4) when one of the cameras moves."""
    moving = {len(camera.base_from_camera) for camera in cameras if camera.moving}
    if len(moving) > 1:
        raise ValueError(f"moving cameras must have the same number of poses, not {sorted(moving)}")
    shape = (*moving, 4, 4)
    K = np.stack([camera.K for camera in cameras])
    poses = np.stack([np.broadcast_to(camera.base_from_camera, shape) for camera in cameras])
    return torch.as_tensor(K, dtype=dtype, device=device), torch.as_tensor(poses, dtype=dtype, device=device)


def render_torch(
    base_from_tool: torch.Tensor,
    openness: torch.Tensor,
    K: torch.Tensor,
    base_from_camera: torch.Tensor,
    size: tuple[int, int],
    *,
    sigma: float = SIGMA,
    axis_length: float = AXIS_LENGTH,
) -> torch.Tensor:
    """Render action images (..., V, T, H, W, 3) in [0, 1] like `render`, on the device of the arguments.

    Differentiable with respect to poses and cameras, except for the gripper, which is a step, and the edge of the blue
    blob. `base_from_tool` (..., T, 4, 4), `openness` (..., T), `K` (..., V, 3, 3) for images of `size` (H, W),
    `base_from_camera` (..., V, 4, 4) or (..., V, T, 4, 4); the leading shapes broadcast. A point behind a camera leaves
    its channel empty.
    """
    height, width = size
    pixels, in_front = _project(base_from_tool, K, base_from_camera, axis_length)
    sigma_px = sigma * min(height, width)
    across = _gauss(pixels[..., 0], width, sigma_px) * in_front[..., None]
    down = _gauss(pixels[..., 1], height, sigma_px)
    heat = down[..., :, None] * across[..., None, :]
    background = PEDESTAL * (openness > OPEN_ABOVE).to(heat.dtype)[..., None, :, None, None]
    blue = heat[..., BLUE, :, :]
    blue = torch.where(blue > PEDESTAL, blue, background.expand_as(blue))
    return torch.stack([heat[..., 0, :, :], heat[..., 1, :, :], blue], dim=-1)


def _project(
    base_from_tool: torch.Tensor, K: torch.Tensor, base_from_camera: torch.Tensor, axis_length: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Project to pixels (..., V, T, 3, 2), and return bool (..., V, T, 3): in front of the camera."""
    template = torch.as_tensor(axis_points(axis_length), dtype=base_from_tool.dtype, device=base_from_tool.device)
    points = template @ base_from_tool[..., :3, :3].mT + base_from_tool[..., None, :3, 3]  # (..., T, 3, 3)
    if base_from_camera.ndim == K.ndim:
        base_from_camera = base_from_camera[..., None, :, :]  # one pose for all frames
    rotation, position = base_from_camera[..., :3, :3], base_from_camera[..., :3, 3]
    # For row vectors, (x - position) @ rotation is rotation' (x - position): base to camera.
    in_camera = (points[..., None, :, :, :] - position[..., None, :]) @ rotation
    image = in_camera @ K[..., None, :, :].mT
    in_front = image[..., 2] > 1e-9
    depth = torch.where(in_front, image[..., 2], torch.ones_like(image[..., 2]))  # keeps NaN out of the gradient
    return image[..., :2] / depth[..., None], in_front


def _gauss(centre: torch.Tensor, length: int, sigma_px: float) -> torch.Tensor:
    """Evaluate the Gaussian at integer pixels, (..., length)."""
    offset = (torch.arange(length, dtype=centre.dtype, device=centre.device) - centre[..., None]) / sigma_px
    return torch.exp(-0.5 * offset * offset)
