"""What the arm's panel warns of."""

import numpy as np
import pytest

from gui.arm_presenter import warning_words
from robot.client import RobotStatus
from robot.gaps import GapStatistics
from robot.state import Activity, ArmState

RECEIVED = 100.0  # s


def status(**values) -> RobotStatus:
    nothing = np.zeros(7)
    words = dict.fromkeys(("fault", "limited", "staged", "gripper_fault", "stop_fault"), "")
    numbers = dict.fromkeys(("error", "warning", "mode", "late_ticks", "done"), 0)
    return RobotStatus(
        state=ArmState.HOLDING,
        activity=Activity.HOLDING,
        steps=(),
        position=nothing,
        velocity=nothing,
        effort=nothing,
        read=RECEIVED,
        openness=1.0,
        progress=0.0,
        gaps=GapStatistics(0, 0.0, 0.0, 0.0),
        received=RECEIVED,
        **words | numbers | values,
    )


@pytest.mark.parametrize(
    ("values", "later", "expected"),
    [
        ({}, 0.2, ""),
        ({"warning": 11}, 0.2, "queue of commands"),
        ({"warning": 11, "stop_fault": "The stop button does not reach the arm."}, 0.2, "stop button"),
        ({"stop_fault": "The stop button does not reach the arm."}, 3.0, "Nothing has been heard of the arm for 3 s"),
    ],
    ids=["well", "a warning of the controller's", "Stop before it", "silence before everything"],
)
def test_the_gravest_is_said(values, later, expected):
    words = warning_words(status(**values), RECEIVED + later)
    assert words.startswith(expected) if not expected else expected in words
