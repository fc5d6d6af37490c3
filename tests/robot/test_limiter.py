"""The limiter keeps every limit under any targets, and passes valid ones unchanged."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.motion.limiter_trial import KINDS, broken, judged, try_limiter
from foundation import xarm7
from robot.limiter import PERIOD, JointState, Limiter, LimiterSettings, standing_at
from robot.workspace import TCP, Workspace, arm_points

SETTINGS = LimiterSettings()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_limit_is_kept(kind):
    found = try_limiter(3500, seed=3, kinds=(kind,))
    assert found.keeps(SETTINGS), found
    assert found.moved > 0.5  # it does let the arm move


def test_other_limits_are_kept_too():
    slow = LimiterSettings(tcp_speed=0.05, tcp_step=0.0004, joint_speed=0.2, joint_acceleration=1.0, joint_jerk=20.0)
    found = try_limiter(3000, seed=5, settings=slow)
    assert found.keeps(slow), found
    assert 0.02 < found.tcp_speed <= 0.04 * (1 + 1e-6)  # 0.4 mm a step is the tighter of the two here
    assert found.moved > 0.5


def test_the_default_limits_are_those_promised():
    assert SETTINGS.tcp_speed == 0.250
    assert SETTINGS.tcp_step == 0.010
    assert SETTINGS.joint_speed == pytest.approx(np.deg2rad(60))


@given(st.lists(st.floats(-10, 10), min_size=7, max_size=7), st.integers(0, 1000))
def test_the_first_target_is_near_the_present_pose(goal, seed):
    start = xarm7.HOME + np.random.default_rng(seed).normal(scale=0.1, size=7)
    step = Limiter(start).toward(standing_at(np.array(goal)))
    # With the greatest jerk from rest, one step goes at most jerk * t^3 / 6.
    assert np.abs(step.state.position - start).max() <= SETTINGS.joint_jerk * PERIOD**3 / 6 * (1 + 1e-6)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_is_refused_with_a_reason_and_brakes(number):
    limiter = Limiter(xarm7.HOME)
    goal = standing_at(xarm7.HOME + 0.3)
    for _ in range(30):
        limiter.toward(goal)
    assert not limiter.state.standing
    bad = np.array([0, 0, number, 0, 0, 0, 0])
    for wanted in (
        JointState(goal.position + bad, goal.velocity, goal.acceleration),
        JointState(goal.position, bad, goal.acceleration),
        JointState(goal.position, goal.velocity, bad),
    ):
        assert "finite" in limiter.toward(wanted).reason
    for _ in range(60):
        limiter.toward(standing_at(goal.position + bad))
    assert limiter.state.standing


def test_a_target_of_the_wrong_shape_is_refused():
    assert Limiter(xarm7.HOME).toward(standing_at(np.zeros(6))).reason


def test_a_seed_that_is_not_seven_numbers_is_refused():
    with pytest.raises(ValueError, match="seven numbers"):
        Limiter(np.full(7, np.nan))


def test_an_unreachable_target_is_refused_and_one_within_reach_is_reached():
    limiter = Limiter(xarm7.HOME)
    below = xarm7.HOME + np.array([0, 0.9, 0, 0, 0, 0, 0])
    assert "below z min" in limiter.toward(standing_at(below)).reason
    goal = xarm7.HOME + np.array([0.5, 0.1, -0.3, 0.2, 0.4, -0.2, 1.0])
    for _ in range(600):
        step = limiter.toward(standing_at(goal))
    np.testing.assert_allclose(step.state.position, goal, atol=1e-9)
    assert step.state.standing


def test_braking_comes_to_rest_within_the_limits():
    limiter = Limiter(xarm7.HOME)
    sent = [limiter.state.position]
    for _ in range(80):
        sent.append(limiter.toward(standing_at(xarm7.HOME + np.array([2.0, 0, 0, 0, 0, 0, 2.0]))).state.position)
    assert not limiter.state.standing
    for _ in range(40):  # 0.4 s are enough from any speed
        sent.append(limiter.brake().state.position)
    assert limiter.state.standing
    found = judged(np.array(sent), 0, SETTINGS)
    assert found.keeps(SETTINGS), found


def test_from_outside_the_workspace_there_is_only_a_way_back_in():
    high_floor = LimiterSettings(workspace=Workspace(np.array([-0.3, -0.7, 0.25]), np.array([0.8, 0.7, 1.2])))
    limiter = Limiter(xarm7.HOME, high_floor)  # its tool point is at z = 0.228
    assert "outside its workspace" in limiter.outside
    down = xarm7.inverse(_moved(xarm7.forward(xarm7.HOME), 0, 0, -0.02), xarm7.HOME)
    up = xarm7.inverse(_moved(xarm7.forward(xarm7.HOME), 0, 0, 0.1), xarm7.HOME)
    assert down is not None and up is not None
    assert "below z min" in limiter.toward(standing_at(down)).reason
    heights = [float(arm_points(limiter.state.position)[TCP, 2])]
    for _ in range(300):
        limiter.toward(standing_at(up))
        heights.append(float(arm_points(limiter.state.position)[TCP, 2]))
    assert np.diff(heights).min() > -1e-9
    assert limiter.outside == ""
    for _ in range(300):
        limiter.toward(standing_at(xarm7.HOME))
    assert arm_points(limiter.state.position)[TCP, 2] >= 0.25 - 1e-8  # once in, never out again


def test_from_the_end_of_a_joints_range_there_is_only_a_way_back():
    start = xarm7.HOME.copy()
    start[3] = xarm7.LOWER[3] + 0.002
    start[1] = -0.8
    limiter = Limiter(start)
    assert "J4" in limiter.outside
    for _ in range(100):
        limiter.toward(standing_at(start - np.array([0, 0, 0, 0.3, 0, 0, 0])))
        assert limiter.state.position[3] >= start[3] - 1e-9


def test_a_smooth_motion_is_followed_without_delay():
    """Follow a circle of 8 cm at 100 mm/s, its joints by inverse kinematics, with velocity and acceleration."""
    moments = np.arange(0, 6.0, 0.02)
    angle = 0.1 / 0.08 * _eased(moments)
    joints, q = [], xarm7.HOME
    for a in angle:
        q = xarm7.inverse(_moved(xarm7.forward(xarm7.HOME), 0.08 * (1 - np.cos(a)), 0.08 * np.sin(a), 0.0), q)
        assert q is not None
        joints.append(q)
    from scipy.interpolate import make_interp_spline

    spline = make_interp_spline(moments, np.array(joints), k=5)
    limiter = Limiter(xarm7.HOME)
    off_mm = []
    for moment in np.arange(PERIOD, 5.9, PERIOD):
        wanted = JointState(spline(moment), spline(moment, 1), spline(moment, 2))
        step = limiter.toward(wanted)
        assert step.reason == ""
        off_mm.append(1e3 * np.linalg.norm(_tcp(step.state.position) - _tcp(wanted.position)))
    assert max(off_mm) < 0.1
    assert max(off_mm[100:]) < 1e-3


def test_a_motion_that_began_without_the_arm_is_caught_up_with():
    """Catch up with constant 0.3 rad/s from 0.1 rad away: met exactly, at the motion's own speed."""
    limiter = Limiter(xarm7.HOME)
    speed = np.array([0.3, 0, 0, 0, 0, 0, 0.3])
    for i in range(300):
        wanted = JointState(xarm7.HOME + 0.1 * np.sign(speed) + speed * PERIOD * i, speed, np.zeros(7))
        step = limiter.toward(wanted)
    np.testing.assert_allclose(step.state.position, wanted.position, atol=1e-9)
    np.testing.assert_allclose(step.state.velocity, speed, atol=1e-9)


