import numpy as np
import pytest
from wire import Wire

from simulation.controller.protocol import Register, Status, encode_request, pack_floats

MOVING, READY, PAUSED, STOPPED, RESET, STOPPING = 1, 2, 3, 4, 5, 6
SOMEWHERE = [0.5, -0.3, 0.2, 0.9, 0.1, 1.1, 0.3]
RESETS = {
    "enable": (Register.ENABLE_MOTION, b"\x08\x01"),
    "mode": (Register.SET_MODE, b"\x00\x00"),
    "clear error": (Register.CLEAR_ERROR, b""),
    "tcp offset": (Register.SET_TCP_OFFSET, pack_floats([0, 0, 172, 0, 0, 0])),
    "collision sensitivity": (Register.SET_COLLISION_SENSITIVITY, b"\x04"),
    "teach sensitivity": (Register.SET_TEACH_SENSITIVITY, b"\x02"),
}


def test_after_switching_on_it_is_stopped_and_refuses_to_move():
    wire = Wire()
    assert wire.state == STOPPED
    wire.move_joints(SOMEWHERE)
    assert wire.status & Status.NOT_READY
    wire.run(0.5)
    np.testing.assert_array_equal(wire.core.qd, 0.0)


def test_set_ready_needs_enabled_motors():
    wire = Wire()
    wire.set_state(0)
    assert wire.state == STOPPED
    wire.send(Register.ENABLE_MOTION, b"\x08\x01")
    assert wire.state == RESET
    wire.set_state(0)
    assert wire.state == READY


@pytest.mark.parametrize("name", RESETS)
def test_a_system_reset_stops_empties_the_queue_and_waits(name):
    wire = Wire().ready()
    wire.move_joints(SOMEWHERE)
    wire.move_joints(np.zeros(7))
    wire.run(0.3)
    wire.send(*RESETS[name])
    assert wire.state == RESET
    assert wire.core.queue_length == 0
    wire.run(0.5)
    stopped = wire.joints
    wire.run(0.5)
    np.testing.assert_array_equal(wire.joints, stopped)
    assert not np.allclose(stopped, SOMEWHERE, atol=0.01)
    wire.set_state(0)
    assert wire.state == READY


@pytest.mark.parametrize("mode", [0, 1, 2, 4, 5, 6, 7])
def test_modes_that_can_be_set(mode):
    wire = Wire().ready(mode)
    assert wire.core.mode == mode
    assert wire.state == READY


@pytest.mark.parametrize("mode", [3, 8, 11, 200])
def test_modes_that_cannot_be_set(mode):
    wire = Wire().ready(1)
    wire.send(Register.SET_MODE, bytes((mode, 0)))
    assert wire.status & Status.REFUSED
    assert wire.core.mode == 1
    assert wire.state == READY


@pytest.mark.parametrize("code", [1, 2, 10, 19, 21, 22, 23, 24, 31, 35, 60])
def test_any_error_stops_falls_back_to_mode_0_and_empties_the_queue(code):
    wire = Wire().ready()
    wire.move_joints(SOMEWHERE)
    wire.move_joints(np.zeros(7))
    wire.run(0.4)
    wire.controller.faults.raise_error(code)
    wire.run(0.4)
    assert wire.error == code
    assert wire.status & Status.ERROR
    assert (wire.state, wire.core.mode, wire.core.queue_length) == (STOPPED, 0, 0)
    stopped = wire.joints
    wire.run(0.5)
    np.testing.assert_array_equal(wire.joints, stopped)


def test_nothing_but_clearing_the_error_leads_on():
    wire = Wire().ready(1)
    wire.controller.faults.raise_error(31)
    wire.run(0.01)
    for register, params in ((11, b"\x08\x01"), (19, b"\x01\x00"), (12, b"\x00")):
        wire.send(register, params)
        assert wire.state == STOPPED
        assert wire.core.mode == 0
    assert wire.error == 31
    wire.ready(1)
    assert (wire.error, wire.state, wire.core.mode) == (0, READY, 1)


def test_the_first_of_several_errors_stays():
    wire = Wire().ready()
    wire.controller.faults.raise_error(31)
    wire.run(0.01)
    wire.controller.faults.raise_error(24)
    wire.run(0.01)
    assert wire.error == 31


def test_the_emergency_button_switches_the_motors_off_and_holds_while_pressed():
    wire = Wire().ready()
    wire.controller.faults.held_error = 1
    wire.run(0.01)
    assert wire.core.enabled == 0
    wire.send(Register.CLEAR_ERROR)
    assert wire.error == 1
    wire.controller.faults.held_error = 0
    wire.send(Register.CLEAR_ERROR)
    assert wire.error == 0
    wire.set_state(0)
    assert wire.state == RESET  # the motors are still off
    assert wire.ready().state == READY


