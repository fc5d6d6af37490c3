"""The two-dimensional step: where in each image the three Gaussians are, to a small part of a pixel."""

from dataclasses import dataclass

import cv2
import numpy as np

from model.action_encoding import BLUE, PEDESTAL, SIGMA
from model.colour_bleeding import unmixing
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
    peaks, contrast, certain, unmix = _search(maps, background, V, sigma_px * maps.shape[2] / width)
    pixels = np.full((V * T * 3, 2), np.nan)
    covariance = np.full((V * T * 3, 2, 2), np.nan)
    strength = np.zeros(V * T * 3)
    where = np.flatnonzero((contrast > FAINTEST) & certain)
    if len(where):
        fit, seen = _fit(_Pixels(stack, maps, background, unmix), where, peaks[where], sigma_px)
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


@dataclass(frozen=True, eq=False)
class _Pixels:
    """Images `full` (n, H, W, 3), the same averaged down, `small` (n, h, w, 3), their `background` (n, 3), and `unmix`
    (n, 3, 3) from seen to drawn colours, None when nothing bleeds."""

    full: np.ndarray
    small: np.ndarray
    background: np.ndarray
    unmix: np.ndarray | None


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


def _search(
    maps: np.ndarray, background: np.ndarray, V: int, sigma_px: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Per image and channel, flattened to n * 3: the highest pixel (x, y), its height above the background, and
    whether no other peak comes near that height; and how to undo the bleeding of colours, (n, 3, 3) or None."""
    n, height, width, _ = maps.shape
    above = np.ascontiguousarray(maps.transpose(0, 3, 1, 2)) - background[:, :, None, None]
    flat = above.reshape(n * 3, height * width)
    highest = flat.argmax(axis=1)
    y, x = np.divmod(highest, width)
    contrast = flat[np.arange(n * 3), highest]
    near_x = np.abs(np.arange(width) - x[:, None]) <= APART * sigma_px
    near_y = np.abs(np.arange(height) - y[:, None]) <= APART * sigma_px
    away = ~(near_y[:, :, None] & near_x[:, None, :])
    by_view = (V, n // V, 3, height * width)
    unmix = unmixing(above.reshape(by_view), away.reshape(by_view))
    if (unmix == np.eye(3)).all():
        unmix = None
    else:
        unmix = np.repeat(unmix, n // V, axis=0).astype(np.float32)
        flat = (unmix @ above.reshape(n, 3, -1)).reshape(flat.shape)
    second = np.where(away.reshape(flat.shape), flat, 0.0).max(axis=1)
    return np.stack([x, y], axis=-1), contrast, second < AMBIGUOUS * contrast, unmix


def _fit(pixels: _Pixels, where: np.ndarray, peaks: np.ndarray, sigma_px: float) -> tuple[GaussianFit, np.ndarray]:
    """First in the small images, from the highest pixel, then in the images themselves, from there."""
    height, width = pixels.full.shape[1:3]
    scale = np.array([width / pixels.small.shape[2], height / pixels.small.shape[1]])
    small = _windows(pixels.small, pixels.unmix, where, peaks, peaks, 2, 1, np.inf)
    # A disc cannot be drawn around a centre not yet known: blue's pedestal is left out by its value.
    pedestal = (where % 3 == BLUE) & (pixels.background.reshape(-1)[where] > 0.5 * PEDESTAL)
    small.weights[pedestal[:, None, None] & (small.values < PEDESTAL + 0.05)] = 0.0
    rough = fit_gaussians(small, peaks.astype(float), small.values[:, 2, 2], sigma_px / scale.mean(), 4)
    centre = (rough.centre + 0.5) * scale - 0.5
    reach = REACH * sigma_px
    stride = int(np.ceil(2 * reach / WINDOW_PX))
    stride += stride % 2 == 0
    steps = int(np.ceil(reach / stride))
    middle = np.clip(np.rint(centre), 0, (width - 1, height - 1)).astype(int)
    windows = _windows(pixels.full, pixels.unmix, where, middle, centre, steps, stride, reach)
    seen = windows.weights.sum(axis=(1, 2)) * stride**2 > LEAST_SEEN * np.pi * reach**2
    return fit_gaussians(windows, centre, rough.amplitude, sigma_px), seen


def _windows(
    stack: np.ndarray,
    unmix: np.ndarray | None,
    where: np.ndarray,
    middle: np.ndarray,
    centre: np.ndarray,
    steps: int,
    stride: int,
    reach: float,
) -> Windows:
    """Pixels every `stride` around `middle` (n, 2), of channel where % 3 of image where // 3; those inside the image
    and within `reach` of `centre` (n, 2) count."""
    _, height, width, _ = stack.shape
    offsets = np.arange(-steps, steps + 1) * stride
    columns, rows = middle[:, 0, None] + offsets, middle[:, 1, None] + offsets
    inside_x, inside_y = (columns >= 0) & (columns < width), (rows >= 0) & (rows < height)
    image, channel = np.divmod(where, 3)
    down = (image[:, None] * height + np.clip(rows, 0, height - 1)) * (width * 3)
    across = np.clip(columns, 0, width - 1) * 3
    first = down[:, :, None] + across[:, None, :]
    flat = stack.reshape(-1)
    if unmix is None:
        values = flat.take(first + channel[:, None, None]).astype(np.float32)
    else:
        share = unmix[image, channel]
        values = sum(flat.take(first + c) * share[:, c, None, None] for c in range(3))
    if stack.dtype == np.uint8:
        values *= np.float32(1 / 255)
    # Outside the image is beyond any reach.
    square_x = np.where(inside_x, (columns - centre[:, 0, None]) ** 2, np.inf).astype(np.float32)
    square_y = np.where(inside_y, (rows - centre[:, 1, None]) ** 2, np.inf).astype(np.float32)
    weights = square_y[:, :, None] + square_x[:, None, :] <= np.float32(min(reach**2, 1e30))
    return Windows(values, weights.astype(np.float32), rows, columns)
