"""Fit of single blobs: exact without noise, and with correct uncertainty under noise."""

import numpy as np

from model.action_images.gaussian_fit import fit_gaussians
from model.action_images.image_windows import Windows, windows_around


def windows(centre: np.ndarray, amplitude: np.ndarray, sigma: np.ndarray, size: int = 31) -> Windows:
    place = np.arange(size, dtype=float)
    across = np.exp(-0.5 * ((place - centre[:, :1]) / sigma[:, None]) ** 2)
    down = np.exp(-0.5 * ((place - centre[:, 1:]) / sigma[:, None]) ** 2)
    values = (amplitude[:, None, None] * down[:, :, None] * across[:, None, :]).astype(np.float32)
    n = len(centre)
    return Windows(values, np.ones_like(values), np.tile(place, (n, 1)), np.tile(place, (n, 1)))


def test_amplitude_centre_and_width_come_back():
    rng = np.random.default_rng(0)
    n = 60
    centre = rng.uniform(10, 20, (n, 2))
    amplitude, factor = rng.uniform(0.4, 1.2, n), rng.uniform(0.8, 1.3, n)
    fit = fit_gaussians(windows(centre, amplitude, 5.0 * factor), centre + rng.uniform(-3, 3, (n, 2)), np.ones(n), 5.0)
    assert np.abs(fit.centre - centre).max() < 1e-3
    assert np.abs(fit.amplitude - amplitude).max() < 1e-2
    assert np.abs(fit.width - factor).max() < 1e-2
    assert fit.explained.min() > 0.999


def test_the_covariance_is_the_scatter_that_noise_causes():
    rng = np.random.default_rng(1)
    n = 400
    centre = np.full((n, 2), 15.2)
    noisy = windows(centre, np.ones(n), np.full(n, 5.0))
    noisy.values[:] += rng.normal(0, 0.05, noisy.values.shape)
    fit = fit_gaussians(noisy, centre, np.ones(n), 5.0)
    scatter = np.cov((fit.centre - centre).T)
    predicted = fit.covariance.mean(axis=0)
    assert np.allclose(np.sqrt(np.diag(predicted)), np.sqrt(np.diag(scatter)), rtol=0.15)


def test_a_blob_cut_by_the_border_is_less_certain_across_it():
    image = windows(np.array([[1.0, 15.0]]), np.ones(1), np.full(1, 5.0)).values[..., None].repeat(3, axis=-1)
    cut = windows_around(image, np.array([0]), np.array([[1, 15]]), np.arange(-8, 9))
    fit = fit_gaussians(cut, np.array([[2.0, 14.0]]), np.ones(1), 5.0)
    assert np.abs(fit.centre - (1.0, 15.0)).max() < 0.01
    assert fit.covariance[0, 0, 0] > 1.5 * fit.covariance[0, 1, 1]


def test_windows_are_the_pixels_they_say():
    images = np.arange(2 * 6 * 5 * 3, dtype=np.float32).reshape(2, 6, 5, 3)
    part = windows_around(images, np.array([4]), np.array([[4, 1]]), np.arange(-1, 2))
    assert np.array_equal(part.rows, [[0, 1, 2]]) and np.array_equal(part.columns, [[3, 4, 5]])
    assert np.array_equal(part.values[0, :, :2], images[1, 0:3, 3:5, 1])
    assert np.array_equal(part.weights[0], [[1, 1, 0]] * 3)
