"""The two-dimensional step: where in each image the three Gaussians are, to a small part of a pixel."""

from dataclasses import dataclass

import cv2
import numpy as np

from model.action_encoding import BLUE, PEDESTAL, SIGMA
from model.gaussian_fit import GaussianFit, Windows, fit_gaussians

# Blobs are searched in images so much smaller that sigma is this many pixels: all the detail a smooth blob has, and
# averaging over the rest takes the noise away.
SEARCH_SIGMA_PX = 1.6
# A channel whose highest point rises less than this above its background shows nothing.
FAINTEST = 0.2
# When another peak, further away than APART sigma, is at least so high as the first, neither is believed.
AMBIGUOUS, APART = 0.8, 3.0
# A disc of this radius, in sigma, is fitted: inside it blue stays above its pedestal (which begins at 1.665 sigma),
# ghosts and neighbouring colours stay mostly outside, and it holds two thirds of what there is to know of the centre.
REACH = 1.5
# At least so much of the disc must lie inside the image.
LEAST_SEEN = 0.1
# Most pixels across a fitted window; larger images are read at every third, fifth, ... pixel. Never at every second
# one: video codecs keep one colour for every 2 x 2 pixels, and reading only one side of them moves the blob.
WINDOW_PX = 96
# What still counts as one of our blobs: the share of the pixels' variance explained, and the width in sigma.
LEAST_EXPLAINED, NARROWEST, WIDEST = 0.5, 0.55, 1.8


@dataclass(frozen=True, eq=False)
class Blobs:
    """What was found: `pixels` (V, T, 3, 2), NaN where nothing or nothing certain; their `covariance` (V, T, 3, 2, 2)
    px^2; `strength` (V, T, 3) in [0, 1]; the blue `background` (V, T), from which the gripper is read."""

    pixels: np.ndarray
    covariance: np.ndarray
    strength: np.ndarray
    background: np.ndarray


def find_points(images: np.ndarray, *, sigma: float = SIGMA) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (V, T, 3, 2) and strength (V, T, 3) of the Gaussians in action images (V, T, H, W, 3).

    Images are uint8, or float in [0, 1]; channels in the order of action_encoding.CHANNELS. An empty or ambiguous
    channel has strength near 0 and NaN pixels. Raises ValueError for arrays that are no such images.
    """
    blobs = find_blobs(images, sigma)
    return blobs.pixels, blobs.strength


def find_blobs(images: np.ndarray, sigma: float = SIGMA) -> Blobs:
    """As find_points, with the centres' covariances and the blue background."""
    images = _checked(images)
    V, T, height, width, _ = images.shape
    stack = images.reshape(V * T, height, width, 3)
    sigma_px = sigma * min(height, width)
    maps = _search_maps(stack, sigma_px)
    background = np.median(maps[:, ::2, ::2], axis=(1, 2))
    peaks, contrast, certain = _highest_points(maps, background, sigma_px * maps.shape[2] / width)
    pixels = np.full((V * T * 3, 2), np.nan)
    covariance = np.full((V * T * 3, 2, 2), np.nan)
    strength = np.zeros(V * T * 3)
    where = np.flatnonzero((contrast > FAINTEST) & certain)
    if len(where):
        fit, seen = _fit(stack, maps, background, where, peaks[where], sigma_px)
        good = seen & (fit.explained > LEAST_EXPLAINED) & (fit.width > NARROWEST) & (fit.width < WIDEST)
        good &= fit.amplitude > FAINTEST
        pixels[where[good]] = fit.centre[good]
        covariance[where[good]] = fit.covariance[good]
        strength[where[good]] = np.clip(fit.amplitude * fit.explained, 0.0, 1.0)[good]
    return Blobs(
        pixels.reshape(V, T, 3, 2),
        covariance.reshape(V, T, 3, 2, 2),
        strength.reshape(V, T, 3),
        background[:, BLUE].reshape(V, T),
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


def _search_maps(stack: np.ndarray, sigma_px: float) -> np.ndarray:
    """The images (n, H, W, 3) averaged down to (n, h, w, 3) float32 in [0, 1]."""
    _, height, width, _ = stack.shape
    factor = max(1.0, np.floor(sigma_px / SEARCH_SIGMA_PX))
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    # OpenCV halves quickly; the rest is then a quarter of the work.
    halves = factor >= 4 and width % 2 == 0 and height % 2 == 0
    maps = np.empty((len(stack), size[1], size[0], 3), np.float32)
    for image, small in zip(stack, maps, strict=True):
        source = cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA) if halves else image
        small[:] = cv2.resize(source, size, interpolation=cv2.INTER_AREA)
    if stack.dtype == np.uint8:
        maps /= 255.0
    elif not np.isfinite(maps).all() or maps.max() > 1.5 or maps.min() < -0.5:
        raise ValueError("float action images must be finite and lie in [0, 1]")
    return maps


