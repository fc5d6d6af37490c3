"""Pluecker rays of the pixels, in the axes of the released weights.

A ray is its unit direction d and its moment m = o x d (o the camera's position, m), 6 numbers, relative to the first
view's first frame. The release's axes are RLBench's: x left, y up, z forward, so that T_rlbench = T_opencv
diag(-1, -1, 1, 1), and fx, fy change sign. Written out, this rotates d and m from OpenCV's axes by half a turn about
z: x and y change sign (a rotation, so the cross product rotates along), which is all that is done here.

The release adds half a pixel because its K has its origin at the image's corner; ours at the first pixel's centre
(foundation.camera), so that the same ray belongs to integer pixels.
"""

from collections.abc import Sequence

import torch

from foundation.camera import Camera
from model.action_images.rendering_torch import camera_tensors

MOMENT_SCALE = 1.0 / 3.0  # the release divides moments by 3 (m), so that they are in about [-1, 1]


def plucker_rays(
    K: torch.Tensor, base_from_camera: torch.Tensor, size: tuple[int, int], origin_of_rays: str = "first_view"
) -> torch.Tensor:
    """Compute rays (..., V, T, H, W, 6), d before m * MOMENT_SCALE, of images of `size` (H, W).

    T is 1 for static cameras. `K` (..., V, 3, 3) in pixels of that size, `base_from_camera` (..., V, 4, 4) or, for
    moving cameras, (..., V, T, 4, 4). `origin_of_rays`: "first_view", the release's, or "base": relative to the arm, so
    that a single view already determines where the table is.
    """
    if base_from_camera.ndim == K.ndim:
        base_from_camera = base_from_camera[..., None, :, :]
    first_from_camera = base_from_camera
    if origin_of_rays == "first_view":
        first_from_camera = torch.linalg.inv(base_from_camera[..., :1, :1, :, :]) @ base_from_camera
    height, width = size
    v, u = torch.meshgrid(
        torch.arange(height, dtype=K.dtype, device=K.device),
        torch.arange(width, dtype=K.dtype, device=K.device),
        indexing="ij",
    )
    pixels = torch.stack([u, v, torch.ones_like(u)], dim=-1)
    inverse = torch.linalg.inv(K)[..., None, :, :]  # one for all frames
    direction = torch.einsum("...ij,hwj->...hwi", first_from_camera[..., :3, :3] @ inverse, pixels)
    direction = direction / direction.norm(dim=-1, keepdim=True)
    origin = first_from_camera[..., None, None, :3, 3].expand_as(direction)
    moment = torch.linalg.cross(origin, direction) * MOMENT_SCALE
    half_turn = direction.new_tensor([-1.0, -1.0, 1.0])
    return torch.cat([direction * half_turn, moment * half_turn], dim=-1)


def camera_rays(
    cameras: Sequence[Camera], *, origin_of_rays: str = "first_view", device: torch.device | str = "cpu"
) -> torch.Tensor:
    """Compute rays (V, T, H, W, 6) float32 of cameras of one size; T is 1 when none of them moves."""
    K, base_from_camera = camera_tensors(cameras, dtype=torch.float64)
    rays = plucker_rays(K, base_from_camera, (cameras[0].height, cameras[0].width), origin_of_rays)
    return rays.float().to(device)


def token_rays(
    cameras: Sequence[Camera],
    latent_size: tuple[int, int],
    latent_frames: int,
    stride: int,
    origin_of_rays: str = "first_view",
) -> torch.Tensor:
    """Compute rays (V, latent_frames, 6, h, w) through the centres of the latent cells, for `camera="per_token"`.

    Latent frame t covers video frames up to `stride` * t; its ray is that of this last one.
    """
    height, width = latent_size
    rays = camera_rays([camera.resized(width, height) for camera in cameras], origin_of_rays=origin_of_rays)
    if rays.shape[1] > 1:
        rays = rays[:, : (latent_frames - 1) * stride + 1 : stride]
    return rays.permute(0, 1, 4, 2, 3).expand(-1, latent_frames, -1, -1, -1)