def test_a_warning_shows_until_it_is_cleared_and_stops_nothing():
    wire = Wire().ready()
    wire.move_joints(SOMEWHERE)
    wire.controller.faults.raise_warning(14)
    wire.run(0.1)
    assert wire.state == MOVING
    assert wire.status & Status.WARNING
    assert wire.send(Register.GET_ERROR).params == b"\x00\x0e"
    wire.send(Register.CLEAR_WARNING)
    assert not wire.status & Status.WARNING


def test_a_stop_brakes_at_once_and_within_the_drives_deceleration():
    wire = Wire().ready(4)
    wire.joint_velocity([2.0, 0, 0, 0, 0, 0, -2.0])
    wire.run(1.0)
    assert np.abs(wire.core.qd).max() == pytest.approx(2.0, abs=1e-3)
    before = wire.joints
    wire.set_state(4)
    assert wire.state == STOPPED
    speeds = []
    for _ in range(60):
        wire.run(0.004)
        speeds.append(wire.core.qd.copy())
    assert np.abs(speeds[-1]).max() == 0.0
    assert np.abs(np.diff(speeds, axis=0)).max() / 0.004 <= 20.0
    # The distance of a stop from 2 rad/s at 16 rad/s2, with the time its jerk limit takes.
    assert np.abs(wire.joints - before).max() < 2.0**2 / (2 * 16.0) + 2.0 * 0.03


def test_a_decelerated_stop_says_so_until_it_stands():
    wire = Wire().ready(4)
    wire.joint_velocity([1.0, 0, 0, 0, 0, 0, 0])
    wire.run(0.5)
    wire.set_state(6)
    assert wire.state == STOPPING
    wire.run_until(lambda: wire.core.state == STOPPED, 1.0)
    assert wire.core.qd.max() == 0.0


def test_a_stop_while_standing_still_counts_as_one():
    wire = Wire().ready(1)
    wire.set_state(6)
    assert wire.state == STOPPED
    wire.servo(wire.core.q)
    assert wire.status & Status.NOT_READY


def test_hand_guiding_follows_the_hand_and_ends_without_a_jump():
    wire = Wire().ready(2)
    moved = wire.core.q + 0.3

    wire.plant.command_joints(moved, np.zeros(7))  # as a hand would move a released arm
    wire.plant.step(0.004)
    wire.run(0.1)
    np.testing.assert_allclose(wire.joints, moved, atol=1e-6)
    wire.send(Register.SET_MODE, b"\x00\x00")
    wire.set_state(0)
    wire.run(0.1)
    np.testing.assert_allclose(wire.joints, moved, atol=1e-6)


def test_single_joints_can_be_switched_off():
    wire = Wire().ready()
    wire.send(Register.ENABLE_MOTION, b"\x03\x00")
    assert wire.core.enabled == 0x7F & ~0b100
    wire.set_state(0)
    assert wire.state == RESET
    wire.send(Register.ENABLE_MOTION, b"\x03\x01")
    wire.set_state(0)
    assert wire.state == READY


def test_switching_off_and_on_forgets_all_but_the_saved_settings():
    wire = Wire().ready(1)
    wire.send(Register.SET_TCP_OFFSET, pack_floats([0, 0, 172, 0, 0, 0]))
    wire.send(Register.SAVE_CONFIGURATION)
    wire.send(Register.SET_COLLISION_SENSITIVITY, b"\x05")
    wire.controller.power_cycle()
    assert (wire.state, wire.core.mode, wire.core.enabled) == (STOPPED, 0, 0)
    assert wire.controller.settings.tcp_offset == [0, 0, 172, 0, 0, 0]
    assert wire.controller.settings.collision_sensitivity == 3


def test_unknown_registers_and_short_requests_are_refused():
    wire = Wire().ready()
    wire.send(250)
    assert wire.status & Status.REFUSED
    wire.send(Register.MOVE_JOINTS, bytes(12))
    assert wire.status & Status.REFUSED
    wire.send(Register.SET_STATE)
    assert wire.status & Status.REFUSED
    assert wire.state == READY


def test_a_heartbeat_is_not_answered_and_plain_modbus_is_turned_down():
    wire = Wire()
    assert wire.controller.handle(bytes([0, 0, 0, 1, 0, 2, 0, 0]), "test") is None
    answer = wire.controller.handle(encode_request(9, 1, b"\x03\x00\x00\x00\x01", protocol=0), "test")
    assert answer == bytes.fromhex("0009000000030183 01".replace(" ", ""))


def test_every_request_of_random_bytes_is_answered_or_ignored_but_never_breaks():
    generator = np.random.default_rng(3)
    wire = Wire().ready()
    for _ in range(4000):
        register = int(generator.integers(1, 256))
        if register == Register.SYSTEM_CONTROL:
            continue
        params = generator.bytes(int(generator.integers(0, 80)))
        answer = wire.controller.handle(encode_request(1, register, params), "noise")
        assert answer is not None
        if generator.random() < 0.1:
            wire.run(0.02)
        if wire.core.error or generator.random() < 0.05:
            wire.ready(int(generator.choice([0, 1, 4, 5, 6, 7])))
    assert np.isfinite(wire.core.q).all()
