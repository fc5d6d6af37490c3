"""Batched least-squares fits of two-dimensional Gaussians."""

from dataclasses import dataclass

import numpy as np

from model.action_images.image_windows import Windows

# Gaussian priors on amplitude and width about the encoding's values (1 and sigma): standard deviations, relative to
# pixel noise PIXEL_NOISE. They have no influence where a whole blob is visible (a thousand pixels outweigh them), and
# keep a blob cut by the border from becoming a huge one far outside.
AMPLITUDE_SPREAD, WIDTH_SPREAD, PIXEL_NOISE = 0.3, 0.15, 0.03
# Lower bound of the pixel noise: half a step of 8 bits.
LEAST_NOISE = 0.002
# Maximum step in sigma: beyond it a Gaussian's slope no longer indicates its centre.
LONGEST_STEP = 0.7
# Convergence threshold of a step in sigma: the next Gauss-Newton step would be a thousand times shorter.
CONVERGED = 1e-3


@dataclass(frozen=True, eq=False)
class GaussianFit:
    """Fitted Gaussians: `centre` (n, 2) px, `amplitude` (n,), `width` (n,) as a factor of sigma, `covariance` (n, 2, 2)
    px^2 of the centre, `explained` (n,) the fraction of the pixels' variance explained by the Gaussian, at most 1."""

    centre: np.ndarray
    amplitude: np.ndarray
    width: np.ndarray
    covariance: np.ndarray
    explained: np.ndarray


def fit_gaussians(
    windows: Windows, centre: np.ndarray, amplitude: np.ndarray, sigma: float, iterations: int = 12
) -> GaussianFit:
    """Fit one Gaussian per window by Gauss-Newton, from initial guesses of centre (n, 2) px and amplitude (n,).

    The parameters are amplitude, centre (in sigma) and logarithm of the width. The model is separable, so every sum
    over a window is a product of small matrices, and one iteration over all windows takes a handful of calls.
    """
    n = len(centre)
    weighted = windows.values * windows.weights
    state = np.column_stack([amplitude, centre / sigma, np.zeros(n)]).astype(float)
    gram = np.broadcast_to(np.eye(4), (n, 4, 4)).copy()
    overlap = np.zeros((n, 2))  # inner products: pixels with the Gaussian, and the Gaussian with itself
    active = np.arange(n)
    for _ in range(iterations):
        # Copy the pixels of the remaining windows only once most have converged.
        part = slice(None) if len(active) > 0.5 * n else active
        gram[part], gradient, overlap[part] = _normal_equations(
            weighted[part],
            windows.weights[part],
            windows.rows[part] / sigma,
            windows.columns[part] / sigma,
            state[part],
        )
        step = np.linalg.solve(gram[part], gradient[..., None])[..., 0]
        step[:, 1:3] = np.clip(step[:, 1:3], -LONGEST_STEP, LONGEST_STEP)
        step[:, 3] = np.clip(step[:, 3], -0.25, 0.25)
        state[part] += step
        np.clip(state[:, 0], 0.05, 2.0, out=state[:, 0])
        np.clip(state[:, 3], -1.0, 1.0, out=state[:, 3])
        moving = np.abs(step[:, 1:3]).max(axis=1, initial=0.0) > CONVERGED
        active = np.arange(n)[part][moving]
        if not len(active):
            break
    return _judged(windows, weighted, state, gram, overlap, sigma)


