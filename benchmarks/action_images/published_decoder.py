"""The decoder published with Action Images (arXiv 2604.06168), as the baseline of the benchmark.

Per view and channel the intensity-weighted centroid of the whole heatmap; from view 0 a ray through its centroid;
along it the one of many depths at which the product of all views' heatmaps is largest. Vectorised over frames,
channels and depths, with the pixel convention of this project (its own is half a pixel off).
"""

from collections.abc import Sequence

import cv2
import numpy as np

from foundation.camera import Camera
from model.action_images.encoding import BLUE, PEDESTAL, projection_matrices

DEPTHS = 512  # the most its authors use


def decode_published(
    images: np.ndarray, cameras: Sequence[Camera], near: float, far: float
) -> tuple[np.ndarray, np.ndarray]:
    """Decode images (V, T, H, W, 3) to poses (T, 4, 4) and openness (T,); depths near..far, m, of view 0."""
    V, T = images.shape[:2]
    origins, directions = cameras[0].rays(_centroids(images[0]))
    forward = cameras[0].base_from_camera[:3, 2]
    along = np.linspace(near, far, DEPTHS) / (directions @ forward)[..., None]
    points = origins[:, :, None] + along[..., None] * directions[:, :, None]
    product = np.ones(points.shape[:-1], np.float32)
    matrices = projection_matrices(cameras, T)
    for view in range(1, V):
        product *= _heat(images[view], _pixels(matrices[view, 0], points))
    best = product.argmax(axis=2)
    found = np.take_along_axis(points, best[..., None, None], axis=2)[:, :, 0]
    background = np.array([[cv2.mean(image)[BLUE] for image in video] for video in images])
    scale = 255.0 if images.dtype == np.uint8 else 1.0
    return _poses(found), (background.mean(axis=0) > 0.5 * PEDESTAL * scale).astype(float)


def _centroids(video: np.ndarray) -> np.ndarray:
    """Return intensity-weighted means (T, 3, 2) px."""
    _, height, width, _ = video.shape
    columns = np.stack([cv2.reduce(image, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32F)[0] for image in video])
    rows = np.stack([cv2.reduce(image, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32F)[:, 0] for image in video])
    mass = np.maximum(columns.sum(axis=1), 1e-9)
    u = np.einsum("twc,w->tc", columns, np.arange(width, dtype=np.float32)) / mass
    v = np.einsum("thc,h->tc", rows, np.arange(height, dtype=np.float32)) / mass
    return np.stack([u, v], axis=-1)


def _pixels(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    image = points @ matrix[:, :3].T + matrix[:, 3]
    return image[..., :2] / np.maximum(image[..., 2:], 1e-6)


def _heat(video: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Sample heatmaps (T, H, W, 3) at pixels (T, 3, n, 2), bilinear, 0 outside."""
    T, height, width, _ = video.shape
    flat = video.reshape(-1)
    u, v = pixels[..., 0].astype(np.float32), pixels[..., 1].astype(np.float32)
    inside = (u >= 0) & (u < width - 1) & (v >= 0) & (v < height - 1)
    u, v = np.where(inside, u, 0), np.where(inside, v, 0)
    x, y = u.astype(np.int32), v.astype(np.int32)
    u, v = u - x, v - y
    first = ((np.arange(T)[:, None, None] * height + y) * width + x) * 3 + np.arange(3)[:, None]
    top = flat.take(first) * (1 - u) + flat.take(first + 3) * u
    below = first + 3 * width
    bottom = flat.take(below) * (1 - u) + flat.take(below + 3) * u
    return inside * (top * (1 - v) + bottom * v)


def _poses(points: np.ndarray) -> np.ndarray:
    """Return the poses (T, 4, 4) of three points (T, 3, 3): e_x to green, e_z from blue, re-orthogonalised."""
    x, z = points[:, 1] - points[:, 0], points[:, 0] - points[:, 2]
    axes = np.stack([x, np.cross(z, x), z], axis=-1)
    axes /= np.maximum(np.linalg.norm(axes, axis=1, keepdims=True), 1e-9)
    U, _, Vt = np.linalg.svd(axes)
    U[..., -1] *= np.linalg.det(U @ Vt)[:, None]
    poses = np.tile(np.eye(4), (len(points), 1, 1))
    poses[:, :3, :3], poses[:, :3, 3] = U @ Vt, points[:, 0]
    return poses
