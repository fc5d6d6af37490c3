"""Lens distortion of simulated images: where each pixel of a real lens looks in an ideal image.

Brown-Conrady as in OpenCV: k1, k2, p1, p2, k3. The ideal image is drawn larger than requested, so that every pixel of
the distorted one finds its source.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from simulation.bench.camera_spec import CameraSpec
from simulation.errors import SimulationError

_BORDER = 2  # px of the ideal image kept free around the sampled area


@dataclass(frozen=True, eq=False, slots=True)
class Lens:
    """Recipe for a distorted image: draw an ideal one of `width` x `height` px with `K`, then remap it.

    `map_u`, `map_v` (H, W) float32: for each pixel of the distorted image its position in the ideal one.
    """

    width: int
    height: int
    K: np.ndarray
    map_u: np.ndarray
    map_v: np.ndarray

    def apply(self, ideal: np.ndarray, interpolation: int = cv2.INTER_LINEAR) -> np.ndarray:
        """Distort an ideal image (height, width[, 3])."""
        return cv2.remap(ideal, self.map_u, self.map_v, interpolation, borderMode=cv2.BORDER_REPLICATE)


def lens_of(spec: CameraSpec) -> Lens | None:
    """Return the lens of a camera; None where the images need no distortion.

    Raises SimulationError for coefficients that fold the image over itself.
    """
    K = np.array(spec.K)
    if spec.ideal and K[0, 1] == 0:
        return None
    rays = undistorted_rays(spec)
    low, high = rays.min(axis=(0, 1)), rays.max(axis=(0, 1))
    focal = np.array([K[0, 0], K[1, 1]])
    size = np.ceil((high - low) * focal).astype(int) + 1 + 2 * _BORDER
    if (size > 4 * np.array([spec.width, spec.height])).any():
        raise SimulationError(_folds(spec))
    centre = _BORDER - low * focal
    ideal_K = np.array([[focal[0], 0, centre[0]], [0, focal[1], centre[1]], [0, 0, 1]])
    maps = (rays * focal + centre).astype(np.float32)
    return Lens(int(size[0]), int(size[1]), ideal_K, maps[..., 0].copy(), maps[..., 1].copy())


def undistorted_rays(spec: CameraSpec) -> np.ndarray:
    """Return (H, W, 2): direction x / z, y / z in the camera frame in which each pixel of the real lens looks."""
    pixels = np.stack(np.meshgrid(np.arange(spec.width), np.arange(spec.height)), axis=-1).reshape(-1, 1, 2)
    K, coefficients = np.array(spec.K), np.array(spec.distortion)
    seen = pixels.astype(np.float64)
    # cv2 ignores a skew in K, so pixels are brought to the image plane here.
    plane = np.linalg.solve(K, np.vstack([seen[:, 0].T, np.ones(len(seen))]))[:2].T.reshape(-1, 1, 2)
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-9)
    rays = cv2.undistortPointsIter(plane, np.eye(3), coefficients, np.eye(3), np.eye(3), criteria)
    again, _ = cv2.projectPoints(
        np.dstack([rays, np.ones(len(rays))[:, None]]), np.zeros(3), np.zeros(3), np.eye(3), coefficients
    )
    if not np.abs(again - plane).max() < 1e-5:
        raise SimulationError(_folds(spec))
    return rays.reshape(spec.height, spec.width, 2)


def _folds(spec: CameraSpec) -> str:
    return (
        f"The lens of the simulated camera {spec.name} distorts too much to be drawn: its coefficients "
        f"{spec.distortion} fold the picture over itself. Choose smaller ones."
    )
