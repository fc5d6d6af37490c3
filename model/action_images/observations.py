"""Conversion of detected blobs to the observations of the rigid fit."""

import numpy as np

from model.action_images.blobs import Blobs
from model.action_images.encoding import axis_points
from model.action_images.rigid_fit import Sightings

# Standard deviations added to the tolerance to give an observation's robust kernel.
KERNEL_STD = 3.0
# Lower bound of a blob's standard deviation, as a fraction of the shorter image side (0.005 px in 256).
LEAST_STD = 2e-5


def sightings_of(
    blobs: Blobs, matrices: np.ndarray, side: int, axis_length: float, tolerance: float
) -> tuple[Sightings, np.ndarray]:
    """Build the observations of `blobs`, frames first, and the mask of points found (T, V, 3).

    `matrices` (V, T, 3, 4) K @ camera_from_base; `side` px of the shorter image side; `tolerance` a fraction of it.
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
