"""Deadlines are values that are handed over; longer ones than production's reach no real arm."""

import math
from dataclasses import asdict, fields

import pytest
from patience import PATIENT

from foundation.deadlines import PRODUCTION, Deadlines
from robot.controller.endpoint import Endpoint
from robot.errors import RobotError
from robot.service.process import loop_settings


def test_all_are_multiplied():
    assert asdict(PRODUCTION.times(2.5)) == {name: 2.5 * value for name, value in asdict(PRODUCTION).items()}


@pytest.mark.parametrize("name", [field.name for field in fields(Deadlines)])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_what_is_no_time_is_refused(name, value):
    with pytest.raises(ValueError, match=name):
        Deadlines(**{name: value})


def test_the_robot_process_takes_longer_ones_for_an_arm_on_this_machine_only():
    longer = {"deadlines": asdict(PATIENT)}
    assert loop_settings(longer, Endpoint("127.0.0.5", 5502)).deadlines == PATIENT
    with pytest.raises(RobotError, match="heartbeat"):
        loop_settings(longer, Endpoint("192.168.1.200"))
    with pytest.raises(RobotError, match=r"\(answer\)"):
        loop_settings({"deadlines": {"answer": 3.1}}, Endpoint("192.168.1.200"))


def test_shorter_ones_and_none_are_taken_for_every_arm():
    assert loop_settings({}, Endpoint("192.168.1.200")).deadlines == PRODUCTION
    shorter = {"deadlines": asdict(PRODUCTION.times(0.5))}
    assert loop_settings(shorter, Endpoint("192.168.1.200")).deadlines.heartbeat == 0.1
