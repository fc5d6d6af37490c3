"""The arm shows the board through the SDK, the sockets and the cameras, and is resumable after an error."""

import time
import uuid
from dataclasses import replace

import numpy as np
import pytest
from patience import PATIENT

from benchmarks.calibration.scenes import case
from cameras.calibration.board import BENCH_TAG_IDS
from cameras.capture import Capture
from cameras.drivers.simulated import SimulatedCamera
from foundation.clocks import utc_now
from robot.control.recovery import RecoveryStep
from robot.service.client import RobotClient
from robot.state import ArmState
from simulation.client import LabProcess
from workflows.calibration.calibrate import CalibrationSession, CameraEntry, solve
from workflows.calibration.drive import drive, see_bench
from workflows.calibration.lab import calibration_scene
from workflows.calibration.poses import look_around, rough_cameras
from workflows.calibration.store import Stored
from workflows.calibration.stored_check import check
from workflows.cancellation import Cancellation, Cancelled
from workflows.unattended import heartbeat, make_ready

_PATIENCE = 60.0  # s, on a busy machine


@pytest.fixture
def lab():
    """A lab with one camera that shows images, and a session of that camera."""
    scene = calibration_scene(2, 1)
    slow = replace(scene, cameras=tuple(replace(spec, fps=6.0) for spec in scene.cameras))
    with LabProcess(slow) as process, Capture(SimulatedCamera(process.frames, "left"), deadlines=PATIENT) as capture:
        capture.next_frame(_PATIENCE)
        lens = capture.driver.intrinsics
        assert lens is not None
        session = CalibrationSession(cameras=(CameraEntry("lab:left", "left", lens),))
        yield process, {"lab:left": capture}, session


@pytest.fixture
def robot(lab):
    """The lab's arm, ready for motion."""
    process, _, _ = lab
    with RobotClient(process.address, process.port, deadlines=PATIENT) as robot, heartbeat(robot):
        make_ready(robot)
        yield robot


def _recover(robot: RobotClient) -> None:
    """Run the guided recovery, step by step, as its buttons offer it."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        status = robot.settled_status
        steps = () if status is None else tuple(step for step in status.steps if step is not RecoveryStep.REMOVE_CAUSE)
        if RecoveryStep.CLEAR_ERROR in steps:
            robot.recover(RecoveryStep.CLEAR_ERROR)
        elif status is not None and status.state is not ArmState.ERROR:
            break
        time.sleep(0.1)
    make_ready(robot)


@pytest.mark.timeout(300)
def test_after_an_arm_error_in_the_middle_the_run_goes_on_where_it_was(lab, robot):
    process, captures, session = lab
    status = robot.wait_for(ArmState.HOLDING, timeout=_PATIENCE)
    poses = look_around(status.position, robot.limits)[:3]
    session = drive(session, poses[:1], robot, captures, start=0, speed=1.0).session
    told = []

    def fail_on_the_way(progress):
        told.append(progress)
        if progress.what == "moving":
            process.controller_fault(raise_error=31)

    result = drive(session, poses, robot, captures, start=1, speed=1.0, progress=fail_on_the_way)
    assert not result.finished and result.next_pose == 1
    assert "go on with pose 2 of 3" in result.fault
    assert told[-1].session.observations == session.observations  # earlier observations are still there
    _recover(robot)
    finished = drive(result.session, poses, robot, captures, start=result.next_pose, speed=1.0)
    assert finished.finished, finished.fault
    done = finished.session
    assert len(session.observations) <= len(done.observations) <= 3 and done.observations
    rough = rough_cameras(done)["lab:left"]
    true = process.scene.cameras[0].camera
    assert np.linalg.norm(rough.base_from_camera[:3, 3] - true.base_from_camera[:3, 3]) < 0.05


@pytest.mark.timeout(300)
def test_a_cancelled_run_stops_the_arm(lab, robot):
    _, captures, session = lab
    status = robot.wait_for(ArmState.HOLDING, timeout=_PATIENCE)
    token = Cancellation()
    poses = look_around(status.position, robot.limits)
    with pytest.raises(Cancelled):
        drive(session, poses, robot, captures, token=token, progress=lambda _: token.cancel())
    robot.wait_for(ArmState.STOPPED, ArmState.NOT_READY, ArmState.NOT_ENABLED, ArmState.HOLDING, timeout=_PATIENCE)
    assert robot.settled_status is None or robot.settled_status.state is not ArmState.FOLLOWING


@pytest.mark.timeout(300)
def test_the_check_is_green_for_a_camera_that_stands_and_red_for_one_that_was_moved(lab):
    _, captures, session = lab
    seen = see_bench(session, captures, BENCH_TAG_IDS)
    assert seen.bench["lab:left"].corners
    known = case(2, poses=14, cameras=1)  # the same camera, calibrated
    stored = Stored(uuid.uuid4(), utc_now(), seen, solve(known.session))
    assert check(stored, captures)["lab:left"].light == "green"
    moved = {number: corners + 6.0 for number, corners in seen.bench["lab:left"].corners.items()}
    otherwise = replace(seen, bench={"lab:left": replace(seen.bench["lab:left"], corners=moved)})
    assert check(replace(stored, session=otherwise), captures)["lab:left"].light == "red"
    assert check(replace(stored, session=replace(seen, bench={})), captures)["lab:left"].light == "unknown"
