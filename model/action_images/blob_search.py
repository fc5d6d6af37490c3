"""Coarse blob detection in downsampled images, where noise is averaged out.

Also estimates and removes the colour cross-talk between channels that generated and compressed videos show.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from model.action_images.encoding import BLUE, PEDESTAL
from model.action_images.gaussian_fit import GaussianFit, fit_gaussians
from model.action_images.image_windows import windows_around

# Cross-talk below LEAST is not worth correcting; above MOST it is not cross-talk.
LEAST, MOST = 0.01, 0.5
# Minimum fraction of a channel's energy away from its own blob that cross-talk must explain; a ghost fails this test.
LEAST_EXPLAINED = 0.5


def unmixing(channels: np.ndarray, tails: np.ndarray, away: np.ndarray) -> np.ndarray | None:
    """Estimate the matrix (3, 3) that maps observed to rendered colours; None without cross-talk.

    `channels` (V, T, 3, m) are the pixels minus their channel's background, `tails` (V, T, 3, m) the contribution of
    each channel's own blob, `away` (V, T, 3, m) bool the pixels away from that blob. There a channel shows, besides the
    tails, the leakage from the two others: least squares over a view's whole video gives the shares. The videos have
    one source and hence the same cross-talk, and a ghost in one view must not be taken for it, so the shares of the
    median view are used (the lower one for an even number of views).
    """
    V = len(channels)
    shares = np.zeros((V, 3, 3))
    for own in range(3):
        others = [channel for channel in range(3) if channel != own]
        there = away[:, :, own].reshape(V, -1)
        leaked = np.where(there, (channels[:, :, own] - tails[:, :, own]).reshape(V, -1), np.float32(0.0))
        sources = channels[:, :, others].swapaxes(1, 2).reshape(V, 2, -1)
        gram = ((sources * there[:, None]) @ sources.swapaxes(1, 2)).astype(float) + 1e-6 * np.eye(2)
        product = (sources @ leaked[..., None])[..., 0].astype(float)
        share = np.linalg.solve(gram, product[..., None])[..., 0]
        explained = np.sum(share * product, axis=1) > LEAST_EXPLAINED * np.sum(leaked**2, axis=1)
        shares[:, own, others] = np.where(explained[:, None], share, 0.0)
    middle = np.sort(shares, axis=0)[(V - 1) // 2]
    middle = np.where((middle > LEAST) & (middle < MOST), middle, 0.0)
    return np.linalg.inv(np.eye(3) + middle) if middle.any() else None


# Sigma in pixels of the downsampled images: enough to resolve a smooth blob.
SEARCH_SIGMA_PX = 1.6
# Minimum peak height above the background; a channel below it is empty.
FAINTEST = 0.2
# If another peak, more than APART sigma away, is at least AMBIGUOUS times as high as the first, the first is ambiguous;
# one at least RIVAL times as high is kept as its rival.
AMBIGUOUS, RIVAL, APART = 0.8, 0.5, 3.0
# Cross-talk correction changes which tails are attributed to which blob, so it is iterated.
UNMIXINGS = 3


@dataclass(frozen=True, eq=False)
class Rough:
    """Blob candidates: `where` (n,) = image * 3 + channel, `second` (n,) bool for a channel's second peak, `centre`
    (n, 2) px of the full image, `amplitude` (n,); for all N images the blue `background` (N,), and per channel (N * 3,)
    bool whether the highest peak is `alone`; and `unmix` (3, 3) from observed to rendered colours."""

    where: np.ndarray
    second: np.ndarray
    centre: np.ndarray
    amplitude: np.ndarray
    background: np.ndarray
    alone: np.ndarray
    unmix: np.ndarray


def search(images: np.ndarray, sigma_px: float) -> Rough:
    """Detect the blobs of action images (V, T, H, W, 3) and their rivals, each to a small fraction of sigma."""
    V, T, height, width, _ = images.shape
    maps = _averaged_down(images.reshape(V * T, height, width, 3), sigma_px)
    scale = np.array([width / maps.shape[2], height / maps.shape[1]])
    sigma = sigma_px / scale.mean()
    shape = (V, T, 3, maps.shape[1] * maps.shape[2])
    peaks = _Peaks.of(maps, sigma)
    where, second, fit = peaks.fit(maps, sigma)
    unmix = np.eye(3)
    for _ in range(UNMIXINGS):
        tails = _tails(maps.shape, where, ~second & peaks.certain[where], fit, sigma)
        further = unmixing(peaks.above.reshape(shape), tails.reshape(shape), peaks.away.reshape(shape))
        if further is None:
            break
        unmix = further @ unmix
        maps = maps @ further.T.astype(np.float32)
        peaks = _Peaks.of(maps, sigma)
        where, second, fit = peaks.fit(maps, sigma)
    centre = (fit.centre + 0.5) * scale - 0.5
    return Rough(where, second, centre, fit.amplitude, peaks.background[:, BLUE], peaks.certain, unmix)


def _averaged_down(images: np.ndarray, sigma_px: float) -> np.ndarray:
    """Downsample the images (n, H, W, 3) to (n, h, w, 3) float32 in [0, 1]."""
    _, height, width, _ = images.shape
    factor = max(1.0, np.floor(sigma_px / SEARCH_SIGMA_PX))
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    # OpenCV is fast at halving; the remaining resize then costs a quarter.
    halves = factor >= 4 and width % 2 == 0 and height % 2 == 0
    maps = np.empty((len(images), size[1], size[0], 3), np.float32)
    for image, small in zip(images, maps, strict=True):
        source = cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA) if halves else image
        small[:] = cv2.resize(source, size, interpolation=cv2.INTER_AREA)
    if images.dtype == np.uint8:
        maps /= 255.0
    elif not np.isfinite(maps).all() or maps.max() > 1.5 or maps.min() < -0.5:
        raise ValueError("float action images must be finite and lie in [0, 1]")
    return maps


@dataclass(frozen=True, eq=False)
class _Peaks:
    """Peaks per image and channel.

    `above` (n, 3, h, w) the pixels minus their `background` (n, 3); `highest` (n * 3, 2) the highest pixel (x, y), and
    `rival` (n * 3, 2) the highest one away from it; `away` (n, 3, h, w) the pixels away from it; `high` (n * 3,) the
    peak is above the threshold, `contested` its rival is at least half as high, `certain` it is high and nearly alone.
    """

    above: np.ndarray
    background: np.ndarray
    highest: np.ndarray
    rival: np.ndarray
    away: np.ndarray
    high: np.ndarray
    contested: np.ndarray
    certain: np.ndarray

    @staticmethod
    def of(maps: np.ndarray, sigma: float) -> "_Peaks":
        n, height, width, _ = maps.shape
        background = np.median(maps[:, ::2, ::2], axis=(1, 2))
        above = np.ascontiguousarray(maps.transpose(0, 3, 1, 2)) - background[:, :, None, None]
        flat = above.reshape(n * 3, height * width)
        highest = flat.argmax(axis=1)
        y, x = np.divmod(highest, width)
        first = flat[np.arange(n * 3), highest]
        away_x = np.abs(np.arange(width) - x[:, None]) > APART * sigma
        away_y = np.abs(np.arange(height) - y[:, None]) > APART * sigma
        away = away_y[:, :, None] | away_x[:, None, :]
        elsewhere = np.where(away.reshape(flat.shape), flat, 0.0)
        other = elsewhere.argmax(axis=1)
        second = elsewhere[np.arange(n * 3), other]
        return _Peaks(
            above,
            background,
            np.stack([x, y], axis=-1),
            np.stack(np.divmod(other, width)[::-1], axis=-1),
            away.reshape(above.shape),
            high=first > FAINTEST,
            contested=(second > FAINTEST) & (second > RIVAL * first),
            certain=(first > FAINTEST) & (second < AMBIGUOUS * first),
        )

    def fit(self, maps: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray, GaussianFit]:
        """Fit Gaussians to the 5 x 5 pixels around all high peaks and rivals.

        Returns image * 3 + channel, whether each is a rival, and the fit.
        """
        first, second = np.flatnonzero(self.high), np.flatnonzero(self.high & self.contested)
        where = np.concatenate([first, second])
        peaks = np.concatenate([self.highest[first], self.rival[second]])
        windows = windows_around(maps, where, peaks, np.arange(-2, 3))
        # The centre is not known well enough yet to mask by a disc: blue's pedestal is masked by its value.
        pedestal = (where % 3 == BLUE) & (self.background.reshape(-1)[where] > 0.5 * PEDESTAL)
        windows.weights[pedestal[:, None, None] & (windows.values < PEDESTAL + 0.05)] = 0.0
        fit = fit_gaussians(windows, peaks.astype(float), windows.values[:, 2, 2], sigma, 4)
        return where, np.arange(len(where)) >= len(first), fit


def _tails(shape: tuple[int, ...], where: np.ndarray, own: np.ndarray, fit: GaussianFit, sigma: float) -> np.ndarray:
    """Render the tails (n, 3, h, w) of the fitted Gaussians that are certainly a channel's `own` (n,); blue's are below
    the pedestal."""
    n, height, width, _ = shape
    width_px = (sigma * fit.width[own])[:, None]
    across = np.exp(-0.5 * ((np.arange(width) - fit.centre[own, :1]) / width_px) ** 2)
    down = np.exp(-0.5 * ((np.arange(height) - fit.centre[own, 1:]) / width_px) ** 2)
    down *= (fit.amplitude[own] * (where[own] % 3 != BLUE))[:, None]
    tails = np.zeros((n * 3, height, width), np.float32)
    tails[where[own]] = down.astype(np.float32)[:, :, None] * across.astype(np.float32)[:, None, :]
    return tails.reshape(n, 3, height, width)
