"""A demonstration with its film: what a generated video, or a motion read from a video, is compared with."""

from dataclasses import dataclass

import numpy as np

from foundation.camera import Camera
from foundation.trajectory import Scene, Trajectory


@dataclass(frozen=True, eq=False)
class ReferenceVideo:
    """`rgb` (V, T, H, W, 3) uint8 as the scene's cameras saw it, `trajectory` (T) what the tool really did meanwhile,
    `moved` (V, T, H, W) bool: the pixels where a thing that has moved by then was or is. The scene's own first pictures
    may be larger."""

    seed: int
    instruction: str
    scene: Scene
    trajectory: Trajectory
    rgb: np.ndarray
    moved: np.ndarray

    @property
    def cameras(self) -> tuple[Camera, ...]:
        """The cameras of pictures as large as those of the film."""
        height, width = self.rgb.shape[2:4]
        return tuple(camera.resized(width, height) for camera in self.scene.cameras)

    @property
    def still(self) -> np.ndarray:
        """The film of someone who says that nothing happens: the first frame, again and again."""
        return np.broadcast_to(self.rgb[:, :1], self.rgb.shape)
