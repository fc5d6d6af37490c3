"""Scenes for tiny models: random images, true cameras, an arm in front of them."""

import numpy as np

from foundation.camera import camera_at
from foundation.poses import from_rpy
from foundation.trajectory import Scene, Trajectory, View


def scene(views: int = 2, width: int = 80, height: int = 60, seed: int = 0, captured: float = 7.0) -> Scene:
    """Return cameras around a table, all of which see the tool."""
    rng = np.random.default_rng(seed)
    around = [
        View(
            camera_at(
                f"camera{i}",
                width,
                height,
                1.0,
                [0.4 + 0.9 * np.cos(1.3 * i), 0.9 * np.sin(1.3 * i), 0.7],
                [0.4, 0, 0.2],
            ),
            rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
            captured,
        )
        for i in range(views)
    ]
    return Scene(tuple(around), from_rpy(np.array([0.4, 0.0, 0.25]), np.array([np.pi, 0.0, 0.0])), 1.0)


def motion(start: Scene, frames: int = 5, period: float = 0.2) -> Trajectory:
    """Return a straight path of 100 mm to the side, the gripper closing half way."""
    poses = np.repeat(start.base_from_tool[None], frames, axis=0)
    poses[:, 1, 3] += np.linspace(0.0, 0.1, frames)
    return Trajectory(period * np.arange(frames), poses, (np.arange(frames) < frames / 2).astype(float))


def videos(views: int = 2, frames: int = 5, height: int = 60, width: int = 80, seed: int = 1) -> np.ndarray:
    """Draw random images (V, T, H, W, 3) uint8."""
    return np.random.default_rng(seed).integers(0, 256, (views, frames, height, width, 3), dtype=np.uint8)
