"""The robot process and its client against the simulated controller on sockets: promises 9, 10, 11, 13, 20, 21."""

import os
import queue
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import psutil
import pytest
from tcp_arm import TcpArm, wait_until

from foundation import processes, xarm7
from foundation.log import log_folder
from robot.control.recovery import RecoveryStep
from robot.errors import LinkError, RobotError
from robot.limiter import LimiterSettings
from robot.planning.plan import Plan
from robot.planning.waypoints import Waypoint, joint_path
from robot.service.client import RobotClient
from robot.state import ArmState
from simulation.controller.protocol import Register
from workflows.unattended import heartbeat

pytestmark = pytest.mark.alone

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def _arm():
    with TcpArm() as arm:
        yield arm


@pytest.fixture
def arm(_arm):
    """One server for all tests of this file; each begins with a fresh, idle arm."""
    yield _arm
    _arm.faults.hang = _arm.faults.dead = False
    _arm.faults.held_error = 0
    _arm.faults.gripper_silent = False
    _arm.faults.joint_offset = None
    with _arm.server.lock:
        _arm.controller.power_cycle()
        _arm.controller.log.clear()


def ready(client: RobotClient) -> RobotClient:
    client.wait_for(ArmState.NOT_ENABLED)
    client.enable()
    client.arm_for_motion()
    client.wait_for(ArmState.HOLDING)
    return client


def sideways(arm: TcpArm, limits: LimiterSettings = LimiterSettings()):
    """Return a motion of about four seconds, to whichever side there is room."""
    goal = xarm7.forward(arm.measured)
    goal[1, 3] += -0.4 if goal[1, 3] > 0 else 0.4
    return joint_path([Waypoint(goal, 1.0)], arm.measured, settings=limits)


def follow(client: RobotClient, motion) -> None:
    with heartbeat(client):  # the machine may be busy
        client.execute(client.stage(Plan.of_motion(motion).to_bytes()).nonce)


def moving(arm: TcpArm) -> bool:
    return bool(np.abs(arm.plant.measure().velocity).max() > 1e-3)


def begin_moving(client: RobotClient, arm: TcpArm) -> None:
    with heartbeat(client):
        follow(client, sideways(arm))
    deadline = time.monotonic() + 5
    while not (moving(arm) and len(arm.targets()) > 30):
        client.heartbeat()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_from_connecting_to_a_motion_and_back(arm):
    with RobotClient(arm.address, arm.port) as client:
        assert client.model == "XS1305"
        status = client.wait_for(ArmState.NOT_ENABLED)
        assert status.steps == (RecoveryStep.ENABLE, RecoveryStep.MAKE_READY)
        with pytest.raises(RobotError, match="Enable the motors"):
            client.arm_for_motion()
        ready(client)
        with heartbeat(client):
            plan = sideways(arm)
            follow(client, plan)
        status = client.wait_for(ArmState.HOLDING, timeout=30)
        np.testing.assert_allclose(arm.measured, plan.position[-1], atol=1e-5)
        assert status.progress == 1.0
        assert status.gaps.count > 100
        samples = client.take_samples()
        assert len(samples) > 100
        assert (np.diff([sample.read for sample in samples]) > 0).all()
        np.testing.assert_allclose(samples[-1].position, plan.position[-1], atol=1e-4)
        client.move_gripper(0.3)
        deadline = time.monotonic() + 10
        while abs((client.wait_for(ArmState.HOLDING).openness or 0.0) - 0.3) > 0.02:
            assert time.monotonic() < deadline
        pid = client.pid
    assert not psutil.pid_exists(pid)


