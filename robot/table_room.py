"""A proposal that dips a little into the table is lifted onto it: poses read out of pictures are off by millimetres."""

import numpy as np

from foundation.trajectory import Trajectory
from robot.findings import Finding, Level, frames_named, runs
from robot.limiter import LimiterSettings

ROOM = 0.003  # m between the lifted tool and the table or the workspace's bottom
MOST_LIFTED = 0.015  # m; what is shown deeper is no small mistake, stays as it is, and is refused


def lifted(proposed: Trajectory, limits: LimiterSettings, table: bool) -> tuple[Trajectory, list[Finding]]:
    """The same with no frame lower than ROOM above the table (where there is one) and the workspace's bottom, and a
    warning for each run of frames that were lifted; frames deeper than MOST_LIFTED below are left as they are."""
    floor = max(float(limits.workspace.low[2]), 0.0 if table else -np.inf)
    height = proposed.base_from_tool[:, 2, 3]
    with np.errstate(invalid="ignore"):
        low = proposed.known & (height < floor + ROOM) & (height >= floor - MOST_LIFTED)
    if not low.any():
        return proposed, []
    poses = np.array(proposed.base_from_tool)
    poses[low, 2, 3] = floor + ROOM
    found = []
    for first, last in runs(np.flatnonzero(low).tolist()):
        lowest = first + int(np.argmin(height[first : last + 1]))
        below = 1000.0 * (floor - height[lowest])
        where = f"{below:.0f} mm below the table" if below >= 0.5 else "on the table"
        named = frames_named(first, last).capitalize()
        sentence = f"{named}: shown {where}; the tool stays {1000 * ROOM:.0f} mm above."
        found.append(Finding(Level.WARNING, sentence, lowest))
    return Trajectory(proposed.times, poses, proposed.openness), found
