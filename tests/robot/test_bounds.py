"""One bound for the arm's limits, wherever they come from: settings, messages, or code."""

import numpy as np
import pytest

from robot.errors import RobotError
from robot.limiter import LimiterSettings
from robot.service.limiter_messages import limits_from, limits_to
from robot.workspace import FARTHEST, Workspace
from workflows.settings import WorkspaceSettings

BOX = {"low": [-0.3, -0.7, 0.0], "high": [0.8, 0.7, 1.2]}
WRONG_BOXES = (
    {"low": [-50.0, -50.0, -50.0], "high": [50.0, 50.0, 50.0]},
    {"low": [-0.3, -0.7, 0.0], "high": [0.8, 0.7, np.inf]},
    {"low": [-0.3, np.nan, 0.0], "high": [0.8, 0.7, 1.2]},
    {"low": [0.8, -0.7, 0.0], "high": [-0.3, 0.7, 1.2]},
    {"low": [-0.3, -0.7], "high": [0.8, 0.7]},
    {"low": [-0.3, -0.7, 0.0]},
    {"low": "here", "high": "there"},
    7,
)


@pytest.mark.parametrize("box", WRONG_BOXES)
def test_a_box_that_is_none_is_refused_in_a_sentence(box):
    with pytest.raises(RobotError, match="cannot be used"):
        limits_from({"workspace": box})


@pytest.mark.parametrize(
    "values",
    [
        *({"tcp_speed": 1e9}, {"tcp_step": 1.0}, {"joint_jerk": 1e300}, {"joint_acceleration": float("inf")}),
        *({"joint_speed": float("nan")}, {"tcp_speed": -1.0}, {"tcp_speed": "fast"}, {"speed": 1.0}),
    ],
)
def test_absurd_limits_are_refused_in_a_sentence(values):
    with pytest.raises(RobotError, match="cannot be used"):
        limits_from(values)


def test_limits_travel_as_they_are():
    limits = LimiterSettings(tcp_speed=0.1, workspace=Workspace(np.array(BOX["low"]), np.array([0.5, 0.5, 0.5])))
    again = limits_from(limits_to(limits))
    assert again.tcp_speed == 0.1 and again.joint_jerk == limits.joint_jerk
    np.testing.assert_array_equal(again.workspace.high, [0.5, 0.5, 0.5])


@pytest.mark.parametrize("far", [50.0, FARTHEST + 0.01, float("inf"), float("nan")])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_settings_know_the_same_bound(far, axis):
    high = list(BOX["high"])
    high[axis] = far
    with pytest.raises(ValueError, match="must"):
        WorkspaceSettings(tuple(BOX["low"]), tuple(high))
    with pytest.raises(RobotError):
        limits_from({"workspace": {"low": BOX["low"], "high": high}})
