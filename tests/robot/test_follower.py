"""The follower scales time smoothly, pauses on the path and never runs ahead of the arm."""

import numpy as np
import pytest

from benchmarks.motion.limiter_trial import judged
from foundation import xarm7
from robot.control.follower import Follower
from robot.limiter import PERIOD, LimiterSettings
from robot.planning.joint_trajectory import JointTrajectory

WAY = np.array([0.4, 0.1, -0.2, 0.1, 0.0, 0.0, 0.5])


def swing(duration: float = 4.0) -> JointTrajectory:
    times = np.linspace(0, duration, 201)
    s = times / duration
    eased = s**4 * (35 - 84 * s + 70 * s**2 - 20 * s**3)
    return JointTrajectory(times, xarm7.HOME + eased[:, None] * WAY, np.where(s < 0.5, 1.0, 0.2))


def follow(follower: Follower, seconds: float) -> np.ndarray:
    return np.array([follower.step().state.position for _ in range(round(seconds / PERIOD))])


def test_velocity_and_acceleration_belong_to_the_position():
    follower = Follower(swing(), 0.7)
    states = [follower.step().state for _ in range(700)]
    position = np.array([state.position for state in states])
    velocity = np.array([state.velocity for state in states])
    acceleration = np.array([state.acceleration for state in states])
    by_difference = (position[2:] - position[:-2]) / (2 * PERIOD)
    assert np.abs(by_difference - velocity[1:-1]).max() < 2e-4
    by_difference = (velocity[2:] - velocity[:-2]) / (2 * PERIOD)
    assert np.abs(by_difference - acceleration[1:-1]).max() < 2e-2


@pytest.mark.parametrize("speed", [0.1, 0.5, 1.0])
def test_speed_scales_time(speed):
    follower, steps = Follower(swing(), speed), 0
    while not follower.finished:
        follower.step()
        steps += 1
    # Only getting up to speed takes extra time.
    assert 4.0 / speed < steps * PERIOD < 4.0 / speed + 1.0
    assert follower.progress == 1.0
    np.testing.assert_allclose(follower.step().state.position, xarm7.HOME + WAY, atol=1e-12)


def test_a_pause_stays_on_the_path_and_keeps_the_limits():
    follower, path = Follower(swing()), swing().samples(0.001)[1]
    before = follow(follower, 2.0)
    follower.pause()
    braking = follow(follower, 1.5)
    assert follower.standing
    np.testing.assert_array_equal(braking[-1], braking[-20])
    follower.resume()
    after = follow(follower, 4.0)
    assert follower.finished
    sent = np.concatenate([xarm7.HOME[None], before, braking, after])
    for q in sent[::25]:
        assert np.abs(path - q).max(axis=1).min() < 1e-3
    found = judged(sent, 0, LimiterSettings())
    assert found.keeps(LimiterSettings()), found


def test_time_waits_for_an_arm_that_does_not_come_along():
    follower = Follower(swing())
    follow(follower, 1.0)
    for _ in range(150):
        follower.step(behind=0.2)
    moment = follower.moment
    follower.step(behind=0.2)
    assert follower.moment == moment
    for _ in range(100):
        follower.step(behind=0.0)
    assert follower.moment > moment


def test_the_gripper_is_told_on_changes_only():
    follower = Follower(swing())
    told = [wanted.openness for wanted in (follower.step() for _ in range(600)) if wanted.openness is not None]
    assert told == [0.2]


def test_a_slowly_closing_gripper_is_told_at_most_ten_times_a_second():
    times = np.linspace(0, 4, 201)
    trajectory = JointTrajectory(times, np.repeat(xarm7.HOME[None], 201, axis=0), np.linspace(1, 0, 201))
    follower = Follower(trajectory)
    told = [follower.step().openness for _ in range(600)]
    moments = np.flatnonzero([openness is not None for openness in told])
    assert np.diff(moments).min() >= 10
    assert told[moments[-1]] == 0.0


def test_a_single_sample_holds():
    follower = Follower(JointTrajectory(np.zeros(1), xarm7.HOME[None], np.ones(1)))
    wanted = follower.step()
    assert follower.finished
    np.testing.assert_array_equal(wanted.state.position, xarm7.HOME)
    assert wanted.openness is None  # no change, no command


@pytest.mark.parametrize("speed", [0.0, -1.0, 1.01, np.nan])
def test_a_speed_that_is_none_is_refused(speed):
    with pytest.raises(ValueError, match="speed"):
        Follower(swing(), speed)


@pytest.mark.parametrize(
    "values",
    [
        (np.zeros(2), np.zeros((2, 7)), np.ones(2)),
        (np.arange(2), np.zeros((2, 6)), np.ones(2)),
        (np.arange(2), np.full((2, 7), np.nan), np.ones(2)),
        (np.arange(2), np.zeros((2, 7)), np.array([0.0, 1.1])),
        (np.zeros(0), np.zeros((0, 7)), np.zeros(0)),
    ],
    ids=["times", "joints", "not numbers", "openness", "empty"],
)
def test_a_trajectory_that_is_none_is_refused(values):
    with pytest.raises(ValueError, match="joint trajectory"):
        JointTrajectory(*values)


def test_a_trajectory_survives_its_message():
    again = JointTrajectory.from_dict(swing().to_dict())
    np.testing.assert_array_equal(again.at(1.234).position, swing().at(1.234).position)
