"""Waypoints become a motion that keeps the limits, passes where it should, and passes the limiter unchanged."""

import numpy as np
import pytest

from benchmarks.motion.limiter_trial import judged
from foundation import xarm7
from foundation.poses import distance, from_rpy
from robot.control.follower import Follower
from robot.errors import RobotError
from robot.limiter import PERIOD, Limiter, LimiterSettings
from robot.planning.waypoints import GRIPPER_PAUSE, Waypoint, joint_path

HOME = xarm7.forward(xarm7.HOME)
SETTINGS = LimiterSettings()


def at(x: float, y: float, z: float, yaw: float = 0.0) -> np.ndarray:
    """Return the home pose moved by x, y, z m and turned by yaw about the tool's axis."""
    pose = HOME @ from_rpy(np.zeros(3), np.array([0, 0, yaw]))
    pose[:3, 3] = HOME[:3, 3] + (x, y, z)
    return pose


PICK_AND_PLACE = [
    Waypoint(at(0.05, 0.10, -0.10, 0.5), 1.0),
    Waypoint(at(0.05, 0.10, -0.20, 0.5), 0.0),
    Waypoint(at(0.05, 0.10, -0.10, 0.5), 0.0),
    Waypoint(at(0.00, -0.15, -0.10), 0.0),
    Waypoint(at(0.00, -0.15, -0.19), 1.0, pause=2.0),
    Waypoint(at(0.00, -0.15, 0.00), 1.0),
]


@pytest.fixture(scope="module")
def plan():
    return joint_path(PICK_AND_PLACE, xarm7.HOME)


def test_it_begins_and_ends_where_it_should_at_rest(plan):
    np.testing.assert_allclose(plan.at(0.0).position, xarm7.HOME, atol=1e-12)
    metres, radians = distance(xarm7.forward(plan.at(plan.duration).position), PICK_AND_PLACE[-1].base_from_tool)
    assert metres < 1e-5
    assert radians < 1e-4
    assert plan.at(0.0).standing
    assert plan.at(plan.duration).standing


def test_it_keeps_the_limits_with_something_to_spare(plan):
    found = judged(plan.samples(PERIOD)[1], 0, SETTINGS)
    assert found.keeps(SETTINGS), found
    assert found.joint_acceleration < 0.7 * SETTINGS.joint_acceleration
    assert found.joint_jerk < 0.7 * SETTINGS.joint_jerk
    assert found.tcp_speed > 0.15  # and it is not slow either


def test_where_it_stops_it_is_exact_and_elsewhere_corners_are_rounded_by_little(plan):
    """Check that the pose is met where the gripper works; elsewhere corners are cut by less than a centimetre."""
    poses = xarm7.forward(plan.samples(PERIOD)[1])
    for waypoint, tolerance in zip(PICK_AND_PLACE, (0.01, 5e-5, 0.01, 0.01, 5e-5, 5e-5), strict=True):
        assert distance(poses, waypoint.base_from_tool)[0].min() < tolerance


def test_between_two_waypoints_the_tool_goes_straight():
    plan = joint_path([Waypoint(at(0.0, 0.3, 0.1), 1.0)], xarm7.HOME)
    tool = xarm7.forward(plan.samples(PERIOD)[1])[:, :3, 3]
    begin, along = HOME[:3, 3], np.array([0.0, 0.3, 0.1]) / np.hypot(0.3, 0.1)
    off = tool - begin - np.outer((tool - begin) @ along, along)
    assert np.linalg.norm(off, axis=-1).max() < 1e-3


def test_the_gripper_works_while_the_arm_stands(plan):
    moments, positions = plan.samples(PERIOD)
    openness = np.array([plan.openness_at(moment) for moment in moments])
    changes = np.flatnonzero(np.diff(openness))
    assert openness[changes].tolist() == [1.0, 0.0]
    for change, pause in zip(changes, (GRIPPER_PAUSE, 2.0), strict=True):
        standing = positions[change : change + int((pause - 0.1) / PERIOD)]
        assert np.abs(standing - standing[0]).max() < 1e-4


def test_follower_and_limiter_let_it_through_untouched(plan):
    follower, limiter = Follower(plan), Limiter(xarm7.HOME)
    sent, told = [limiter.state.position], []
    while not follower.finished:
        wanted = follower.step()
        step = limiter.toward(wanted.state)
        assert step.reason == ""
        np.testing.assert_allclose(step.state.position, wanted.state.position, atol=1e-12)
        sent.append(step.state.position)
        told += [] if wanted.openness is None else [wanted.openness]
    assert told == [0.0, 1.0]  # it begins open, which needs no command
    found = judged(np.array(sent), 0, SETTINGS)
    assert found.keeps(SETTINGS), found


@pytest.mark.parametrize("seed", range(4))
def test_random_waypoints_are_followed_without_tripping(seed):
    generator = np.random.default_rng(seed)
    low, high = [-0.1, -0.3, -0.15, -1.5], [0.15, 0.3, 0.15, 1.5]
    waypoints = [Waypoint(at(x, y, z, yaw), 1.0) for x, y, z, yaw in generator.uniform(low, high, (5, 4))]
    plan = joint_path(waypoints, xarm7.HOME)
    follower, limiter, sent = Follower(plan), Limiter(xarm7.HOME), [xarm7.HOME]
    while not follower.finished:
        step = limiter.toward(follower.step().state)
        assert step.reason == ""
        sent.append(step.state.position)
    found = judged(np.array(sent), 0, SETTINGS)
    assert found.keeps(SETTINGS), found
    assert distance(xarm7.forward(sent[-1]), waypoints[-1].base_from_tool)[0] < 1e-4


def test_slower_limits_make_a_slower_motion():
    way = [Waypoint(at(0.0, 0.2, 0.0), 1.0)]
    slow = LimiterSettings(tcp_speed=0.05)
    plan = joint_path(way, xarm7.HOME, settings=slow)
    assert judged(plan.samples(PERIOD)[1], 0, slow).keeps(slow)
    assert plan.duration > 3 * joint_path(way, xarm7.HOME).duration


@pytest.mark.parametrize(
    ("waypoint", "words"),
    [
        (at(0.8, 0.0, 0.0), "waypoint 2 on a straight way"),
        (at(0.0, 0.0, -0.30), "waypoint 2 the arm would leave its workspace"),
    ],
)
def test_what_cannot_be_done_is_refused_by_the_waypoints_number(waypoint, words):
    with pytest.raises(RobotError, match=words):
        joint_path([Waypoint(at(0.0, 0.1, 0.0), 1.0), Waypoint(waypoint, 1.0)], xarm7.HOME)


def test_no_waypoints_is_an_error_and_staying_is_a_motion():
    with pytest.raises(RobotError, match="at least one"):
        joint_path([], xarm7.HOME)
    plan = joint_path([Waypoint(HOME, 0.0)], xarm7.HOME, openness=1.0)
    assert np.abs(plan.position - xarm7.HOME).max() < 1e-5
    assert plan.openness[0] == 1.0
    assert plan.openness[-1] == 0.0
