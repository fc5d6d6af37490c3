"""MuJoCo model of the xArm7: xarm7.xml and its loader. Used for physics, rendering and collision checks."""
# pyright: reportAttributeAccessIssue=false
# (MuJoCo's names come from compiled modules without type stubs.)

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from foundation import xarm7

if TYPE_CHECKING:
    import mujoco

XARM7_XML = Path(__file__).with_name("xarm7.xml")
LINK_BODIES = tuple(f"link{i}" for i in range(1, xarm7.JOINTS + 1))  # their frames are xarm7.link_frames
TOOL_SITE = "tool"  # the TCP
FINGER_JOINTS = ("left_finger", "right_finger")
FINGER_TRAVEL = xarm7.GRIPPER_STROKE / 2  # m, of each finger, from closed to open

LOOK_GROUP = 2  # visual geoms
HULL_GROUP = 3  # collision geoms
BENCH_BIT, ARM_BIT = 1, 2  # contype and conaffinity bits


def arm_spec() -> "mujoco.MjSpec":
    """Return a new, editable spec of the arm alone; the world frame is the robot's base frame."""
    import mujoco  # imported lazily: only simulation and collision checks pay for it

    return mujoco.MjSpec.from_file(str(XARM7_XML))


def arm_qpos(q: np.ndarray, openness: float = 1.0) -> np.ndarray:
    """Return the first nine values of `qpos`: joints (7,) rad, then both fingers' travel in m."""
    return np.concatenate([q, np.full(2, openness * FINGER_TRAVEL)])
