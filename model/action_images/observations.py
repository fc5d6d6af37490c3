"""What the views say of each frame's three points, as the rigid fit wants it."""

import numpy as np

from model.action_images.blobs import Blobs
from model.action_images.encoding import axis_points
from model.action_images.rigid_fit import Sightings

# A sighting outside three of its own standard deviations, and the tolerance, is no longer believed.
KERNEL_STD = 3.0
# Blobs are never trusted to better than this share of the shorter image side (0.005 px in 256).
LEAST_STD = 2e-5


def sightings_of(
    blobs: Blobs, matrices: np.ndarray, side: int, axis_length: float, tolerance: float
) -> tuple[Sightings, np.ndarray]:
    """The sightings of `blobs`, frames first, and which points were found (T, V, 3).

    `matrices` (V, T, 3, 4) K @ camera_from_base; `side` px of the shorter image side; `tolerance` a share of it.
    """
    pixels = blobs.pixels.swapaxes(0, 1)
    found = ~np.isnan(pixels[..., 0])
    covariance = np.where(found[..., None, None], blobs.covariance.swapaxes(0, 1), np.eye(2))
    covariance = covariance + (LEAST_STD * side) ** 2 * np.eye(2)
    spread = np.sqrt(0.5 * np.einsum("...ii->...", covariance))
    whitening = np.linalg.inv(np.linalg.cholesky(covariance))
    kernel = tolerance * side + KERNEL_STD * spread
    pixels = np.where(found[..., None], pixels, 0.0)
    return Sightings(matrices.swapaxes(0, 1), pixels, whitening, kernel, axis_points(axis_length)), found
