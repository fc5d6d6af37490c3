"""Gamepad sticks as reported by the kernel, and the resulting commands to the arm."""

import numpy as np
import pytest

from gui.arm.gamepad import DEAD_ZONE, PadState


def test_nothing_moves_without_the_shoulder_button():
    state = PadState()
    state.take("ABS_Y", -32768, -32768, 32767)
    assert not state.twist.any()
    state.armed = True
    assert state.twist == pytest.approx([1, 0, 0, 0, 0, 0])  # pushed away from the operator: forward, full speed


def test_sticks_go_where_they_are_pushed():
    for name, value, expected in (
        ("ABS_X", 0, [0, 1, 0, 0, 0, 0]),  # left: +y
        ("ABS_RY", 255, [0, 0, -1, 0, 0, 0]),  # pulled: down
        ("ABS_RX", 255, [0, 0, 0, 0, 0, -1]),  # right: clockwise from above
    ):
        state = PadState(armed=True)
        state.take(name, value, 0, 255)
        assert state.twist == pytest.approx(expected)


def test_a_worn_stick_at_rest_does_not_move_the_arm():
    state = PadState(armed=True)
    for value in np.linspace(-DEAD_ZONE, DEAD_ZONE, 9):
        state.take("ABS_X", round(value * 32767), -32767, 32767)
        assert np.abs(state.twist).max() < 1e-3


def test_axes_of_no_stick_are_left_alone():
    state = PadState(armed=True)
    state.take("ABS_HAT0X", 1, -1, 1)
    state.take("ABS_Z", 255, 0, 255)
    state.take("ABS_X", 5, 3, 3)  # a driver that reports no range
    assert not state.twist.any()
