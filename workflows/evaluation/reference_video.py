"""A demonstration with its video: ground truth for generated videos, and for motions decoded from a video."""

from dataclasses import dataclass

import numpy as np

from foundation.camera import Camera
from foundation.trajectory import Scene, Trajectory


@dataclass(frozen=True, eq=False)
class ReferenceVideo:
    """`rgb` (V, T, H, W, 3) uint8 as the scene's cameras saw it, `trajectory` (T) true motion of the tool, `moved`
    (V, T, H, W) bool: pixels where an object moved by then was or is. The scene's own first images may be larger."""

    seed: int
    instruction: str
    scene: Scene
    trajectory: Trajectory
    rgb: np.ndarray
    moved: np.ndarray

    @property
    def cameras(self) -> tuple[Camera, ...]:
        """Cameras at the size of the video."""
        height, width = self.rgb.shape[2:4]
        return tuple(camera.resized(width, height) for camera in self.scene.cameras)

    @property
    def still(self) -> np.ndarray:
        """Static video of the same length, the first frame repeated: the baseline that predicts no motion."""
        return np.broadcast_to(self.rgb[:, :1], self.rgb.shape)
