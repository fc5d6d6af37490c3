"""The lab's cameras over real shared memory, with the publisher in this process."""

import threading
import time
import uuid

import numpy as np
import pytest
from scripted_camera import picture, wait_until

from cameras.capture import Capture
from cameras.drivers.simulated import SimulatedCamera, list_simulated
from cameras.errors import CameraGone, StaleFrame, UnknownCamera
from cameras.health import State
from foundation.shared_frame_ring import FramePublisher, StreamInfo

pytestmark = pytest.mark.alone

K = np.array([[60.0, 0, 31.5], [0, 60, 23.5], [0, 0, 1]])


class Lab:
    """Publisher of noise at 30 Hz in a thread; `freeze`, `pause` and `close` are its faults."""

    def __init__(self, address: str):
        self.publisher = FramePublisher(address)
        details = {"fps": 30.0, "K": K.tolist(), "distortion": [0.1, -0.05, 0.0, 0.0, 0.0]}
        self.streams = [
            self.publisher.add(StreamInfo("overview", 64, 48, False, details)),
            self.publisher.add(StreamInfo("wrist", 64, 48, True, {})),
        ]
        self.frozen, self.paused, self._stop = set(), set(), threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        seed = 0
        while not self._stop.wait(1 / 30):
            seed += 1
            for stream in self.streams:
                name = stream.info.name
                if name not in self.paused:
                    depth = np.full((48, 64), seed % 1000, np.uint16) if stream.info.has_depth else None
                    stream.write(picture(0 if name in self.frozen else seed), time.monotonic(), depth)

    def close(self):
        self._stop.set()
        self._thread.join()
        self.publisher.close()


@pytest.fixture
def address():
    return f"rehearse-test-{uuid.uuid4()}"


@pytest.fixture
def lab(address):
    lab = Lab(address)
    yield lab
    lab.close()


def test_frames_carry_the_lab_s_numbers_and_times(lab, address):
    camera = SimulatedCamera(address, "wrist")
    camera.open()
    frames = [camera.read(5.0) for _ in range(5)]
    camera.close()
    assert camera.size == (64, 48)
    numbers = [frame.number for frame in frames]
    assert numbers == sorted(set(numbers))
    assert all(0 <= time.monotonic() - frame.captured < 60 for frame in frames)
    assert np.diff([frame.captured for frame in frames]).min() > 0
    assert frames[0].camera == "lab:wrist"
    assert frames[0].depth_mm.shape == (48, 64)
    assert camera.fps is None and camera.intrinsics is None


def test_the_lab_s_lens_is_the_factory_calibration(lab, address):
    camera = SimulatedCamera(address, "overview")
    camera.open()
    camera.close()
    assert camera.fps == 30.0
    assert np.array_equal(camera.intrinsics.K, K)
    assert np.array_equal(camera.intrinsics.distortion, [0.1, -0.05, 0, 0, 0])


def test_a_read_ends_with_its_time_when_nothing_comes(lab, address):
    lab.paused.add("overview")
    camera = SimulatedCamera(address, "overview")
    camera.open()
    camera.read(1.0)
    assert camera.read(0.05) is None
    camera.close()


def test_cameras_are_listed_and_an_unknown_one_is_told_from_them(lab, address):
    assert [camera.identity for camera in list_simulated(address)] == ["lab:overview", "lab:wrist"]
    with pytest.raises(UnknownCamera, match="no camera ceiling; connected are: overview, wrist"):
        SimulatedCamera(address, "ceiling").open()


def test_without_a_lab_there_is_a_sentence(address):
    assert list_simulated(address) == []
    with pytest.raises(CameraGone, match="lab does not run"):
        SimulatedCamera(address, "overview").open()


def test_one_camera_freezes_and_stalls_while_the_other_goes_on(lab, address):
    with Capture(SimulatedCamera(address, "overview")) as bad, Capture(SimulatedCamera(address, "wrist")) as good:
        wait_until(lambda: bad.state == good.state == State.LIVE)
        lab.frozen.add("overview")
        wait_until(lambda: bad.state == State.FROZEN)
        assert good.next_frame(5.0).camera == "lab:wrist"
        lab.frozen.clear()
        wait_until(lambda: bad.state == State.LIVE)
        lab.paused.add("overview")
        wait_until(lambda: bad.state == State.STALLED)
        with pytest.raises(StaleFrame):
            bad.latest()
        assert good.next_frame(5.0).camera == "lab:wrist"
        lab.paused.clear()
        wait_until(lambda: bad.state == State.LIVE)
        assert bad.figures.failures == 0


def test_one_camera_of_the_lab_is_unplugged_and_plugged_in_again(lab, address):
    with Capture(SimulatedCamera(address, "overview")) as bad, Capture(SimulatedCamera(address, "wrist")) as good:
        wait_until(lambda: bad.state == good.state == State.LIVE)
        lab.streams = [stream for stream in lab.streams if stream.info.name == "wrist"]
        time.sleep(0.1)  # the lab's thread may still be writing to it
        lab.publisher.remove("overview")
        wait_until(lambda: bad.state == State.GONE)
        wait_until(lambda: "connected are: wrist" in bad.figures.last_error)
        assert good.next_frame(5.0).camera == "lab:wrist"
        lab.streams = [*lab.streams, lab.publisher.add(StreamInfo("overview", 64, 48, False, {}))]
        wait_until(lambda: bad.state == State.LIVE)
        assert good.figures.failures == 0


def test_a_lab_that_is_started_again_is_found_again(address):
    lab = Lab(address)
    with Capture(SimulatedCamera(address, "overview")) as capture:
        wait_until(lambda: capture.state == State.LIVE)
        lab.close()
        wait_until(lambda: capture.state == State.GONE)
        assert "lab" in capture.figures.last_error
        lab = Lab(address)
        wait_until(lambda: capture.state == State.LIVE)
        lab.close()
