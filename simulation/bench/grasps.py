"""Grasp poses of a gripper that points straight down, for scripted demonstrations."""

from dataclasses import dataclass

import numpy as np

from foundation.poses import from_rpy, transform
from simulation.bench.furniture import (
    BOWL_HEIGHT,
    BOX_HEIGHT,
    CABINET,
    CABINET_WALL,
    DRAWER_TRAVEL,
    HANDLE_HEIGHT,
    HANDLE_REACH,
    HANDLE_WIDTH,
    LID_KNOB_HEIGHT,
    LID_KNOB_WIDTH,
    LID_PLUG,
    LID_THICKNESS,
)
from simulation.bench.scene import SceneSpec
from simulation.bench.world import Truth

LOWEST = 0.006  # m between the finger tips and the table
# m: the pads end at the TCP, so the tips go below the middle of what they hold; a ball slips out of fingers that end at
# its middle. No deeper than needed: a grasp aimed some millimetres too low must not yet touch the table.
TIP_BELOW_MIDDLE = {"cube": 0.002, "cylinder": 0.006, "ball": 0.005}
LID_CLEAR = 0.014  # m between the tips and the lid's plate
LID_RELEASE = 0.016  # m above its seat at which the lid is released: its plug, still above the rim, centres itself


@dataclass(frozen=True, eq=False, slots=True)
class Grasp:
    """`base_from_tool` (4, 4) with the tool pointing down, and the `width` m between the closed fingers."""

    base_from_tool: np.ndarray
    width: float


def tool_down(position: np.ndarray, yaw: float = 0.0) -> np.ndarray:
    """Return base_from_tool (4, 4) with the tool pointing down and the fingers closing along y, rotated by `yaw`."""
    return from_rpy(np.asarray(position, float), np.array([np.pi, 0.0, yaw]))


def yaw_of(base_from_thing: np.ndarray) -> float:
    """Return the rotation about z, in rad, of an upright object."""
    return float(np.arctan2(base_from_thing[1, 0], base_from_thing[0, 0]))


def middle_of(name: str, truth: Truth) -> np.ndarray:
    """Return the point (3,) to reach for: the centre of an object or a rim, the lid's knob, the drawer's handle."""
    origin = truth.poses[name]
    heights = {"bowl": BOWL_HEIGHT, "box": BOX_HEIGHT, "lid": LID_PLUG + LID_THICKNESS + LID_KNOB_HEIGHT / 2}
    if name == "drawer":
        return origin[:3, :3] @ [-CABINET_WALL - HANDLE_REACH, 0.0, HANDLE_HEIGHT] + origin[:3, 3]
    return origin[:3, 3] + origin[:3, 2] * heights.get(name, 0.0)


def grasp_of(name: str, scene: SceneSpec, truth: Truth) -> Grasp:
    """Return the grasp of a loose object, the lid (by its knob) or the drawer (by its handle) at its present pose.

    The yaw is the one nearest to 0 that puts flat fingers on flat sides, 0 for round objects. Raises KeyError for
    anything that cannot be grasped.
    """
    middle = middle_of(name, truth)
    if name == "drawer":
        return Grasp(tool_down(middle - [0, 0, 0.010], yaw_of(truth.poses[name])), HANDLE_WIDTH)
    if name == "lid":
        place = middle - [0, 0, LID_KNOB_HEIGHT / 2 - LID_CLEAR]
        return Grasp(tool_down(place), LID_KNOB_WIDTH)
    thing = scene.object(name)
    yaw = _square_yaw(truth.poses[name]) if thing.shape == "cube" else 0.0
    middle[2] = max(middle[2] - TIP_BELOW_MIDDLE[thing.shape], LOWEST)
    return Grasp(tool_down(middle, yaw), thing.width)


def _square_yaw(base_from_thing: np.ndarray) -> float:
    return (yaw_of(base_from_thing) + np.pi / 4) % (np.pi / 2) - np.pi / 4


def drawer_outline(truth: Truth) -> np.ndarray:
    """Return points (n, 2) m around the part of the drawer outside its cabinet, which the fingers must not land on."""
    half = CABINET[1] / 2
    across = np.linspace(-half, half, 9)
    along = np.linspace(0.0, truth.drawer_opening or 0.0, 4)[1:]
    front = [(-CABINET_WALL, y) for y in across]
    sides = [(x, side * half) for x in along for side in (-1, 1)]
    points = np.array([(*point, 0.0) for point in (*front, *sides)])
    return transform(truth.poses["drawer"], points)[:, :2]


def drawer_motion(truth: Truth) -> np.ndarray:
    """Return the displacement (3,) m of the handle from here until the drawer is fully open."""
    left = DRAWER_TRAVEL - (truth.drawer_opening or 0.0)
    return -truth.poses["drawer"][:3, 0] * left


def drop_point(goal: str, truth: Truth) -> np.ndarray:
    """Return the point (3,) m at which the tool releases an object above the bowl, the box or the open drawer."""
    origin = truth.poses[goal]
    inside = {"bowl": [0.0, 0.0, 0.055], "box": [0.0, 0.0, 0.075], "drawer": [0.045, 0.0, 0.085]}[goal]
    return origin[:3, :3] @ np.array(inside) + origin[:3, 3]


def lid_seat(truth: Truth, base_from_tool: np.ndarray) -> np.ndarray:
    """Return the tool pose (4, 4) that brings the lid, grasped as it is at `base_from_tool` now, just above its seat.

    The tool keeps its orientation: a round plug fits at any yaw.
    """
    seat = base_from_tool.copy()
    over = truth.poses["box"][:3, 3] + [0.0, 0.0, BOX_HEIGHT - LID_PLUG + LID_RELEASE]
    seat[:3, 3] += over - truth.poses["lid"][:3, 3]
    return seat
