"""A simulated camera: where it stands, its lens, and how good its pictures are."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from foundation.camera import Camera, pinhole
from foundation.poses import look_at


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """One camera as it would come from a shop: intrinsics, distortion, noise, rate.

    `K` (3, 3) px and `base_from_camera` (4, 4) as nested tuples, so that specs compare by value; `distortion` is
    Brown-Conrady k1, k2, p1, p2, k3 (OpenCV's order); `noise` is the standard deviation of each pixel's value in
    0..255; `fps` the rate and `delay` s the time from exposure to delivery, both for who publishes the pictures.
    `stamped_late`: s after the exposure that its pictures claim to be taken, as with cameras whose clock nobody knows.
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
        _ = self.camera  # a camera that cannot be one is refused here
        if len(self.distortion) != 5:
            raise ValueError(f"camera {self.name}: distortion is k1, k2, p1, p2, k3, not {self.distortion}")

    @property
    def camera(self) -> Camera:
        """The true calibration of this camera's pictures once undistorted."""
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
    """The simulated camera with this calibration; `more` are CameraSpec's other fields."""
    return CameraSpec(camera.name, camera.width, camera.height, _rows(camera.K), _rows(camera.base_from_camera), **more)


def camera_spec_at(name: str, position, target, *, width=640, height=480, vertical_fov=0.75, **more) -> CameraSpec:
    """A simulated camera at `position` looking at `target` (3,) m, upright; `vertical_fov` in rad."""
    pose = look_at(np.asarray(position, float), np.asarray(target, float))
    return camera_spec(Camera(name, width, height, pinhole(width, height, vertical_fov), pose), **more)


def _rows(matrix: Any) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in matrix)
