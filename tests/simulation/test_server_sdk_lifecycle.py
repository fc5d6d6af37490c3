"""The SDK's connections over their life: several arms, death and return, silence, older and newer firmware."""

import socket
import time

import numpy as np
import pytest
from sdk_lab import RunningArm, connect, make_ready, reconnect, sdk_threads_end

from foundation import xarm7


def wait_for(condition, seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def reachable(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=1.0).close()
    except ConnectionRefusedError:
        return False
    return True


def test_two_arms_at_once_do_not_disturb_each_other():
    with sdk_threads_end(), RunningArm() as left, RunningArm(serial="00000002") as right:
        apis = [connect(left), connect(right)]
        try:
            assert [api.get_robot_sn()[1] for api in apis] == ["XS130500000001", "XS130500000002"]
            for api in apis:
                make_ready(api)
            for api, angle in zip(apis, (0.3, -0.3), strict=True):
                assert api.set_servo_angle(servo_id=1, angle=angle, speed=1.0, wait=False) == 0
            assert wait_for(lambda: all(not arm.controller.core.busy for arm in (left, right)))
            time.sleep(0.05)
            for api, angle in zip(apis, (0.3, -0.3), strict=True):
                assert api.get_servo_angle(servo_id=1)[1] == pytest.approx(angle, abs=1e-5)
            left.controller.faults.raise_error(31)
            time.sleep(0.05)
            assert apis[0].get_err_warn_code()[1] == [31, 0]
            assert apis[1].get_err_warn_code()[1] == [0, 0]
        finally:
            for api in apis:
                api.disconnect()


def test_several_connections_to_one_arm():
    with sdk_threads_end(), RunningArm() as arm:
        stream, stop = connect(arm), connect(arm)
        try:
            make_ready(stream, 1)
            for k in range(20):
                assert stream.set_servo_angle_j((xarm7.HOME + 0.002 * k).tolist()) == 0
                time.sleep(0.01)
            assert stop.set_state(4) == 0
            assert stream.set_servo_angle_j(xarm7.HOME.tolist()) == 9
            clients = {entry.client for entry in arm.controller.log.stops()}
            assert len(clients) == 1
        finally:
            stream.disconnect()
            stop.disconnect()


def test_death_is_noticed_and_a_new_connection_works():
    with sdk_threads_end(), RunningArm() as arm:
        api = connect(arm)
        changes = []
        api.register_connect_changed_callback(changes.append)
        make_ready(api)
        arm.controller.faults.dead = True
        assert wait_for(lambda: not api.connected)
        assert wait_for(lambda: any(not change["connected"] for change in changes))
        assert api.get_state()[0] == -1
        with arm.server.lock:
            arm.controller.power_cycle()
        arm.controller.faults.dead = False
        assert wait_for(lambda: reachable(arm.address, arm.server.port))
        api.disconnect()
        reconnect(api, arm)
        try:
            assert api.connected
            assert api.get_state() == (0, 4)
            make_ready(api)
            assert api.set_servo_angle(servo_id=1, angle=0.1, speed=1.0, wait=True) == 0
        finally:
            api.disconnect()


def test_a_hanging_controller_times_out_and_comes_back():
    with sdk_threads_end(), RunningArm() as arm:
        api = connect(arm)
        try:
            make_ready(api)
            arm.controller.faults.hang = True
            assert api.get_state()[0] == 3  # no reply within its 2 s
            arm.controller.faults.hang = False
            assert api.get_state() == (0, 2)
        finally:
            api.disconnect()


@pytest.mark.parametrize("firmware", ["v1.12.10", "v2.7.103"])
def test_older_and_newer_firmware(firmware):
    """Check that the SDK polls with the older firmware, and uses all its features with the newer one."""
    with sdk_threads_end(), RunningArm(firmware=firmware) as arm:
        api = connect(arm)
        try:
            assert api.version_number == tuple(int(n) for n in firmware[1:].split("."))
            make_ready(api)
            assert api.set_servo_angle(angle=[0.2, *xarm7.HOME[1:]], speed=1.0, wait=True) == 0
            assert api.get_servo_angle(servo_id=1)[1] == pytest.approx(0.2, abs=1e-5)
            z = api.get_position()[1][2]
            assert api.set_position(z=z - 20, speed=300, wait=True) == 0
            assert api.get_position()[1][2] == pytest.approx(z - 20, abs=0.02)
            code, q = api.get_inverse_kinematics(api.get_position()[1])
            assert code == 0
            np.testing.assert_allclose(q, api.get_servo_angle()[1], atol=1e-3)
            assert api.set_gripper_position(500, wait=False, auto_enable=True) == 0
        finally:
            api.disconnect()


@pytest.mark.parametrize("kind", ["normal", "real"])
def test_other_kinds_of_report(kind):
    with sdk_threads_end(), RunningArm() as arm:
        api = connect(arm, report_type=kind)
        try:
            make_ready(api)
            assert wait_for(lambda: np.allclose(api.angles, xarm7.HOME, atol=1e-5))
            assert (api.state, api.mode) == (2, 0)
        finally:
            api.disconnect()
