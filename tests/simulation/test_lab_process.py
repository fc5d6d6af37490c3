"""The lab in its own process: wire and camera interfaces, its faults, and what remains when a process dies."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from foundation.errors import ProcessError
from foundation.shared_frame_ring import FrameReader, StreamGone, list_streams
from simulation.bench.randomise import random_scene
from simulation.client import LabProcess
from simulation.controller.server import free_loopback_address
from simulation.errors import SimulationError

ROOT = Path(__file__).parent.parent.parent


def small_scene(seed: int = 3):
    return random_scene(seed, "pick up", size=(160, 120))


@pytest.fixture
def lab():
    with LabProcess(small_scene(), address=free_loopback_address()) as lab:
        yield lab


def test_cameras_deliver_noisy_pictures_with_true_times(lab):
    assert [info.name for info in list_streams(lab.frames)] == [spec.name for spec in lab.scene.cameras]
    with FrameReader(lab.frames, "left") as reader:
        first = reader.wait(after=0, timeout=10)
        second = reader.wait(after=first.number, timeout=10)
    assert first.rgb.shape == (120, 160, 3) and first.rgb.std() > 10
    assert not np.array_equal(first.rgb, second.rgb)  # a still scene is not a frozen camera
    assert first.captured < second.captured < time.monotonic()
    assert reader.info.details["calibration"] == "simulated truth"


def test_a_frozen_camera_repeats_its_picture_and_a_vanished_one_comes_back(lab):
    with FrameReader(lab.frames, "left") as reader:
        lab.camera_fault("left", frozen=True)
        number = reader.wait(after=0, timeout=10).number
        number = reader.wait(after=number + 2, timeout=10).number
        before = reader.wait(after=number, timeout=10)
        after = reader.wait(after=before.number, timeout=10)
        assert np.array_equal(before.rgb, after.rgb) and after.number > before.number
        lab.camera_fault("left", vanished=True)
        with pytest.raises(StreamGone):
            for _ in range(100):
                after = reader.wait(after=after.number, timeout=10)
    lab.camera_fault("left", vanished=False, frozen=False)
    deadline = time.monotonic() + 10
    while "left" not in [info.name for info in list_streams(lab.frames)]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_cameras_promise_no_more_pictures_than_this_machine_draws():
    scene = small_scene()
    wished = replace(scene, cameras=tuple(replace(spec, fps=100_000.0) for spec in scene.cameras))
    with LabProcess(wished, address=free_loopback_address()) as lab, FrameReader(lab.frames, "left") as reader:
        assert 1 <= reader.info.details["fps"] < 10_000
    with LabProcess(scene, address=free_loopback_address()) as lab, FrameReader(lab.frames, "left") as reader:
        assert reader.info.details["fps"] <= scene.cameras[0].fps


def test_truth_and_judge_and_hand(lab):
    truth = lab.truth()
    assert set(lab.scene.names) <= set(truth.poses)
    thing = lab.scene.objects[0].name
    lab.begin()
    verdict = lab.judge(f"pick up the {thing}")
    assert not verdict.success and thing in verdict.reason
    with pytest.raises(SimulationError, match="understands"):
        lab.judge("make coffee")


def test_unknown_requests_and_faults_get_a_sentence(lab):
    with pytest.raises(SimulationError, match="no camera back"):
        lab.camera_fault("back", frozen=True)
    with pytest.raises(SimulationError, match="no fault broken"):
        lab.camera_fault("left", broken=True)
    with pytest.raises(SimulationError, match="no fault explode"):
        lab.controller_fault(explode=True)
    with pytest.raises(SimulationError, match="no fault _error"):
        lab.controller_fault(_error=3)


def test_a_taken_port_is_said_and_another_address_is_found_when_none_was_asked_for(lab):
    with pytest.raises(ProcessError, match="cannot use the ports"):
        LabProcess(small_scene(), address=lab.address, port=lab.port)
    with LabProcess(small_scene()) as second, LabProcess(small_scene()) as third:
        assert second.address != third.address


def test_it_listens_on_this_machine_only(lab):
    """Check promise 21."""
    listening = [c for c in psutil.Process(lab.pid).net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert len(listening) == 6
    assert all(c.laddr.ip.startswith("127.") for c in listening)


def test_kill_9_of_the_lab_leaves_nothing_and_is_seen(lab):
    reader = FrameReader(lab.frames, "left")
    address = lab.address
    os.kill(lab.pid, signal.SIGKILL)
    with pytest.raises(StreamGone):
        while True:
            reader.wait(after=reader.wait(after=0, timeout=10).number, timeout=10)
    reader.close()
    with pytest.raises(ProcessError):
        lab.truth()
    psutil.wait_procs([psutil.Process(lab.pid)] if psutil.pid_exists(lab.pid) else [], timeout=10)
    assert not lab.running
    with LabProcess(small_scene(), address=address):  # its ports and names are free again
        pass


def test_kill_9_of_the_parent_ends_the_lab():
    script = (
        "from simulation.client import LabProcess; from simulation.bench.randomise import random_scene; import time\n"
        "lab = LabProcess(random_scene(3, size=(64, 48))); print(lab.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    lab = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    lab.wait(timeout=10)


def test_another_bench_stands_before_the_same_arm_and_cameras(lab):
    before, cameras = lab.truth(), lab.scene.cameras
    other = small_scene(seed=11)
    with FrameReader(lab.frames, "left") as reader:
        old = reader.wait(after=0, timeout=10)
        lab.set_scene(other)
        truth = lab.truth()
        new = reader.wait(after=old.number, timeout=10)
        while np.abs(new.rgb.astype(int) - old.rgb).mean() < 3.0:  # of the old bench, and still in transit
            new = reader.wait(after=new.number, timeout=10)
    for thing in other.objects:
        np.testing.assert_allclose(truth.poses[thing.name][:2, 3], thing.position, atol=0.01)
    np.testing.assert_allclose(truth.base_from_tool, before.base_from_tool, atol=1e-3)
    assert truth.time >= before.time  # the lab's own time goes on
    assert lab.scene.cameras == cameras and [info.name for info in list_streams(lab.frames)] == ["left", "right"]
    name = other.objects[0].name
    assert name in lab.judge(f"reach the {name}").reason
