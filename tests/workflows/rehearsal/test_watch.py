"""Promise 6: a camera that no longer shows the truth pauses the motion; the others go on."""

import contextlib
import time

import pytest

from benchmarks.motion.lab import go, there_and_back
from cameras.capture import Capture
from cameras.drivers.simulated import SimulatedCamera
from robot.service.client import RobotClient
from robot.state import ArmState
from simulation.bench.randomise import random_scene
from simulation.client import LabProcess
from simulation.controller.server_ports import free_loopback_address
from workflows.camera_watchdog import CameraWatchdog
from workflows.unattended import heartbeat, make_ready

pytestmark = pytest.mark.alone


@pytest.mark.parametrize("fault", [{"frozen": True}, {"vanished": True}, {"slow": 8.0}], ids=lambda f: next(iter(f)))
def test_a_camera_fault_pauses_the_motion(fault):
    with contextlib.ExitStack() as stack:
        scene = random_scene(3, "pick up", size=(160, 120))
        lab = stack.enter_context(LabProcess(scene, address=free_loopback_address()))
        robot = stack.enter_context(RobotClient(lab.address, lab.port))
        stack.enter_context(heartbeat(robot))
        captures = {name: stack.enter_context(Capture(SimulatedCamera(lab.frames, name))) for name in ("left", "right")}
        watch = stack.enter_context(CameraWatchdog(robot, captures))
        for capture in captures.values():
            capture.next_frame(10.0)
        make_ready(robot)
        go(robot, there_and_back(robot, 0.2), 0.3)
        time.sleep(1.0)
        assert robot.status is not None and robot.status.state is ArmState.FOLLOWING, watch.reason
        lab.camera_fault("left", **fault)
        robot.wait_for(ArmState.PAUSED, timeout=5.0)
        assert "left" in watch.reason
        captures["right"].next_frame(5.0)
        lab.camera_fault("left", frozen=False, vanished=False, slow=1.0)
