"""Check of a whole motion against the limits, from its own samples alone."""

import numpy as np

from robot.limiter import PERIOD, LimiterSettings
from robot.planning.joint_trajectory import JointTrajectory
from robot.workspace import FACES, TCP, arm_points

LONGEST = 600.0  # s
_TOLERANCE = 1e-6


def broken_limit(motion: JointTrajectory, limits: LimiterSettings) -> str:
    """Return the limit that the motion breaks at full speed, as a short text, or '' if it keeps all.

    An arm that starts outside its workspace or range may move there, but not further out.
    """
    if motion.duration > LONGEST:
        return f"it takes {motion.duration:.0f} s"
    moments, position = motion.samples(PERIOD)
    if not np.isfinite(position).all():  # the comparisons below would not detect NaN
        return "its places are too far apart"
    if len(motion) == 1:
        return ""
    period = float(moments[1] - moments[0])
    at_rest = np.concatenate([np.repeat(position[:1], 3, axis=0), position, np.repeat(position[-1:], 3, axis=0)])
    most = 1 + _TOLERANCE
    for order, what, limit in (
        (1, "fast", limits.joint_speed),
        (2, "abrupt (acceleration)", limits.joint_acceleration),
        (3, "abrupt (jerk)", limits.joint_jerk),
    ):
        found = np.abs(np.diff(at_rest, n=order, axis=0)).max(axis=0) / period**order
        if found.max() > limit * most:
            return f"J{int(np.argmax(found)) + 1} would be too {what}"
    below, above = limits.lower - position, position - limits.upper
    for outside in (below, above):
        further = (outside - np.maximum(outside[0], 0.0)).max(axis=0)
        if further.max() > _TOLERANCE:
            return f"J{int(np.argmax(further)) + 1} would come to the end of its range"
    points = arm_points(position)
    speed = np.linalg.norm(np.diff(points[:, TCP], axis=0), axis=-1).max() / period
    if speed > min(limits.tcp_speed, limits.tcp_step / PERIOD) * most:
        return f"the tool would move at {1000 * speed:.0f} mm/s"
    violation = limits.workspace.violation(points)
    further = (violation - np.maximum(violation[0], 0.0)).max(axis=0)
    if further.max() > _TOLERANCE:
        return f"the arm would leave its workspace ({FACES[int(np.argmax(further))]})"
    return ""