def test_a_far_target_is_approached_at_nearly_the_allowed_speed():
    limiter = Limiter(xarm7.HOME)
    goal = xarm7.HOME + np.array([1.5, 0, 0, 0, 0, 0, 0])
    speeds = []
    for _ in range(200):
        before = _tcp(limiter.state.position)
        limiter.toward(standing_at(goal))
        speeds.append(np.linalg.norm(_tcp(limiter.state.position) - before) / PERIOD)
    assert 0.15 < np.mean(speeds[60:]) <= 0.25


def test_refused_targets_do_not_wear_the_limiter_out():
    found = try_limiter(2000, seed=9, kinds=(broken,))
    assert found.refused > 200
    assert found.keeps(SETTINGS), found


@pytest.mark.parametrize(
    "values",
    [
        *({"tcp_speed": 0.0}, {"joint_jerk": np.inf}, {"joint_speed": 4.0}, {"tcp_speed": 1.1}, {"tcp_step": 0.02}),
        *({"joint_acceleration": 21.0}, {"joint_jerk": 1e4}, {"joint_margin": -0.1}, {"tcp_speed": np.nan}),
    ],
)
def test_limits_that_are_none_are_refused(values):
    with pytest.raises(ValueError, match="limits"):
        LimiterSettings(**values)


def _tcp(q: np.ndarray) -> np.ndarray:
    return arm_points(q)[TCP]


def _moved(pose: np.ndarray, x: float, y: float, z: float) -> np.ndarray:
    moved = pose.copy()
    moved[:3, 3] += (x, y, z)
    return moved


def _eased(moments: np.ndarray) -> np.ndarray:
    """Rise from rest with bounded jerk and then at rate 1: the first second is a smooth quintic's integral."""
    s = np.clip(moments, 0, 1)
    return np.where(moments < 1, s**4 * (2.5 - 3 * s + s**2), moments - 0.5)
