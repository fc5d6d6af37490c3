"""Two-dimensional stage of decoding: sub-pixel localisation of the three Gaussians in each image."""

from dataclasses import dataclass, replace

import numpy as np

from model.action_images.blob_search import FAINTEST, Rough, search
from model.action_images.encoding import SIGMA
from model.action_images.gaussian_fit import GaussianFit, fit_gaussians
from model.action_images.image_windows import windows_around

# Radius of the fitted disc in sigma: inside it blue stays above its pedestal (which begins at 1.665 sigma), ghosts and
# neighbouring colours stay mostly outside, and it holds two thirds of the information about the centre.
REACH = 1.5
# Minimum fraction of the disc that must be inside the image.
LEAST_SEEN = 0.1
# Maximum width of a fitted window in pixels; larger images are sampled at every third, fifth, ... pixel. Never at every
# second: video codecs store one colour per 2 x 2 pixels (chroma subsampling), so sampling one side shifts the blob.
WINDOW_PX = 96
# Acceptance thresholds of a blob: fraction of the pixels' variance explained, and width in sigma.
LEAST_EXPLAINED, NARROWEST, WIDEST = 0.5, 0.55, 1.8


@dataclass(frozen=True, eq=False)
class Blobs:
    """Detected blobs: `pixels` (V, T, 3, 2), NaN where none was found or it is ambiguous; their `covariance`
    (V, T, 3, 2, 2) px^2; `strength` (V, T, 3) in [0, 1]; the blue `background` (V, T), which encodes the gripper; and
    `alone` (V, T, 3) bool, True where the channel has no other peak of comparable height."""

    pixels: np.ndarray
    covariance: np.ndarray
    strength: np.ndarray
    background: np.ndarray
    alone: np.ndarray

    def where(self, kept: np.ndarray) -> "Blobs":
        """Return a copy with only the points `kept` (V, T, 3) bool."""
        return replace(
            self,
            pixels=np.where(kept[..., None], self.pixels, np.nan),
            covariance=np.where(kept[..., None, None], self.covariance, np.nan),
            strength=np.where(kept, self.strength, 0.0),
        )


def find_points(images: np.ndarray, *, sigma: float = SIGMA) -> tuple[np.ndarray, np.ndarray]:
    """Locate the Gaussians in action images (V, T, H, W, 3): pixels (V, T, 3, 2) and strength (V, T, 3).

    Images are uint8, or float in [0, 1]; channels in the order of encoding.CHANNELS. An empty or ambiguous
    channel has strength near 0 and NaN pixels. Raises ValueError for arrays of another shape or type.
    """
    first, _ = find_blobs(images, sigma)
    certain = first.where(first.alone)
    return certain.pixels, certain.strength


def find_blobs(images: np.ndarray, sigma: float = SIGMA) -> tuple[Blobs, Blobs]:
    """Locate every channel's highest peak, ambiguous or not, and the rivals at least half as high.

    Like `find_points`, with the centres' covariances and the blue background.
    """
    images = _checked(images)
    V, T, height, width, _ = images.shape
    sigma_px = sigma * min(height, width)
    rough = search(images, sigma_px)
    reach = REACH * sigma_px
    stride = int(np.ceil(2 * reach / WINDOW_PX))
    stride += stride % 2 == 0
    steps = int(np.ceil(reach / stride))
    windows = windows_around(
        images.reshape(V * T, height, width, 3),
        rough.where,
        np.clip(np.rint(rough.centre), 0, (width - 1, height - 1)).astype(int),
        np.arange(-steps, steps + 1) * stride,
        centre=rough.centre,
        reach=reach,
        unmix=rough.unmix,
    )
    fit = fit_gaussians(windows, rough.centre, rough.amplitude, sigma_px)
    good = windows.weights.sum(axis=(1, 2)) * stride**2 > LEAST_SEEN * np.pi * reach**2
    good &= (fit.explained > LEAST_EXPLAINED) & (fit.amplitude > FAINTEST)
    good &= (fit.width > NARROWEST) & (fit.width < WIDEST)
    first, second = (_laid_out(rough, fit, good & (rough.second == rank), (V, T)) for rank in (False, True))
    return first, second


def _laid_out(rough: Rough, fit: GaussianFit, which: np.ndarray, shape: tuple[int, int]) -> Blobs:
    """Return the selected blobs `which` (n,) of a search as arrays over all views, frames and channels."""
    where, n = rough.where[which], 3 * shape[0] * shape[1]
    pixels, covariance, strength = np.full((n, 2), np.nan), np.full((n, 2, 2), np.nan), np.zeros(n)
    pixels[where], covariance[where] = fit.centre[which], fit.covariance[which]
    strength[where] = np.clip(fit.amplitude * fit.explained, 0.0, 1.0)[which]
    return Blobs(
        pixels.reshape(*shape, 3, 2),
        covariance.reshape(*shape, 3, 2, 2),
        strength.reshape(*shape, 3),
        rough.background.reshape(shape),
        rough.alone.reshape(*shape, 3),
    )


def _checked(images: np.ndarray) -> np.ndarray:
    images = np.asarray(images)
    if images.ndim != 5 or images.shape[-1] != 3 or 0 in images.shape:
        raise ValueError(f"action images must be (V, T, H, W, 3), not {images.shape}")
    if images.dtype != np.uint8 and not np.issubdtype(images.dtype, np.floating):
        raise ValueError(f"action images must be uint8, or float in [0, 1], not {images.dtype}")
    if images.dtype not in (np.uint8, np.float32):
        images = images.astype(np.float32)
    return np.ascontiguousarray(images)
