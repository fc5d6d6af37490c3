"""Sensor noise, cheap enough for every frame of every camera."""

import cv2
import numpy as np

_SHIFT = 64  # px by which the stored noise may be shifted against the image


class SensorNoise:
    """Gaussian noise of standard deviation `sigma` in 0..255, the same sequence for the same generator.

    Drawing a million normal numbers per frame would cost more than the image itself: one field is drawn once, larger
    than the image, and each exposure takes another crop of it, flipped or not. No two exposures in a row are the same.
    """

    def __init__(self, height: int, width: int, sigma: float, generator: np.random.Generator):
        self._generator = generator
        self._sigma = sigma
        field = generator.standard_normal((height + _SHIFT, width + _SHIFT, 3), dtype=np.float32)
        self._field = np.rint(field * sigma).astype(np.int16)
        self._range_field = field[..., 0].copy()
        self._last: tuple[int, ...] = ()

    def expose(self, rgb: np.ndarray) -> np.ndarray:
        """Return the image (H, W, 3) uint8 with noise; unchanged where sigma is 0."""
        if self._sigma <= 0:
            return rgb
        return cv2.add(rgb, self._part(self._field, rgb.shape), dtype=cv2.CV_8U)

    def range(self, depth: np.ndarray) -> np.ndarray:
        """Add a stereo camera's noise to depth (H, W) m: 1 mm at 1 m, growing with the square of the distance."""
        if self._sigma <= 0:
            return depth
        return depth + 0.001 * depth**2 * self._part(self._range_field, depth.shape)

    def _part(self, field: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        place = self._last
        while place == self._last:
            place = (*(int(v) for v in self._generator.integers(0, _SHIFT, 2)), int(self._generator.integers(0, 4)))
        self._last = place
        top, left, turn = place
        part = field[top : top + shape[0], left : left + shape[1]]
        part = part[::-1] if turn & 1 else part
        return np.ascontiguousarray(part[:, ::-1] if turn & 2 else part)


def depth_mm(depth: np.ndarray) -> np.ndarray:
    """Convert depth (H, W) float m to a RealSense's format: uint16 mm, 0 where nothing was measured (beyond 10 m)."""
    return np.where((depth > 0.1) & (depth < 10.0), np.rint(depth * 1000.0), 0).astype(np.uint16)
