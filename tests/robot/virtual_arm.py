"""Arm in virtual time, and a motion for it."""

import numpy as np

from benchmarks.motion.virtual_arm import VirtualArm
from foundation import xarm7
from robot.planning.joint_trajectory import JointTrajectory
from robot.planning.waypoints import Waypoint, joint_path

__all__ = ["VirtualArm", "swing"]


def swing(q: np.ndarray, y: float = 0.25) -> JointTrajectory:
    """Return a motion sideways by y m from the joints q (7,) rad."""
    goal = xarm7.forward(q)
    goal[1, 3] += y
    return joint_path([Waypoint(goal, 1.0)], q)
