"""Camera frame with its capture time."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Frame as delivered by the camera, including lens distortion.

    The arrays are made read-only, as they are shared. Raises ValueError for arrays of another kind.

    Attributes:
        camera: Identity of the camera.
        number: Frame counter of the camera, so that a gap means dropped frames.
        captured: Capture time, s on the machine's monotonic clock.
        rgb: Colour image (H, W, 3) uint8.
        depth_mm: Depth (H, W) uint16, seen from the colour sensor, 0 without measurement, or None.
    """

    camera: str
    number: int
    captured: float
    rgb: np.ndarray
    depth_mm: np.ndarray | None = None

    def __post_init__(self):
        if self.rgb.dtype != np.uint8 or self.rgb.ndim != 3 or self.rgb.shape[2] != 3:
            raise ValueError(f"camera {self.camera}: rgb is {self.rgb.dtype} {self.rgb.shape}, not uint8 (H, W, 3)")
        self.rgb.setflags(write=False)
        if self.depth_mm is None:
            return
        if self.depth_mm.dtype != np.uint16 or self.depth_mm.shape != self.rgb.shape[:2]:
            raise ValueError(f"camera {self.camera}: depth is {self.depth_mm.dtype} {self.depth_mm.shape}")
        self.depth_mm.setflags(write=False)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.rgb.shape[1], self.rgb.shape[0]


def same_picture(a: Frame, b: Frame) -> bool:
    """Return whether two frames have identical pixels.

    Sensor noise makes two live images differ nearly everywhere, so a sixty-fourth of the pixels is decisive; the whole
    images are compared only if those agree.
    """
    if a.rgb.shape != b.rgb.shape or not np.array_equal(a.rgb[::8, ::8], b.rgb[::8, ::8]):
        return False
    return np.array_equal(a.rgb, b.rgb)
