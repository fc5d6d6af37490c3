"""What a technician wants to know about a motion before approving it, in seconds, mm and plain words."""

import numpy as np

from foundation import xarm7
from robot.joint_trajectory import JointTrajectory

_PERIOD = 0.02  # s between the samples that are looked at


def motion_facts(motion: JointTrajectory) -> dict[str, str]:
    """Length in time and space, greatest speed, lowest point, and what the gripper does."""
    moments, q = motion.samples(_PERIOD)
    tool = xarm7.forward(q)[:, :3, 3]
    steps = np.linalg.norm(np.diff(tool, axis=0), axis=-1)
    period = float(moments[1] - moments[0]) if motion.duration > 0 else 1.0
    return {
        "Takes": f"{motion.duration:.1f} s at full speed, {4 * motion.duration:.0f} s at 25 %",
        "Tool": f"goes {1000 * steps.sum():.0f} mm, at most {1000 * steps.max(initial=0.0) / period:.0f} mm/s",
        "Lowest point": f"{1000 * tool[:, 2].min():.0f} mm above the table",
        "Gripper": gripper_words(motion),
    }


def gripper_words(motion: JointTrajectory) -> str:
    """When the gripper closes and opens."""
    closed = motion.openness < 0.5
    words = [
        f"{'closes' if closed[i] else 'opens'} at {motion.times[i] - motion.times[0]:.1f} s"
        for i in np.flatnonzero(np.diff(closed.astype(int))) + 1
    ]
    return ", ".join(words) if words else f"stays {'closed' if closed[0] else 'open'}"