def test_the_log_tells_of_presses_changes_and_stops_with_both_clocks(arm):
    with RobotClient(arm.address, arm.port) as client:
        ready(client)
        pid = client.pid
        begin_moving(client, arm)
        before = time.monotonic()
        taken = client.stop_taken(client.stop(), timeout=5)
        with heartbeat(client):
            client.wait_for(ArmState.STOPPED)
    text = (log_folder() / "rehearse.log").read_text()
    lines = [line.split(" ", 3) for line in text.splitlines() if f" robot[{pid}] " in line]
    words = [line[3] for line in lines]
    for expected in (
        "robot.service.process: connected to XS1305 at",
        "robot.service.process: press enable: done",
        "robot.service.process: press execute nonce=",
        "robot.control.change_log: arm: holding -> following (mode 1,",
        "robot.service.stop_line: Stop, press 1: taken by the controller after",
        "robot.control.change_log: arm: following -> ",
        " -> stopped (mode 1, state 4,",
        "robot.service.process: the window has gone",
        "foundation.log: ends",
    ):
        assert any(expected in each for each in words), expected + " in\n" + "\n".join(words)
    stopped = next(line for line in lines if "Stop, press 1" in line[3])
    assert before <= float(stopped[1]) and abs(float(stopped[1]) - taken) < 1.0
    assert abs(datetime.fromisoformat(stopped[0]).timestamp() - time.time()) < 60.0
    assert not any("heartbeat" in each or "jog" in each for each in words)


def test_an_arm_without_a_gripper_is_never_asked_for_one(arm):
    arm.faults.gripper_silent = True
    with RobotClient(arm.address, arm.port, gripper=False) as client:
        ready(client)
        follow(client, sideways(arm))
        with heartbeat(client):
            status = client.wait_for(ArmState.HOLDING, timeout=30)
        assert (status.error, status.fault, status.gripper_fault, status.openness) == (0, "", "", None)


def test_stop_is_on_the_wire_before_anything_else(arm):
    """Check promise 11 on a sample of presses: each is taken, no target follows, and motion needs a fresh press."""
    with RobotClient(arm.address, arm.port) as client:
        ready(client)
        for _ in range(3):
            begin_moving(client, arm)
            press = client.stop()
            assert client.stop_taken(press, timeout=5) > 0
            wait_until(lambda: not moving(arm))
            targets = len(arm.targets())
            status = client.wait_for(ArmState.STOPPED)
            assert status.steps == (RecoveryStep.MAKE_READY,)
            with pytest.raises(RobotError):
                client.resume()
            time.sleep(0.2)
            assert len(arm.targets()) == targets
            client.recover(RecoveryStep.MAKE_READY)
            client.wait_for(ArmState.HOLDING)
        presses = [client.stop() for _ in range(200)]
        assert client.stop_taken(presses[-1], timeout=5) > 0


def test_a_default_timeout_that_a_library_has_set_does_not_deafen_the_client(arm):
    """Check the answers to Stop despite the default timeout that the maker's SDK sets for new sockets of a process."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(0.2)
    try:
        client = RobotClient(arm.address, arm.port)
    finally:
        socket.setdefaulttimeout(before)
    with client:
        time.sleep(0.6)
        assert client.stop_taken(client.stop(), timeout=5) > 0


def test_a_command_given_before_a_stop_is_not_done_after_it(arm):
    with RobotClient(arm.address, arm.port) as client:
        ready(client)
        before = arm.count(Register.SET_STATE, 0)
        stale = {"do": "arm_for_motion", "id": 10_000, "stops": 0}
        client.stop_taken(client.stop(), timeout=5)
        client.channel.send(stale)
        client.wait_for(ArmState.STOPPED)
        time.sleep(0.3)
        assert arm.count(Register.SET_STATE, 0) == before


def test_a_silent_window_stops_the_arm(arm):
    with RobotClient(arm.address, arm.port) as client:
        ready(client)
        begin_moving(client, arm)
        wait_until(lambda: client.status is not None and client.status.state is ArmState.STOPPED)
        assert client.status is not None
        assert "silent" in client.status.fault
        assert arm.stops()
        assert not moving(arm)


_WINDOW = """
import sys, time
import numpy as np
sys.path[:0] = [{root!r}, {tests!r}]
from robot.service.client import RobotClient
from robot.state import ArmState
from test_robot_process import heartbeat, ready
from robot.planning.plan import Plan
from robot.planning.waypoints import Waypoint, joint_path
from foundation import processes, xarm7
client = ready(RobotClient({address!r}, {port}))
with heartbeat(client):
    position = client.status.position
    goal = xarm7.forward(position)
    goal[1, 3] += -0.4 if goal[1, 3] > 0 else 0.4
    plan = Plan.of_motion(joint_path([Waypoint(goal, 1.0)], position))
    client.execute(client.stage(plan.to_bytes()).nonce)
