"""Specification of a simulated camera: its pose, its lens, and its image quality."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from foundation.camera import Camera, pinhole
from foundation.poses import look_at


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """Simulated camera with the properties of a commercial one: intrinsics, distortion, noise, rate.

    Attributes:
        K: intrinsics (3, 3) px; like `base_from_camera` (4, 4) as nested tuples, so that specs compare by value.
        distortion: Brown-Conrady k1, k2, p1, p2, k3 (OpenCV's order).
        noise: standard deviation of each pixel's value in 0..255.
        fps, delay: frame rate, and seconds from exposure to delivery; both are applied by the publisher of the frames.
        stamped_late: seconds by which the timestamps are later than the exposure, as with cameras of an unknown clock.
    """

    name: str
    width: int
    height: int
    K: tuple[tuple[float, ...], ...]
    base_from_camera: tuple[tuple[float, ...], ...]
    distortion: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0)
    noise: float = 1.5
    fps: float = 15.0
    delay: float = 0.02
    stamped_late: float = 0.0

    def __post_init__(self):
        _ = self.camera  # raises for an invalid calibration at construction
        if len(self.distortion) != 5:
            raise ValueError(f"camera {self.name}: distortion is k1, k2, p1, p2, k3, not {self.distortion}")

    @property
    def camera(self) -> Camera:
        """True calibration of this camera's images once undistorted."""
        return Camera(self.name, self.width, self.height, np.array(self.K), np.array(self.base_from_camera))

    @property
    def ideal(self) -> bool:
        return not any(self.distortion)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "CameraSpec":
        rows = {key: _rows(values[key]) for key in ("K", "base_from_camera")}
        return CameraSpec(**{**values, **rows, "distortion": tuple(values["distortion"])})


def camera_spec(camera: Camera, **more: Any) -> CameraSpec:
    """Return the simulated camera with this calibration; `more` are CameraSpec's other fields."""
    return CameraSpec(camera.name, camera.width, camera.height, _rows(camera.K), _rows(camera.base_from_camera), **more)


def camera_spec_at(name: str, position, target, *, width=640, height=480, vertical_fov=0.75, **more) -> CameraSpec:
    """Return a simulated camera at `position` looking at `target` (3,) m, upright; `vertical_fov` in rad."""
    pose = look_at(np.asarray(position, float), np.asarray(target, float))
    return camera_spec(Camera(name, width, height, pinhole(width, height, vertical_fov), pose), **more)


def _rows(matrix: Any) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in matrix)
