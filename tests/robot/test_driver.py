"""Driver over the real SDK against the simulated controller on sockets."""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from tcp_arm import TcpArm

from foundation import xarm7
from foundation.arm import Mode, State
from robot.controller.driver import XArm
from robot.controller.endpoint import OLDEST_FIRMWARE, Endpoint, identify
from robot.errors import LinkError, RobotError
from simulation.controller.protocol import Register

pytestmark = pytest.mark.alone

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def _arm():
    with TcpArm() as arm:
        yield arm


@pytest.fixture
def arm(_arm):
    """One server for all tests of this file, reset between them."""
    yield _arm
    _arm.faults.hang, _arm.faults.held_error, _arm.faults.gripper_silent = False, 0, False


@pytest.fixture
def link(arm):
    with XArm(Endpoint(arm.address, arm.port)) as link:
        yield link
        arm.faults.hang = False


def make_ready(link: XArm, mode: Mode = Mode.SERVO) -> None:
    link.clear_error()
    link.enable()
    link.set_mode(mode)
    link.set_ready()
    deadline = time.monotonic() + 5
    while link.read_status().mode != mode:  # the mode comes with the report, five times a second
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_it_reads_the_joints_and_the_status(arm, link):
    reading = link.read_joints()
    np.testing.assert_allclose(reading.position, arm.measured, atol=1e-6)
    assert reading.velocity.shape == reading.effort.shape == (7,)
    assert abs(reading.read - time.monotonic()) < 5
    status = link.read_status()
    assert (status.error, status.warning) == (0, 0)
    assert link.identity.axes == 7


def test_it_streams_joint_targets(arm, link):
    make_ready(link)
    goal = arm.measured + np.array([0.01, 0, 0, 0, 0, 0, 0.02])
    for share in np.linspace(0, 1, 20):
        link.servo_joints(arm.measured * (1 - share) + goal * share)
        time.sleep(0.01)
    time.sleep(0.05)
    np.testing.assert_allclose(arm.measured, goal, atol=1e-5)
    assert link.read_status().state in (State.MOVING, State.READY)


def test_a_velocity_ends_by_itself_after_a_tenth_of_a_second(arm, link):
    make_ready(link, Mode.CARTESIAN_VELOCITY)
    begin = xarm7.forward(arm.measured)
    link.cartesian_velocity(np.array([0, 0, 0.05, 0, 0, 0]), tool_frame=False, duration=0.1)
    time.sleep(0.6)
    moved = xarm7.forward(arm.measured)[:3, 3] - begin[:3, 3]
    assert 0.002 < moved[2] < 0.012
    with pytest.raises(ValueError, match="end by itself"):
        link.cartesian_velocity(np.zeros(6), tool_frame=False, duration=-1.0)


def test_the_gripper_moves_while_the_arm_does_and_the_call_does_not_wait(arm, link):
    make_ready(link)
    link.enable_gripper()
    before = arm.count(Register.GET_STATE)
    link.move_gripper(200)
    assert arm.count(Register.GET_STATE) - before < 3  # it did not poll for an end
    deadline = time.monotonic() + 5
    while abs(link.read_gripper() - 200) > 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_stop_stops_and_a_target_afterwards_is_refused(arm, link):
    make_ready(link)
    link.stop()
    assert link.read_status().state == State.STOPPED
    with pytest.raises(RobotError, match="not ready"):
        link.servo_joints(arm.measured)


def test_an_error_is_raised_with_its_meaning_and_cure(arm, link):
    make_ready(link)
    arm.faults.raise_error(31)
    time.sleep(0.05)
    with pytest.raises(RobotError, match=r"hit something.*\(controller error 31\)"):
        link.servo_joints(arm.measured)
    assert link.read_status().error == 31
    link.clear_error()
    assert link.read_status().error == 0


def test_an_error_whose_cause_remains_cannot_be_cleared(arm, link):
    arm.faults.held_error = 1
    time.sleep(0.05)
    with pytest.raises(RobotError, match="red emergency button"):
        link.clear_error()
    arm.faults.held_error = 0
    link.clear_error()


def test_a_missing_gripper_is_an_error_with_a_sentence(arm, link):
    make_ready(link)
    arm.faults.gripper_silent = True
    with pytest.raises(RobotError):
        link.enable_gripper()
    arm.faults.gripper_silent = False
    link.clear_error()


def test_a_controller_that_hangs_is_noticed(arm, link):
    arm.faults.hang = True
    begin = time.monotonic()
    for call in (link.read_joints, link.read_status, link.stop):
        with pytest.raises(LinkError):
            call()
    assert time.monotonic() - begin < 10
    arm.faults.hang = False
    np.testing.assert_allclose(link.read_joints().position, arm.measured, atol=1e-6)  # late replies are skipped


def test_a_controller_that_dies_is_noticed_and_comes_back_by_a_new_connection(arm):
    with XArm(Endpoint(arm.address, arm.port)) as link:
        arm.faults.drop_connections()
        deadline = time.monotonic() + 5
        while link.connected:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with pytest.raises(LinkError):
            link.read_joints()
    with XArm(Endpoint(arm.address, arm.port)) as again:
        assert again.read_joints().position.shape == (7,)


def wait_for_settings(link, told=lambda settings: True):
    deadline = time.monotonic() + 5
    while (settings := link.read_settings()) is None or not told(settings):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return settings


