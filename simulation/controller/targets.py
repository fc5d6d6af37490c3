"""Goals of Cartesian commands, which depend on the pose at their start."""

from collections.abc import Callable

import numpy as np

from foundation.poses import from_rotation_vector, to_rpy
from simulation.controller.protocol import pose_from_wire
from simulation.controller.settings import MM, Settings

Target = Callable[[np.ndarray, Settings], np.ndarray]  # from the pose at the start to the goal, both base_from_tool


def absolute(values: tuple[float, ...], axis_angle: bool = False) -> Target:
    """Return the goal of a pose in the world frame; infinity keeps a coordinate."""

    def target(start: np.ndarray, settings: Settings) -> np.ndarray:
        if np.isfinite(values[:6]).all():
            return settings.from_client(values, axis_angle)
        world = settings.to_client(start)
        present = [*(world[:3, 3] / MM).tolist(), *to_rpy(world).tolist()]
        wanted = [new if np.isfinite(new) else old for new, old in zip(values[:6], present, strict=True)]
        return settings.from_client(wanted)

    return target


def in_tool(values: tuple[float, ...], axis_angle: bool = False) -> Target:
    """Return the goal of a pose relative to the tool's pose at the start; infinity keeps a coordinate."""
    pose = pose_from_wire([value if np.isfinite(value) else 0.0 for value in values[:6]], axis_angle)
    return lambda start, settings: start @ pose


def added(values: tuple[float, ...], axis_angle: bool = False) -> Target:
    """Return the goal of values added to the coordinates at the start; a rotation vector is about the base's axes."""

    def target(start: np.ndarray, settings: Settings) -> np.ndarray:
        world = settings.to_client(start)
        if axis_angle:
            goal = world.copy()
            goal[:3, 3] += np.array(values[:3]) * MM
            goal[:3, :3] = from_rotation_vector(np.array(values[3:6])) @ world[:3, :3]
            return settings.base_from_world @ goal
        present = [*(world[:3, 3] / MM).tolist(), *to_rpy(world).tolist()]
        return settings.from_client([a + b for a, b in zip(present, values[:6], strict=True)])

    return target
