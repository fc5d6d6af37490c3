"""RTSP camera against a server that sends each frame with a different delay."""

import numpy as np
import pytest
from mjpeg_server import HEIGHT, WIDTH, read_number
from rtsp_server import RtspCamera
from scripted_camera import wait_until

from cameras.capture import Capture
from cameras.drivers.network import NetworkCamera
from cameras.health import State

pytestmark = pytest.mark.alone


@pytest.fixture
def served():
    camera = RtspCamera(jitter=0.03)
    yield camera
    camera.switch_off()


def test_capture_times_are_the_camera_s_and_free_of_the_network_s_jitter(served):
    camera = NetworkCamera(served.url)
    camera.open()
    frames = [camera.read(2.0) for _ in range(40)]
    camera.close()
    assert camera.size == (WIDTH, HEIGHT)
    numbers = [read_number(frame.rgb) for frame in frames]
    assert numbers == list(range(numbers[0], numbers[0] + 40))
    late = np.array([frame.captured - served.taken[n] for frame, n in zip(frames, numbers, strict=True)])
    assert late.min() > -0.001
    # Late by the shortest delay so far: it only falls (the protocol counts in 1/90000 s).
    assert np.diff(late).max() < 0.0005


def test_pictures_read_ahead_while_opening_are_not_taken_for_new(served):
    """Check the frames that FFmpeg reads while probing most of a second of the stream, and would return at once."""
    camera = NetworkCamera(served.url)
    camera.open()
    already_taken = max(served.taken)
    first = read_number(camera.read(2.0).rgb)
    camera.close()
    assert already_taken >= 10
    assert first >= already_taken - 2


def test_an_rtsp_camera_is_live_and_gone_like_any_other(served):
    with Capture(NetworkCamera(served.url)) as capture:
        wait_until(lambda: capture.state == State.LIVE)
        assert capture.next_frame(5.0).camera == served.url
        served.switch_off()
        wait_until(lambda: capture.state == State.GONE)
        assert capture.figures.dropped == 0
