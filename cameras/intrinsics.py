"""Camera intrinsics, from the factory or a calibration."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Intrinsics:
    """Pinhole matrix and lens distortion for images of one size.

    `K` (3, 3) in pixels, centre of the top-left pixel at (0, 0); `distortion` (n,) in OpenCV's order
    k1 k2 p1 p2 [k3 [k4 k5 k6 ...]], n in 4, 5, 8, 12, 14 (OpenCV manual, calib3d). Raises ValueError otherwise.
    """

    width: int
    height: int
    K: np.ndarray
    distortion: np.ndarray

    def __post_init__(self):
        object.__setattr__(self, "K", np.array(self.K, float))
        object.__setattr__(self, "distortion", np.array(self.distortion, float).ravel())
        if self.K.shape != (3, 3) or not np.isfinite(self.K).all() or not (self.K[0, 0] > 0 and self.K[1, 1] > 0):
            raise ValueError(f"K must be a finite (3, 3) matrix with positive focal lengths, not {self.K.tolist()}")
        if len(self.distortion) not in (4, 5, 8, 12, 14) or not np.isfinite(self.distortion).all():
            raise ValueError(f"distortion must be 4, 5, 8, 12 or 14 finite numbers, not {self.distortion.tolist()}")
        self.K.setflags(write=False)
        self.distortion.setflags(write=False)
