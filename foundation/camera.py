"""Calibrated pinhole camera for undistorted images.

OpenCV conventions: x right, y down, z forward; the centre of the top-left pixel is (0, 0), so an image of width w
covers u from -0.5 to w - 0.5.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from foundation.poses import invert, is_pose, look_at, transform


@dataclass(frozen=True, eq=False)
class Camera:
    """Pinhole camera with its intrinsics and extrinsics.

    `K` (3, 3) in pixels; `base_from_camera` (4, 4), or (T, 4, 4) for a camera that moves with the frames, in m.
    Raises ValueError when the values do not describe such a camera.
    """

    name: str
    width: int
    height: int
    K: np.ndarray
    base_from_camera: np.ndarray

    def __post_init__(self):
        object.__setattr__(self, "K", np.array(self.K, float))
        object.__setattr__(self, "base_from_camera", np.array(self.base_from_camera, float))
        if self.width < 1 or self.height < 1:
            raise ValueError(f"camera {self.name}: an image of {self.width} x {self.height} pixels is not an image")
        upper = self.K.shape == (3, 3) and not np.tril(self.K, -1).any()
        if not upper or self.K[2, 2] != 1 or not np.isfinite(self.K).all():
            raise ValueError(f"camera {self.name}: K must be finite, [[fx, s, cx], [0, fy, cy], [0, 0, 1]]")
        if not (self.K[0, 0] > 0 and self.K[1, 1] > 0):
            raise ValueError(f"camera {self.name}: focal lengths must be positive, not {self.K[0, 0]}, {self.K[1, 1]}")
        if self.base_from_camera.ndim not in (2, 3) or not is_pose(self.base_from_camera):
            raise ValueError(f"camera {self.name}: base_from_camera must be a rigid (4, 4) or (T, 4, 4) transform")
        self.K.setflags(write=False)
        self.base_from_camera.setflags(write=False)

    @property
    def moving(self) -> bool:
        return self.base_from_camera.ndim == 3

    def project(self, points: np.ndarray) -> np.ndarray:
        """Project points (..., 3) in base to pixels (..., 2); NaN where a point is not in front of the camera.

        A moving camera takes points (T, ..., 3), the first axis being its frames.
        """
        points = np.asarray(points, float)
        camera_from_base = invert(self.base_from_camera)
        if self.moving:
            if points.ndim < 2 or points.shape[0] != len(camera_from_base):
                raise ValueError(f"camera {self.name} has {len(camera_from_base)} poses: points must be (T, ..., 3)")
            camera_from_base = camera_from_base.reshape(-1, *(1,) * (points.ndim - 2), 4, 4)
        in_camera = transform(camera_from_base, points)
        depth = np.where(in_camera[..., 2] > 1e-9, in_camera[..., 2], np.nan)
        return (in_camera @ self.K.T)[..., :2] / depth[..., None]

    def rays(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return origins and unit directions (..., 3) in base of the rays through pixels (..., 2).

        A moving camera takes pixels (T, ..., 2).
        """
        pixels = np.asarray(pixels, float)
        homogeneous = np.concatenate([pixels, np.ones_like(pixels[..., :1])], axis=-1)
        directions = homogeneous @ np.linalg.inv(self.K).T
        directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
        base_from_camera = self.base_from_camera
        if self.moving:
            base_from_camera = base_from_camera.reshape(-1, *(1,) * (pixels.ndim - 2), 4, 4)
        rotation = base_from_camera[..., :3, :3]
        origins = np.broadcast_to(base_from_camera[..., :3, 3], directions.shape)
        return origins.copy(), np.einsum("...ij,...j->...i", rotation, directions)

    def sees(self, pixels: np.ndarray) -> np.ndarray:
        """Return bool (...): pixels (..., 2) inside the image; False for NaN."""
        size = np.array([self.width, self.height])
        return np.all((pixels >= -0.5) & (pixels <= size - 0.5), axis=-1)

    def resized(self, width: int, height: int) -> "Camera":
        """Return the camera of the image scaled to (height, width): u becomes s * (u + 0.5) - 0.5, K likewise."""
        scale = np.diag([width / self.width, height / self.height, 1.0])
        half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
        return replace(self, width=width, height=height, K=np.linalg.inv(half) @ scale @ half @ self.K)

    def cropped(self, left: int, top: int, width: int, height: int) -> "Camera":
        """Return the camera of the crop [top:top + height, left:left + width], which may extend beyond the border."""
        K = self.K.copy()
        K[:2, 2] -= (left, top)
        return replace(self, width=width, height=height, K=K)

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers and lists for JSON; `Camera.from_dict` reads them."""
        return {
            "name": self.name,
            "width": self.width,
            "height": self.height,
            "K": self.K.tolist(),
            "base_from_camera": self.base_from_camera.tolist(),
        }

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Camera":
        return Camera(
            str(values["name"]),
            int(values["width"]),
            int(values["height"]),
            np.array(values["K"], float),
            np.array(values["base_from_camera"], float),
        )


def pinhole(width: int, height: int, vertical_fov: float) -> np.ndarray:
    """Return K (3, 3) with square pixels and a centred principal point; `vertical_fov` in rad."""
    focal = 0.5 * height / np.tan(0.5 * vertical_fov)
    return np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1.0]])


def camera_at(
    name: str, width: int, height: int, vertical_fov: float, position: ArrayLike, target: ArrayLike
) -> Camera:
    """Return an ideal upright camera at `position` looking at `target` (3,) in m, base frame."""
    return Camera(
        name, width, height, pinhole(width, height, vertical_fov), look_at(np.asarray(position), np.asarray(target))
    )
