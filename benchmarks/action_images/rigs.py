"""Random cameras around random motions whose points are visible to all cameras: test cases of action images."""

from dataclasses import dataclass

import numpy as np

from foundation.camera import Camera, camera_at
from foundation.poses import from_rotation_vector, pose
from foundation.trajectory import Trajectory
from model.action_images.encoding import tool_points

CENTRE = np.array([0.4, 0.0, 0.25])  # m, base frame: in the middle of the workspace of an arm on a table
DISTANCE = (0.5, 1.5)  # m from there to a camera
APART = (15.0, 120.0)  # deg between two cameras, seen from there
FIELD_OF_VIEW = (45.0, 70.0)  # deg, vertical
LOWEST = 0.0  # m: no camera below the table


@dataclass(frozen=True, eq=False)
class Rig:
    """Cameras of square images, and the arm's motion in front of them."""

    cameras: tuple[Camera, ...]
    trajectory: Trajectory

    def at(self, size: int) -> tuple[Camera, ...]:
        """Return the cameras with images of size x size pixels."""
        return tuple(camera.resized(size, size) for camera in self.cameras)


def random_rig(rng: np.random.Generator, frames: int, views: int | None = None) -> Rig:
    """Draw 2 to 4 cameras (or `views`) and a smooth motion of `frames` frames inside all their images."""
    while True:
        cameras = _cameras(rng, views or int(rng.integers(2, 5)))
        trajectory = motion_inside(rng, cameras, frames)
        if trajectory is not None:
            return Rig(cameras, trajectory)


def motion_inside(rng: np.random.Generator, cameras: tuple[Camera, ...], frames: int) -> Trajectory | None:
    """Draw a random motion, shrunk until every point is inside every image; None when shrinking does not help."""
    times = np.arange(frames) * 0.2
    phase = times[:, None, None] / max(times[-1], 0.2) * rng.uniform(1.0, 6.0, (1, 4, 7))
    waves = (np.sin(phase + rng.uniform(0, 2 * np.pi, (1, 4, 7))) * rng.normal(size=(1, 4, 7))).sum(axis=1)
    start = from_rotation_vector(rng.normal(size=3) * 2.0)
    for reach in 0.12 * 0.8 ** np.arange(12):
        position = CENTRE + reach * waves[:, :3] / 1.5
        rotation = from_rotation_vector(0.3 * waves[:, 3:6]) @ start
        trajectory = Trajectory(times, pose(rotation, position), np.clip(0.5 + 0.5 * waves[:, 6], 0.0, 1.0))
        points = tool_points(trajectory.base_from_tool)
        if all(camera.sees(camera.project(points)).all() for camera in cameras):
            return trajectory
    return None


def _cameras(rng: np.random.Generator, views: int) -> tuple[Camera, ...]:
    """Draw cameras, each a random angle in APART from the first one, and within APART of all others."""
    directions = [_unit(rng.normal(size=3) * [1, 1, 0.3] + [0, 0, 0.5])]
    cameras: list[Camera] = []
    while len(cameras) < views:
        if cameras:
            angle = np.radians(rng.uniform(*APART))
            across = _unit(np.cross(directions[0], rng.normal(size=3)))
            direction = np.cos(angle) * directions[0] + np.sin(angle) * across
        else:
            direction = directions.pop()
        cosines = np.array([direction @ other for other in directions])
        position = CENTRE + direction * rng.uniform(*DISTANCE)
        apart = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
        if ((apart < APART[0]) | (apart > APART[1])).any() or (cameras and position[2] < LOWEST):
            continue
        target = CENTRE + rng.normal(size=3) * 0.03
        field_of_view = np.radians(rng.uniform(*FIELD_OF_VIEW))
        directions.append(direction)
        cameras.append(camera_at(f"view {len(cameras)}", 512, 512, field_of_view, position, target))
    return tuple(cameras)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)
