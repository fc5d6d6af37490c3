"""Rendering of a trajectory as action images, in NumPy."""

from collections.abc import Sequence

import numpy as np

from foundation.camera import Camera
from foundation.trajectory import Trajectory
from model.action_images.encoding import (
    AXIS_LENGTH,
    BLUE,
    OPEN_ABOVE,
    PEDESTAL,
    SIGMA,
    image_size,
    projection_matrices,
    tool_points,
)
from model.errors import ActionImageError

# Gaussian tails below this are drawn as 0: products of two avoid float32's slow denormal numbers.
INVISIBLE = 1e-15
# Images per matrix product; more would only cost memory for the factors.
CHUNK = 32


def render(
    trajectory: Trajectory, cameras: Sequence[Camera], *, sigma: float = SIGMA, axis_length: float = AXIS_LENGTH
) -> np.ndarray:
    """Render a trajectory as action images (V, T, H, W, 3) float32 in [0, 1], seen by cameras of one size.

    `sigma` is a fraction of the shorter image side, `axis_length` in m. A point behind a camera, or far outside its
    image, leaves its channel empty. Raises ActionImageError for unknown (NaN) frames, for cameras of different sizes,
    and for a camera that has the tool behind it in every frame.
    """
    height, width = image_size(cameras)
    if not trajectory.known.all():
        frames = np.flatnonzero(~trajectory.known).tolist()
        raise ActionImageError(
            f"The pose or the gripper is unknown in frames {frames[:10]} of the trajectory, so they cannot be drawn. "
            "Fill them first: trajectory.at(trajectory.times)."
        )
    pixels = _project(trajectory, cameras, axis_length)
    gauss = _Gauss(sigma * min(height, width))
    images = np.empty((len(cameras), len(trajectory), height, width, 3), np.float32)
    is_open = trajectory.openness > OPEN_ABOVE
    for view in range(len(cameras)):
        for start in range(0, len(trajectory), CHUNK):
            part = slice(start, start + CHUNK)
            _draw(images[view, part], pixels[view, part], is_open[part], gauss)
    return images


def _project(trajectory: Trajectory, cameras: Sequence[Camera], axis_length: float) -> np.ndarray:
    """Project to pixels (V, T, 3, 2); NaN where a point is behind its camera."""
    points = tool_points(trajectory.base_from_tool, axis_length)
    matrices = projection_matrices(cameras, len(trajectory))
    in_camera = np.einsum("vtij,tkj->vtki", matrices[..., :3], points) + matrices[:, :, None, :, 3]
    depth = np.where(in_camera[..., 2] > 1e-9, in_camera[..., 2], np.nan)
    for camera, depths in zip(cameras, depth, strict=True):
        if np.isnan(depths).all():
            raise ActionImageError(
                f"The tool is behind the camera {camera.name} in every frame, so it cannot be drawn there. Choose "
                "another camera, or check its calibration."
            )
    return in_camera[..., :2] / depth[..., None]


class _Gauss:
    """One-dimensional Gaussian factors of width `sigma_px`."""

    def __init__(self, sigma_px: float):
        if not (np.isfinite(sigma_px) and sigma_px > 0):
            raise ValueError(f"sigma must be positive, not {sigma_px} px")
        self.sigma_px = sigma_px
        # Beyond this many pixels from the centre blue is at or below the pedestal.
        self.reach_px = sigma_px * np.sqrt(-2.0 * np.log(PEDESTAL))

    def __call__(self, centres: np.ndarray, length: int) -> np.ndarray:
        """Evaluate at integer pixels, (..., length) float32; all 0 for a NaN centre."""
        offset = (np.arange(length) - centres[..., None]) / self.sigma_px
        values = np.exp(-0.5 * np.minimum(offset * offset, 100.0))  # also keeps exp from underflowing
        return np.where(values > INVISIBLE, values, 0.0).astype(np.float32)


def _draw(images: np.ndarray, pixels: np.ndarray, is_open: np.ndarray, gauss: _Gauss) -> None:
    """Fill images (n, H, W, 3) from pixels (n, 3, 2).

    The image's rows, channels interleaved, are one matrix product (H, 3) @ (3, 3 W): red and green are outer products
    of two Gaussians, blue is the constant pedestal. This writes every pixel once, in order, through BLAS.
    """
    n, height, width, _ = images.shape
    across = gauss(pixels[..., 0], width)
    down = gauss(pixels[..., 1], height)
    rows = np.ascontiguousarray(down.transpose(0, 2, 1))
    rows[:, :, BLUE] = 1.0
    columns = np.zeros((n, 3, width, 3), np.float32)
    for channel in range(BLUE):
        columns[:, channel, :, channel] = across[:, channel]
    background = np.where(is_open, np.float32(PEDESTAL), np.float32(0.0))
    columns[:, BLUE, :, BLUE] = background[:, None]
    np.matmul(rows, columns.reshape(n, 3, 3 * width), out=images.reshape(n, height, 3 * width))
    for i, (u, v) in enumerate(pixels[:, BLUE]):
        if np.isnan(u):
            continue
        left, right = _span(u, gauss.reach_px, width)
        top, bottom = _span(v, gauss.reach_px, height)
        blob = np.outer(down[i, BLUE, top:bottom], across[i, BLUE, left:right])
        images[i, top:bottom, left:right, BLUE] = np.where(blob > PEDESTAL, blob, background[i])


def _span(centre: float, reach: float, length: int) -> tuple[int, int]:
    """Return the first and one past the last pixel within reach, inside the image (empty when there is none)."""
    first, past = np.clip([np.floor(centre - reach), np.ceil(centre + reach) + 1], 0, length)
    return int(first), int(past)