@pytest.mark.parametrize("firmware", ["v1.7.9", "v1.6.0", "v0.9.2"])
def test_a_firmware_with_which_velocities_never_expire_is_refused(arm, firmware):
    known, arm.controller.firmware = arm.controller.firmware, firmware
    try:
        with pytest.raises(RobotError, match=f"firmware {firmware[1:]}.*Update it in UFACTORY Studio to 1.8.0"):
            identify(Endpoint(arm.address, arm.port))
        arm.controller.firmware = "v1.8.0"
        assert identify(Endpoint(arm.address, arm.port)).firmware == OLDEST_FIRMWARE
    finally:
        arm.controller.firmware = known


def test_our_kinematics_are_the_controllers(link):
    with pytest.raises(RobotError, match="not told"):  # its answers include a tool point that is not known yet
        link.kinematics_error(xarm7.HOME[None])
    wait_for_settings(link)
    samples = np.random.default_rng(0).uniform(xarm7.LOWER, xarm7.UPPER, (20, 7)).clip(-2, 2)
    samples[:, 3] = np.abs(samples[:, 3])
    millimetres, degrees = link.kinematics_error(samples)
    assert millimetres < 0.01
    assert degrees < 0.01


def test_the_controllers_own_settings(arm, link):
    make_ready(link, Mode.POSITION)
    link.set_fence(np.array([-0.3, -0.7, 0.0]), np.array([0.8, 0.7, 1.2]))
    link.set_reduced_mode(True)
    pressed = arm.count(Register.SET_STATE, 0)
    wanted = {
        "payload": (0.9, 0.01, 0.0, 0.05),
        "tcp_offset": (0.0, 0.01, 0.16, 0.0, 0.2, 0.0),
        "world_offset": (0.1, 0.0, 0.0, 0.0, 0.0, 0.3),
        "gravity": (0.0, -1.0, 0.0),
        "collision_sensitivity": (4.0,),
    }
    for name, value in wanted.items():
        link.write_setting(name, value)
        assert link.read_status().state != State.READY or name == "payload"  # made ready again by an operator's press
    assert arm.count(Register.SET_STATE, 0) == pressed
    settings = wait_for_settings(link, lambda settings: settings.collision_sensitivity == 4)
    for name, value in wanted.items():
        np.testing.assert_allclose(np.atleast_1d(getattr(settings, name)), value, atol=1e-3)
    assert settings.reduced and settings.fence and len(settings.joint_ranges) == 7
    with pytest.raises(RobotError, match="UFACTORY Studio"):
        link.write_setting("fence", (0.0,))
    link.set_reduced_mode(False)


def test_side_effects_stay_inside(arm, capfd):
    before = socket.getdefaulttimeout()
    with XArm(Endpoint(arm.address, arm.port)) as link:
        assert socket.getdefaulttimeout() == before
        from xarm.core.config.x_config import XCONF

        assert XCONF.SocketConf.TCP_CONTROL_PORT == 502
        make_ready(link)
        arm.faults.raise_error(22)
        time.sleep(0.3)
        link.clear_error()
    assert capfd.readouterr() == ("", "")


def test_the_sdk_is_imported_late_quietly_and_without_a_home(arm, tmp_path):
    script = f"""
import sys
import robot.controller.driver, robot.service.client, robot.service.process
assert "xarm" not in sys.modules
from robot.controller.driver import XArm
from robot.controller.endpoint import Endpoint
with XArm(Endpoint("{arm.address}", {arm.port})) as link:
    assert link.read_joints().position.shape == (7,)
print("done")
"""
    environment = {**os.environ, "HOME": "/proc/nowhere", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "done\n"


# --- devices that are not an arm ---


@pytest.mark.parametrize("address", ["robot.local", "127.0.0.1:502", "", "::1", "/dev/ttyUSB0", "1.2.3", "COM3"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(RobotError, match="four numbers"):
        Endpoint(address)


def test_another_port_only_on_this_machine():
    assert Endpoint("localhost", 15020).address == "127.0.0.1"
    with pytest.raises(RobotError, match="port 502"):
        Endpoint("192.168.1.203", 15020)


def test_nobody_there(arm):
    with pytest.raises(LinkError, match="No arm's controller answers"):
        identify(Endpoint(arm.address, 15077))


def test_a_wrong_address_is_said_soon():
    """Check that a wrong address is reported quickly: 192.0.2.0/24 is reserved for documentation, without hosts."""
    with pytest.raises(LinkError, match="Check"):
        identify(Endpoint("192.0.2.55"), timeout=0.3)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00\x01\x00\x02\xff\xff\x01\x00" + b"x" * 100,
        b"\x00\x01\x00\x02\x00\x2a\x01\x00" + b"6,9,XS1305,AC1304,v2.5.0".ljust(40, b"\0"),
        b"\x00\x01\x00\x02\x00\x2a\x01\x00" + b"no version at all".ljust(40, b"\0"),
        b"\x00\x01\x00\x02\x00\x2a\x01",
    ],
    ids=["silent", "closes", "web server", "wrong length", "six joints", "no version", "cut off"],
)
def test_something_else_on_the_port(answer):
    with Listener(answer) as port, pytest.raises(RobotError) as caught:
        identify(Endpoint("127.0.0.1", port), timeout=0.4)
    assert str(caught.value).endswith(".")


class Listener:
    """Listener that gives everybody the same answer: None never answers at all."""

    def __init__(self, answer: bytes | None):
        self._answer = answer

    def __enter__(self) -> int:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self._socket.getsockname()[1]

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        self._socket.settimeout(5)
        connection, _ = self._socket.accept()
        with connection:
            if self._answer is None:
                self._ended.wait(10)
                return
            connection.settimeout(5)
            connection.recv(100)
            connection.sendall(self._answer)
