"""Similarity of a generated video to the true one: PSNR and SSIM, over all pixels and over those that matter."""

import cv2
import numpy as np

from foundation.camera import Camera
from foundation.poses import transform

MOVING = 12  # of 255, in any channel: pixels that differ from the first frame by more count as moving
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # Wang et al., 2004
_SSIM_SIGMA = 1.5
_MARGIN = 2  # px around an object that still count as part of it


def psnr(made: np.ndarray, true: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Return the PSNR in dB of images (..., H, W, 3) uint8, over all pixels or those of `mask` (..., H, W).

    From one mean over the whole input, not the mean of per-frame values. NaN if the mask is empty.
    """
    square = (made.astype(np.float32) - true.astype(np.float32)) ** 2
    if mask is not None:
        square = square[mask]
    if square.size == 0:
        return float("nan")
    return float(10.0 * np.log10(255.0**2 / max(float(square.mean(dtype=np.float64)), 1e-3)))


def ssim(made: np.ndarray, true: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Return the mean SSIM (Wang et al., 2004) of the grey versions of colour images (n, H, W, 3) uint8; over all
    pixels or those of `mask` (n, H, W). NaN if the mask is empty."""
    kept = []
    for i, (one, other) in enumerate(zip(made, true, strict=True)):
        local = _local_similarity(one, other)
        kept.append(local.ravel() if mask is None else local[mask[i]])
    values = np.concatenate(kept) if kept else np.zeros(0)
    return float(values.mean()) if len(values) else float("nan")


def moving(true: np.ndarray) -> np.ndarray:
    """Return a mask (..., T, H, W) of the pixels of a true video (..., T, H, W, 3) that differ from its first frame:
    where a moved object was, and where it is now."""
    return np.abs(true.astype(np.int16) - true[..., :1, :, :, :].astype(np.int16)).max(axis=-1) > MOVING


def covered(camera: Camera, base_from_thing: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return a mask (H, W) of the outline of a box from `low` to `high` (3,) m in the object's frame."""
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    points = camera.project(transform(base_from_thing, low + corners * (high - low)))
    mask = np.zeros((camera.height, camera.width), np.uint8)
    if np.isfinite(points).all():
        outline = cv2.convexHull(np.round(points).astype(np.int32))
        cv2.fillConvexPoly(mask, outline, 1)
        mask = cv2.dilate(mask, np.ones((2 * _MARGIN + 1,) * 2, np.uint8))
    return mask.astype(bool)


def _local_similarity(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    x, y = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float64) for image in (one, other))

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (11, 11), _SSIM_SIGMA)

    mx, my = mean(x), mean(y)
    vx, vy, vxy = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    return ((2 * mx * my + _C1) * (2 * vxy + _C2)) / ((mx**2 + my**2 + _C1) * (vx + vy + _C2))
