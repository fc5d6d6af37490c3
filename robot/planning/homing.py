"""Homing motion: straight in joint space if that is collision-free, else straight up first."""

from collections.abc import Iterator

import numpy as np

from foundation import xarm7
from robot.errors import RobotError
from robot.limiter import LimiterSettings
from robot.planning.joint_trajectory import JointTrajectory
from robot.planning.plan import Plan
from robot.planning.plan_findings import posture_findings
from robot.planning.waypoints import Waypoint, joint_keyframes, joint_path

_LIFTS = (0.08, 0.2, 0.35)  # m


def home_trajectory(joints: np.ndarray, openness: float, limits: LimiterSettings = LimiterSettings()) -> Plan:
    """Plan a motion from joints (7,) to the home posture; the gripper stays as it is.

    Raises RobotError if no path was found on which the arm touches neither itself nor the table.
    """
    for motion in _ways(joints, float(np.clip(openness, 0.0, 1.0)), limits):
        plan = Plan.of_motion(motion)
        if not posture_findings(motion, plan.frame_moments, limits):
            return plan
    raise RobotError("No free way home was found. Move the arm up by hand control, then try again.")


def _ways(joints: np.ndarray, openness: float, limits: LimiterSettings) -> Iterator[JointTrajectory]:
    yield joint_keyframes(joints, xarm7.HOME, openness, limits)
    for lift in _LIFTS:
        above = xarm7.forward(joints)
        above[2, 3] += lift
        try:
            up = joint_path([Waypoint(above, openness)], joints, openness=openness, settings=limits)
        except RobotError:
            return  # straight up is not possible either
        home = joint_keyframes(up.position[-1], xarm7.HOME, openness, limits)
        times = np.concatenate([up.times, up.times[-1] + home.times[1:]])
        yield JointTrajectory(times, np.concatenate([up.position, home.position[1:]]), np.full(len(times), openness))