print(client.pid, flush=True)
while True:
    client.heartbeat()
    time.sleep(0.03)
"""


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL], ids=["frozen", "killed"])
def test_a_window_that_freezes_or_dies_stops_the_arm(arm, how):
    """Check promise 10, with a real process for the window."""
    script = _WINDOW.format(root=str(ROOT), tests=str(Path(__file__).parent), address=arm.address, port=arm.port)
    window = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        assert window.stdout is not None
        robot = psutil.Process(int(window.stdout.readline()))
        wait_until(lambda: moving(arm) and len(arm.targets()) > 30)
        os.kill(window.pid, how)
        wait_until(lambda: bool(arm.stops()))
        wait_until(lambda: not moving(arm))
        targets = arm.targets()
        assert len(targets) < 350  # it did not go to its end
        assert arm.stops()[0].time >= targets[-1].time - 0.1
        if how is signal.SIGKILL:
            wait_until(lambda: not robot.is_running() or robot.status() == psutil.STATUS_ZOMBIE)
        else:
            os.kill(window.pid, signal.SIGCONT)
            time.sleep(0.5)
            assert len(arm.targets()) == len(targets)  # a window that resumes starts nothing
    finally:
        window.kill()
        window.wait()
        assert window.stdout is not None
        window.stdout.close()
    wait_until(lambda: not robot.is_running() or robot.status() == psutil.STATUS_ZOMBIE)


def test_killing_the_robot_process_ends_the_targets_and_is_said(arm):
    """Check promise 9: nothing is ahead of the arm, so it stands; the window learns that the process is gone."""
    with RobotClient(arm.address, arm.port) as client:
        ready(client)
        begin_moving(client, arm)
        killed = time.monotonic()
        os.kill(client.pid, signal.SIGKILL)
        wait_until(lambda: bool(client.lost))
        wait_until(lambda: not moving(arm))
        assert all(target.time < killed + 0.5 for target in arm.targets())
        for call in (client.heartbeat, client.stop, client.enable, lambda: client.status):
            with pytest.raises(LinkError):
                call()


def test_a_failing_robot_process_stops_the_arm_first(arm, monkeypatch):
    """Check promise 20: a bug in the robot process, here in its fiftieth target."""
    monkeypatch.setattr(processes, "_MAIN", Path(__file__).with_name("failing_robot.py"))
    with RobotClient(arm.address, arm.port) as client:
        ready(client)
        with heartbeat(client):
            follow(client, sideways(arm))
            wait_until(lambda: bool(arm.stops()))
            wait_until(lambda: not moving(arm))
            wait_until(lambda: bool(client.lost))
        assert "ZeroDivisionError" in client.lost


@pytest.mark.parametrize("frozen_s", [0.25, 0.6, 1.5])
def test_a_robot_process_that_was_held_up_does_not_go_on(arm, frozen_s):
    """Freeze the robot process while the window sends heartbeats; queued ones do not count, and no target follows."""
    with RobotClient(arm.address, arm.port) as client:
        ready(client)
        with heartbeat(client):
            follow(client, sideways(arm))
            wait_until(lambda: len(arm.targets()) > 60)
            os.kill(client.pid, signal.SIGSTOP)
            time.sleep(frozen_s)
            before, rested = len(arm.targets()), arm.measured
            os.kill(client.pid, signal.SIGCONT)
            client.wait_for(ArmState.STOPPED, ArmState.NOT_ENABLED, ArmState.DISCONNECTED)
            time.sleep(0.5)
            assert len(arm.targets()) <= before + 1  # one may have been in transit
            assert np.abs(arm.measured - rested).max() < 0.02
            assert arm.stops()
        status = client.status
        assert status is not None and status.staged == ""


def test_a_press_that_queued_while_the_robot_process_was_held_up_is_refused(arm):
    with RobotClient(arm.address, arm.port) as client:
        ready(client)
        with heartbeat(client):
            nonce = client.stage(Plan.of_motion(sideways(arm)).to_bytes()).nonce
            wait_until(lambda: client.settled_status is not None)
            os.kill(client.pid, signal.SIGSTOP)
            refused = queue.SimpleQueue()

            def press():
                try:
                    client.execute(nonce)
                except RobotError as error:
                    refused.put(str(error))

            pressing = threading.Thread(target=press)
            pressing.start()
            time.sleep(0.6)
            os.kill(client.pid, signal.SIGCONT)
            pressing.join()
            assert "held this program up" in refused.get(timeout=1.0)
            time.sleep(0.3)
        assert not arm.targets()


def test_what_is_no_command_is_answered_and_counted_and_the_arm_goes_on(arm):
    """Check that every message is validated before the loop sees anything of it."""
    with RobotClient(arm.address, arm.port) as client:
        ready(client)
        with heartbeat(client):
            follow(client, sideways(arm))
            channel = client.channel
            for message in WRONG:
                channel.send({"id": -1, "stops": 0, "given": time.monotonic(), **message})
            body = struct.pack(">I", 3) + b"\xc1\xff\x00"  # a complete message with invalid content
            with channel._send_lock:
                channel._socket.sendall(body)
            wait_until(lambda: client.status is not None and client.status.wrong_messages == len(WRONG) + 1)
            status = client.wait_for(ArmState.HOLDING, timeout=30.0)
            assert status.fault == "" and status.progress == 1.0


NESTED: list = []
for _ in range(400):
    NESTED = [NESTED]

WRONG = (
    {"do": "allow", "allowance": 7},
    {"do": "allow", "allowance": {"instruction": "x", "parts": "many", "low": [0], "high": None}},
    {"do": "allow", "allowance": {"instruction": "x", "parts": 2, "low": [0, 0, 0], "high": [1, 1, 1], "further": 1}},
    {"do": "allow", "allowance": {"instruction": "x", "parts": 1 << 62, "low": [0, 0, 0], "high": [1, 1, 1]}},
    {"do": "stage", "plan": [1, 2, 3]},
    {"do": "execute", "nonce": "0", "speed": "fast"},
    {"do": "execute", "nonce": "0", "speed": float("nan")},
    {"do": "execute", "nonce": 12, "speed": 1.0},
    {"do": "jog", "twist": np.zeros((2, 3)), "tool_frame": False},
    {"do": "jog", "twist": np.full(6, np.inf), "tool_frame": False},
    {"do": "jog", "twist": "up", "tool_frame": False},
    {"do": "jog_to", "target": np.ones((4, 4)), "speed": 0.1, "turn": 0.1},
    {"do": "gripper", "openness": None},
    {"do": "recover", "step": {}},
    {"do": "recover", "step": "Reboot"},
    {"do": "write_setting", "name": ["tcp_offset"]},
    {"do": "restore_setting", "name": 7},
    {"do": ["pause"]},
    {"do": None},
    {"do": np.array([1.0, 2.0])},
    {"do": np.array([], "<f8")},
    {"do": NESTED},
    {"do": "hold", "press": NESTED},
    {"do": "gripper", "openness": NESTED},
    {"do": "pause", "stops": "not a number"},
    {"do": "pause", "given": "now"},
    {"do": "hold", "press": -1},
    {"do": "hold", "press": "x"},
    {"do": "heartbeat", "given": "now"},
    {"do": "__class__"},
    {},
)


def test_a_press_that_was_not_answered_moves_nothing_later(arm):
    """Freeze the robot process: the press was reported as failed, and the user has gone on to something else."""
    with RobotClient(arm.address, arm.port) as client:
        ready(client)
        with heartbeat(client):
            nonce = client.stage(Plan.of_motion(sideways(arm)).to_bytes()).nonce
            os.kill(client.pid, signal.SIGSTOP)
        try:
            with pytest.raises(LinkError, match="did not answer"):
                client.execute(nonce)
        finally:
            os.kill(client.pid, signal.SIGCONT)
        with heartbeat(client):
            # On a busy machine the controller's answers came too late meanwhile: then the connection is made anew.
            client.wait_for(ArmState.STOPPED, ArmState.NOT_ENABLED, ArmState.DISCONNECTED)
            time.sleep(0.3)
        assert not arm.targets()


def test_commands_that_make_no_sense_are_answered(arm):
    with RobotClient(arm.address, arm.port) as client:
        client.wait_for(ArmState.NOT_ENABLED)
        with pytest.raises(RobotError, match="no such command"):
            client._command("set_ready")
        with pytest.raises(RobotError, match="no such command"):
            client._command("follow", trajectory=sideways(arm).to_dict(), speed=1.0)
        with pytest.raises(RobotError, match="cannot be understood"):
            client._command("stage", plan="text")
        with pytest.raises(RobotError, match="cannot be understood"):
            client._command("recover", step="Hope")
        client.wait_for(ArmState.NOT_ENABLED)


def test_an_error_during_a_motion_and_the_guided_recovery(arm):
    with RobotClient(arm.address, arm.port) as client:
        ready(client)
        begin_moving(client, arm)
        arm.faults.raise_error(31)
        status = client.wait_for(ArmState.ERROR)
        assert status.error == 31
        assert "hit something" in status.fault
        assert not moving(arm)
        for step in status.steps[1:]:
            client.recover(step)
        client.wait_for(ArmState.HOLDING)
        with heartbeat(client):
            follow(client, sideways(arm))
        client.wait_for(ArmState.FOLLOWING)
        client.stop()


def test_a_controller_that_hangs_is_said_and_stop_says_so_too(arm):
    with RobotClient(arm.address, arm.port) as client:
        ready(client)
        arm.faults.hang = True
        client.wait_for(ArmState.DISCONNECTED)
        with pytest.raises(LinkError, match="red emergency button"):
            client.stop_taken(client.stop(), timeout=5)
        wait_until(lambda: client.status is not None and "red emergency button" in client.status.stop_fault)
        arm.faults.hang = False
        client.wait_for(ArmState.NOT_ENABLED)
        wait_until(lambda: client.status is not None and not client.status.stop_fault)


def test_a_controller_that_dies_is_said_and_can_be_connected_again(arm):
    with RobotClient(arm.address, arm.port) as client:
        ready(client)
        begin_moving(client, arm)
        arm.faults.dead = True
        client.wait_for(ArmState.DISCONNECTED)
    with pytest.raises(LinkError):
        RobotClient(arm.address, arm.port)
    arm.faults.dead = False
    with RobotClient(arm.address, arm.port) as again:
        again.wait_for(ArmState.NOT_ENABLED)


def test_staging_and_its_nonce_through_the_process(arm):
    with RobotClient(arm.address, arm.port) as client, heartbeat(ready(client)):
        plan = Plan.of_motion(sideways(arm))
        first = client.stage(plan.to_bytes())
        staged = client.stage(plan.to_bytes())
        assert staged.digest == plan.digest and staged.nonce != first.nonce
        with pytest.raises(RobotError, match="another plan"):
            client.execute(first.nonce)
        wait_until(lambda: client.status is not None and client.status.staged == plan.digest)
        client.revoke("The scene has changed.")
        with pytest.raises(RobotError, match="The scene has changed"):
            client.execute(staged.nonce)
        nonce = client.stage(plan.to_bytes()).nonce
        client.stop_taken(client.stop(), timeout=5)
        with pytest.raises(RobotError):
            client.execute(nonce)
        client.wait_for(ArmState.STOPPED)
        client.arm_for_motion()
        client.wait_for(ArmState.HOLDING)
        with pytest.raises(RobotError, match="No approved plan"):
            client.execute(nonce)
        assert not arm.targets()


def test_home_is_one_press(arm):
    with RobotClient(arm.address, arm.port) as client, heartbeat(ready(client)):
        follow(client, sideways(arm))
        client.wait_for(ArmState.HOLDING, timeout=30)
        client.home(speed=1.0)
        client.wait_for(ArmState.FOLLOWING)
        client.wait_for(ArmState.HOLDING, timeout=30)
        np.testing.assert_allclose(arm.measured, xarm7.HOME, atol=1e-4)


def test_jogging_through_the_process(arm):
    with RobotClient(arm.address, arm.port) as client:
        ready(client)
        begin = xarm7.forward(arm.measured)[2, 3]
        up = np.array([0, 0, 0.1, 0, 0, 0])
        deadline = time.monotonic() + 10
        while xarm7.forward(arm.measured)[2, 3] - begin < 0.03:
            client.jog(up)
            client.heartbeat()
            assert time.monotonic() < deadline
            time.sleep(0.03)
        client.wait_for(ArmState.HOLDING)  # released
        assert not moving(arm)
        with heartbeat(client):
            follow(client, sideways(arm))  # a holding arm can be asked to go on
            client.wait_for(ArmState.FOLLOWING)
            client.stop_taken(client.stop(), timeout=5)
            client.wait_for(ArmState.STOPPED)
            client.arm_for_motion()
            client.wait_for(ArmState.HOLDING)
            while client.status is None or client.status.state is not ArmState.JOGGING:
                client.jog(up)
                assert time.monotonic() < deadline + 60
                time.sleep(0.03)
            client.wait_for(ArmState.HOLDING)
            client.home(speed=1.0)
            client.wait_for(ArmState.FOLLOWING)


def test_the_robot_process_listens_nowhere(arm):
    """Check promise 21: it connects to the arm, and does not accept any connection."""
    with RobotClient(arm.address, arm.port) as client:
        connections = psutil.Process(client.pid).net_connections(kind="inet")
        assert connections
        assert all(connection.status != psutil.CONN_LISTEN for connection in connections)
        assert {connection.raddr.ip for connection in connections if connection.raddr} == {arm.address}


def test_other_limits_reach_the_loop(arm):
    limits = {"tcp_speed": 0.05, "workspace": {"low": [-0.3, -0.7, 0.1], "high": [0.8, 0.7, 1.2]}}
    with RobotClient(arm.address, arm.port, limits=limits) as client:
        ready(client)
        with heartbeat(client):
            with pytest.raises(RobotError, match="mm/s"):
                follow(client, sideways(arm))  # planned for softer limits
            follow(client, sideways(arm, client.limits))
        client.wait_for(ArmState.FOLLOWING)
        with heartbeat(client):
            time.sleep(1.0)
        client.stop()
        targets = np.array([target.floats(7) for target in arm.targets()])
        tool = xarm7.forward(targets)[:, :3, 3]
        assert np.linalg.norm(np.diff(tool, axis=0), axis=1).max() < 0.05 * 0.01 * 1.01


@pytest.mark.parametrize("limits", [{"tcp_speed": -1.0}, {"warp": 9}, {"workspace": {"low": [0, 0, 0]}}])
def test_limits_that_are_none_are_refused(arm, limits):
    with pytest.raises(RobotError, match="limits"):
        RobotClient(arm.address, arm.port, limits=limits)


def test_no_arm_is_said_and_leaves_nothing(arm):
    with pytest.raises(RobotError, match="No arm's controller"):
        RobotClient(arm.address, 15077)
    with pytest.raises(RobotError, match="four numbers"):
        RobotClient("robot.local")
