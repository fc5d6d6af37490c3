"""Scene for model queries: two cameras that see the tool, images of noise."""

import numpy as np

from foundation.camera import camera_at
from foundation.poses import from_rpy
from foundation.trajectory import Scene, Trajectory, View


def scene(width: int = 128, height: int = 128) -> Scene:
    """Return two views at one time."""
    rng = np.random.default_rng(0)
    cameras = [
        camera_at("left", width, height, 1.0, [0.9, 0.7, 0.7], [0.4, 0.0, 0.2]),
        camera_at("right", width, height, 1.0, [0.9, -0.7, 0.7], [0.4, 0.0, 0.2]),
    ]
    views = tuple(View(c, rng.integers(0, 256, (height, width, 3), dtype=np.uint8), 0.0) for c in cameras)
    return Scene(views, from_rpy(np.array([0.4, 0.0, 0.25]), np.array([np.pi, 0.0, 0.0])), 1.0)


def motion(start: Scene, frames: int, period: float) -> Trajectory:
    """Return a straight path of 100 mm to the side."""
    poses = np.repeat(start.base_from_tool[None], frames, axis=0)
    poses[:, 1, 3] += np.linspace(0.0, 0.1, frames)
    return Trajectory(period * np.arange(frames), poses, np.ones(frames))
