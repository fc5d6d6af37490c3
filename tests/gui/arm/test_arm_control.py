"""Hand control: a released control no longer moves the arm, whatever else is going on."""

import numpy as np
import pytest

from gui.arm.hand_control import ArmControlPresenter, Direction
from gui.runtime.connection import Connection
from gui.runtime.jobs import Jobs
from robot.service.status import RobotStatus
from robot.state import ArmState
from workflows.session import Session
from workflows.settings import ProgramSettings

FORWARD = np.array([1.0, 0, 0, 0, 0, 0])


@pytest.fixture
def control(qapp, arm_status):
    jobs = Jobs()
    connection = Connection(Session(ProgramSettings()), jobs)
    presenter = ArmControlPresenter(connection, jobs)
    yield presenter
    connection.close()


def test_sticks_let_go_of_during_a_step_do_not_move_the_arm_after_it(control, arm_status: RobotStatus):
    control._state = ArmState.HOLDING
    control.push(FORWARD)
    assert control.moving
    control._step = control._begin_step(Direction(2, 1), 5.0, arm_status)  # as a button on the screen begins it
    control.push(np.zeros(6))
    control._step = None  # it has come to its end
    assert not control.moving


def test_sticks_still_held_after_a_stop_count_only_when_they_are_moved_again(control):
    control._state = ArmState.HOLDING
    control.push(FORWARD)
    control.release_all()
    control._state = ArmState.STOPPED
    control.push(FORWARD)
    control._state = ArmState.HOLDING
    assert not control.moving


def test_sticks_held_while_the_arm_is_made_ready_do_not_move_it_before_they_are_let_go(control):
    control._state = ArmState.STOPPED
    control.push(FORWARD)
    control._state = ArmState.HOLDING
    control.push(0.9 * FORWARD)  # a hand is never perfectly still
    assert not control.moving
    control.push(np.zeros(6))
    control.push(FORWARD)
    assert control.moving