def _normal_equations(
    weighted: np.ndarray, weights: np.ndarray, rows: np.ndarray, columns: np.ndarray, state: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return J'J + prior (n, 4, 4), J'r - prior (n, 4), and the overlaps (n, 2), all lengths in sigma.

    With x, y the offsets over the width and g the Gaussian, J's columns are g, A x g / width, A y g / width and
    A (x^2 + y^2) g: every sum is one of x^i y^j g over the pixels or x^i y^j g^2 over the weights.
    """
    amplitude, scale = state[:, 0], np.exp(state[:, 3])
    x = ((columns - state[:, 1, None]) / scale[:, None]).astype(np.float32)
    y = ((rows - state[:, 2, None]) / scale[:, None]).astype(np.float32)
    moments_x, moments_y = _powers(x, np.exp(-0.5 * x * x), 3), _powers(y, np.exp(-0.5 * y * y), 3)
    squares_x, squares_y = _powers(x, np.exp(-x * x), 5), _powers(y, np.exp(-y * y), 5)
    P = (moments_y.transpose(0, 2, 1) @ (weighted @ moments_x)).astype(float)  # [n, power of y, power of x]
    S = (squares_y.transpose(0, 2, 1) @ (weights @ squares_x)).astype(float)
    a, a2 = amplitude, amplitude * amplitude
    gram = np.empty((len(state), 4, 4))
    gram[:, 0, 0] = S[:, 0, 0]
    gram[:, 0, 1] = a * S[:, 0, 1]
    gram[:, 0, 2] = a * S[:, 1, 0]
    gram[:, 0, 3] = a * (S[:, 0, 2] + S[:, 2, 0])
    gram[:, 1, 1] = a2 * S[:, 0, 2]
    gram[:, 1, 2] = a2 * S[:, 1, 1]
    gram[:, 1, 3] = a2 * (S[:, 0, 3] + S[:, 2, 1])
    gram[:, 2, 2] = a2 * S[:, 2, 0]
    gram[:, 2, 3] = a2 * (S[:, 1, 2] + S[:, 3, 0])
    gram[:, 3, 3] = a2 * (S[:, 0, 4] + 2 * S[:, 2, 2] + S[:, 4, 0])
    for i in range(4):
        gram[:, i, :i] = gram[:, :i, i]
    gradient = np.stack([P[:, 0, 0], a * P[:, 0, 1], a * P[:, 1, 0], a * (P[:, 0, 2] + P[:, 2, 0])], axis=1)
    gradient -= a[:, None] * gram[:, 0]
    overlap = np.stack([P[:, 0, 0], S[:, 0, 0]], axis=1)
    # The centre's columns were computed per width; per sigma they are steeper by 1 / width.
    units = np.ones((len(state), 4))
    units[:, 1:3] = 1.0 / scale[:, None]
    gram *= units[:, :, None] * units[:, None, :]
    gradient *= units
    prior = PIXEL_NOISE**2 * np.array([AMPLITUDE_SPREAD**-2, 0.0, 0.0, WIDTH_SPREAD**-2])
    gram[:, range(4), range(4)] += prior + 1e-9
    gradient += prior * (np.array([1.0, 0.0, 0.0, 0.0]) - state)
    return gram, gradient, overlap


def _powers(x: np.ndarray, factor: np.ndarray, count: int) -> np.ndarray:
    """Return x^k * factor for k < count, (n, length, count)."""
    result = np.empty((*x.shape, count), np.float32)
    result[..., 0] = factor
    for k in range(1, count):
        np.multiply(result[..., k - 1], x, out=result[..., k])
    return result


def _judged(
    windows: Windows, weighted: np.ndarray, state: np.ndarray, gram: np.ndarray, overlap: np.ndarray, sigma: float
) -> GaussianFit:
    amplitude = state[:, 0]
    n, area = len(state), weighted[0].size if len(weighted) else 0
    flat, weights = weighted.reshape(n, area), windows.weights.reshape(n, area)
    count = np.maximum(weights.sum(axis=1), 1e-9)
    energy = np.einsum("np,np->n", flat, flat).astype(float)
    variance = np.maximum(energy - flat.sum(axis=1).astype(float) ** 2 / count, 1e-9)
    left_over = np.maximum(energy - 2 * amplitude * overlap[:, 0] + amplitude**2 * overlap[:, 1], 0.0)
    noise = np.maximum(left_over / count, LEAST_NOISE**2)
    covariance = np.linalg.inv(gram)[:, 1:3, 1:3] * (noise * sigma**2)[:, None, None]
    return GaussianFit(state[:, 1:3] * sigma, amplitude, np.exp(state[:, 3]), covariance, 1.0 - left_over / variance)
