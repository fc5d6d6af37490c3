"""Workspace box of the arm, checked at a few points of wrist and gripper."""

from dataclasses import dataclass, field

import numpy as np

from foundation import xarm7

FARTHEST = 1.5  # m from the base: twice the arm's reach, so a box beyond it is a mistake
FACES = ("behind x min", "beyond x max", "beyond y min", "beyond y max", "below z min", "above z max")

# (index of the link's DH frame, point in that frame in m, radius in m around it that belongs to the arm). Frame 6
# is the flange; the gripper's dimensions are from the manufacturer's drawing: open fingers 0.14 m overall, body 0.1 m.
_POINTS = (
    (3, (0.0, 0.0, 0.0), 0.06),  # elbow
    (5, (0.0, 0.0, 0.0), 0.05),  # wrist
    (6, (0.0, 0.0, 0.02), 0.04),  # flange
    (6, (0.0, 0.0, 0.10), 0.05),  # gripper body
    (6, (0.0, 0.06, 0.15), 0.015),  # fingers, open
    (6, (0.0, -0.06, 0.15), 0.015),
    (6, (0.0, 0.0, 0.172), 0.0),  # TCP; 0.172 m is the length of the xArm gripper
)
TCP = len(_POINTS) - 1
_LINK = np.array([link for link, _, _ in _POINTS])
_OFFSET = np.array([[*point, 1.0] for _, point, _ in _POINTS])
_RADIUS = np.array([radius for _, _, radius in _POINTS])


def arm_points(q: np.ndarray) -> np.ndarray:
    """Return points (..., 7, 3) in base, m, at q (..., 7): elbow, wrist, flange, gripper, 2 fingers, TCP (last)."""
    frames = xarm7.link_frames(q)
    return np.einsum("...pij,pj->...pi", frames[..., _LINK, :3, :], _OFFSET)


@dataclass(frozen=True, eq=False)
class Workspace:
    """Axis-aligned box in base, m: the arm's points must stay between `low` (3,) and `high` (3,).

    The default keeps the gripper above a table at the height of the arm's base, and inside the arm's reach.
    """

    low: np.ndarray = field(default_factory=lambda: np.array([-0.3, -0.7, 0.0]))
    high: np.ndarray = field(default_factory=lambda: np.array([0.8, 0.7, 1.2]))

    def __post_init__(self):
        for name in ("low", "high"):
            array = np.array(getattr(self, name), float)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if self.low.shape != (3,) or self.high.shape != (3,) or not (self.low < self.high).all():
            raise ValueError(f"a workspace needs low (3,) below high (3,), not {self.low}, {self.high}")
        if not np.abs([self.low, self.high]).max() <= FARTHEST:  # excludes NaN too
            raise ValueError(f"a workspace must lie within {FARTHEST} m of the base, not {self.low} to {self.high}")

    def violation(self, points: np.ndarray) -> np.ndarray:
        """Return how far (..., 6), m, the points (..., 7, 3) of `arm_points` exceed each of FACES; < 0 is inside."""
        below = (self.low + _RADIUS[:, None] - points).max(axis=-2)
        above = (points - self.high + _RADIUS[:, None]).max(axis=-2)
        return np.stack([below, above], axis=-1).reshape(*below.shape[:-1], 6)
