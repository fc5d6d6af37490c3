"""SpaceMouse cap as reported by the kernel, the resulting commands to the arm, and the recognised devices."""

import numpy as np
import pytest

from gui.arm.gamepad import FULL, CapState, PadState, state_for

ecodes = pytest.importorskip("evdev").ecodes


def test_the_arm_goes_where_the_cap_is_pushed_while_the_button_is_held():
    for name, value, expected in (
        ("REL_Y", -FULL, [1, 0, 0, 0, 0, 0]),  # away from the operator: away
        ("REL_X", -FULL, [0, 1, 0, 0, 0, 0]),  # left
        ("REL_Z", -FULL, [0, 0, 1, 0, 0, 0]),  # pulled up
        ("REL_RZ", FULL, [0, 0, 0, 0, 0, -1]),  # clockwise from above
        ("REL_RX", -2 * FULL, [0, 0, 0, 0, 1, 0]),  # tipped away, beyond its stop: no more than full deflection
    ):
        cap = CapState()
        cap.take(name, value)
        assert not cap.twist.any()
        cap.armed = True
        assert cap.twist == pytest.approx(expected)


def test_turns_are_about_the_axes_the_cap_is_pushed_along():
    """Check that one rotation maps pushes and turns: the cap's frame is right-handed, and so is the base's."""
    mapped = np.zeros((2, 3, 3))
    for turn, names in enumerate((("REL_X", "REL_Y", "REL_Z"), ("REL_RX", "REL_RY", "REL_RZ"))):
        for column, name in enumerate(names):
            cap = CapState(armed=True)
            cap.take(name, FULL)
            mapped[turn, :, column] = cap.twist[3 * turn : 3 * turn + 3]
    np.testing.assert_allclose(mapped[0], mapped[1])
    assert np.linalg.det(mapped[0]) == pytest.approx(1.0)


def test_a_resting_hand_and_a_cap_that_is_let_go_move_nothing():
    cap = CapState(armed=True)
    cap.take("REL_X", 20)
    assert not cap.twist.any()
    cap.take("ABS_X", 500, 0, 500)  # a model with absolute axes
    assert cap.twist[1] == pytest.approx(-1.0)
    cap.let_go()
    assert not cap.twist.any()


def test_a_mouse_and_a_keyboard_are_neither_pad_nor_cap():
    mouse = {ecodes.EV_KEY: [ecodes.BTN_LEFT], ecodes.EV_REL: [ecodes.REL_X, ecodes.REL_Y]}
    six = [ecodes.REL_X, ecodes.REL_Y, ecodes.REL_Z, ecodes.REL_RX, ecodes.REL_RY, ecodes.REL_RZ]
    assert state_for(mouse, ecodes) is None
    assert state_for({ecodes.EV_KEY: [ecodes.KEY_A]}, ecodes) is None
    assert isinstance(state_for({ecodes.EV_KEY: [ecodes.BTN_0], ecodes.EV_REL: six}, ecodes), CapState)
    assert isinstance(state_for({ecodes.EV_KEY: [ecodes.BTN_SOUTH]}, ecodes), PadState)