def _highest_points(
    maps: np.ndarray, background: np.ndarray, sigma_px: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per image and channel, flattened to n * 3: the highest pixel (x, y), its height above the background, and
    whether no other peak comes near that height."""
    n, height, width, _ = maps.shape
    channels = np.ascontiguousarray(maps.transpose(0, 3, 1, 2)).reshape(n * 3, height * width)
    highest = channels.argmax(axis=1)
    y, x = np.divmod(highest, width)
    base = background.reshape(-1)
    contrast = channels[np.arange(n * 3), highest] - base
    near_x = np.abs(np.arange(width) - x[:, None]) <= APART * sigma_px
    near_y = np.abs(np.arange(height) - y[:, None]) <= APART * sigma_px
    channels.reshape(n * 3, height, width)[near_y[:, :, None] & near_x[:, None, :]] = 0.0
    second = channels.max(axis=1) - base
    return np.stack([x, y], axis=-1), contrast, second < AMBIGUOUS * contrast


def _fit(
    stack: np.ndarray, maps: np.ndarray, background: np.ndarray, where: np.ndarray, peaks: np.ndarray, sigma_px: float
) -> tuple[GaussianFit, np.ndarray]:
    """First in the small images, from the highest pixel, then in the images themselves, from there."""
    scale = np.array([stack.shape[2] / maps.shape[2], stack.shape[1] / maps.shape[1]])
    small = _windows(maps, where, peaks, peaks, 2, 1, np.inf)
    # A disc cannot be drawn around a centre not yet known: blue's pedestal is left out by its value.
    pedestal = (where % 3 == BLUE) & (background.reshape(-1)[where] > 0.5 * PEDESTAL)
    small.weights[pedestal[:, None, None] & (small.values < PEDESTAL + 0.05)] = 0.0
    height = small.values[:, 2, 2]
    rough = fit_gaussians(small, peaks.astype(float), height, sigma_px / scale.mean(), 4)
    centre = (rough.centre + 0.5) * scale - 0.5
    reach = REACH * sigma_px
    stride = int(np.ceil(2 * reach / WINDOW_PX))
    stride += stride % 2 == 0
    steps = int(np.ceil(reach / stride))
    size = np.array([stack.shape[2], stack.shape[1]])
    middle = np.clip(np.rint(centre), 0, size - 1).astype(int)
    windows = _windows(stack, where, middle, centre, steps, stride, reach)
    seen = windows.weights.sum(axis=(1, 2)) * stride**2 > LEAST_SEEN * np.pi * reach**2
    return fit_gaussians(windows, centre, rough.amplitude, sigma_px), seen


def _windows(
    stack: np.ndarray, where: np.ndarray, middle: np.ndarray, centre: np.ndarray, steps: int, stride: int, reach: float
) -> Windows:
    """Pixels every `stride` around `middle` (n, 2), of channel where % 3 of image where // 3; those inside the image
    and within `reach` of `centre` (n, 2) count."""
    _, height, width, _ = stack.shape
    offsets = np.arange(-steps, steps + 1) * stride
    columns, rows = middle[:, 0, None] + offsets, middle[:, 1, None] + offsets
    inside_x, inside_y = (columns >= 0) & (columns < width), (rows >= 0) & (rows < height)
    image, channel = np.divmod(where, 3)
    down = (image[:, None] * height + np.clip(rows, 0, height - 1)) * (width * 3)
    across = np.clip(columns, 0, width - 1) * 3 + channel[:, None]
    values = stack.reshape(-1).take(down[:, :, None] + across[:, None, :]).astype(np.float32)
    if stack.dtype == np.uint8:
        values *= np.float32(1 / 255)
    # Outside the image is beyond any reach.
    square_x = np.where(inside_x, (columns - centre[:, 0, None]) ** 2, np.inf).astype(np.float32)
    square_y = np.where(inside_y, (rows - centre[:, 1, None]) ** 2, np.inf).astype(np.float32)
    weights = square_y[:, :, None] + square_x[:, None, :] <= np.float32(min(reach**2, 1e30))
    return Windows(values, weights.astype(np.float32), rows, columns)
