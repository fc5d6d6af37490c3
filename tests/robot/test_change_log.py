"""The arm's changes in the log: each once, however often the loop turns, with its reason."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from foundation.arm import ArmStatus, JointReading, Mode, State
from robot.control.change_log import ChangeLog
from robot.service import commands
from robot.state import Activity, Facts

NOTHING = np.zeros(7)
HOLDING = Facts(
    ArmStatus(State.READY, Mode.SERVO, 0, 0),
    JointReading(NOTHING, NOTHING, NOTHING, 0.0),
    enabled=True,
    activity=Activity.HOLDING,
)


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.INFO)
    return lambda: [f"{record.levelname} {record.getMessage()}" for record in caplog.records]


def test_a_change_is_said_once_with_its_reason(said):
    changes = ChangeLog()
    for _ in range(100):
        changes.note(HOLDING, "")
    stopped = replace(
        HOLDING,
        activity=Activity.NOTHING,
        fault="The arm was stopped from outside the program.",
        status=ArmStatus(State.STOPPED, Mode.SERVO, 0, 0),
    )
    for _ in range(100):
        changes.note(stopped, "")
    changes.note(replace(stopped, status=ArmStatus(State.STOPPED, Mode.SERVO, 31, 0)), "")
    first, second, third = said()
    assert first == "INFO arm: unknown -> holding (mode 1, state 2, error 0, warning 0)"
    assert second == (
        "WARNING arm: holding -> stopped (mode 1, state 4, error 0, warning 0): "
        "The arm was stopped from outside the program."
    )
    assert third == "WARNING arm: stopped -> error (mode 1, state 4, error 31, warning 0)"


def test_that_it_moves_and_stands_within_a_motion_is_no_change(said):
    changes = ChangeLog()
    for tick in range(100):
        state = State.MOVING if tick % 2 else State.READY
        changes.note(replace(HOLDING, status=ArmStatus(state, Mode.SERVO, 0, 0)), "")
    assert len(said()) == 1


def test_a_plan_that_waits_is_named_by_its_digest(said):
    changes = ChangeLog()
    changes.note(HOLDING, "0123456789abcdef0123")
    changes.note(HOLDING, "")
    assert [line.rpartition(": ")[2] for line in said()[1:]] == ["0123456789abcdef", "none"]


def test_a_press_is_named_without_plan_instruction_and_secret():
    words = commands.words({"do": "execute", "nonce": "0123456789abcdef", "speed": 0.25, "hold": False, "stops": 3})
    assert words == "execute nonce=012345 speed=0.25 hold=False"
    words = commands.words({"do": "stage", "plan": b"secret", "instruction": "give Mr Smith the cup", "cover": "abc"})
    assert words == "stage"
    assert commands.words({"do": ["x"], "nonce": ["deep"], "reason": b"x"}) == "(list)"
