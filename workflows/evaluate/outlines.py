"""The boxes in which the bench's things lie, each in its own frame: for saying which pixels are theirs."""

import numpy as np

from simulation.bench.furniture import (
    BOWL_HEIGHT,
    BOWL_RADIUS,
    BOX_HEIGHT,
    BOX_INSIDE,
    BOX_WALL,
    CABINET,
    CABINET_WALL,
    HANDLE_REACH,
    HANDLE_WIDTH,
    LID_EDGE,
    LID_KNOB_HEIGHT,
    LID_PLUG,
    LID_THICKNESS,
)
from simulation.bench.scene import SceneSpec

_TRAY_DEPTH = 0.173  # m behind the drawer's front


def extent_of(name: str, scene: SceneSpec) -> tuple[np.ndarray, np.ndarray] | None:
    """Lowest and highest corner (3,) m of a thing in its own frame; None for what never moves."""
    if name in (thing.name for thing in scene.objects):
        half = 0.5 * np.array(scene.object(name).size)
        return -half, half
    outside = BOX_INSIDE / 2 + BOX_WALL
    front = CABINET_WALL + HANDLE_REACH + HANDLE_WIDTH / 2
    extents = {
        "bowl": ((-BOWL_RADIUS, -BOWL_RADIUS, 0.0), (BOWL_RADIUS, BOWL_RADIUS, BOWL_HEIGHT)),
        "box": ((-outside, -outside, 0.0), (outside, outside, BOX_HEIGHT)),
        "lid": (
            (-LID_EDGE / 2, -LID_EDGE / 2, 0.0),
            (LID_EDGE / 2, LID_EDGE / 2, LID_PLUG + LID_THICKNESS + LID_KNOB_HEIGHT),
        ),
        "drawer": ((-front, -CABINET[1] / 2, 0.0), (_TRAY_DEPTH, CABINET[1] / 2, CABINET[2])),
    }
    if name not in extents:
        return None
    low, high = extents[name]
    return np.array(low), np.array(high)
