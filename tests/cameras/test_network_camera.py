"""Network camera against a real HTTP server that sends real JPEGs, with the faults of bad cameras."""

import time

import numpy as np
import pytest
from mjpeg_server import HEIGHT, WIDTH, MjpegCamera, numbered_picture, read_number
from scripted_camera import wait_until

from cameras.capture import Capture
from cameras.drivers.network import NetworkCamera
from cameras.errors import CameraError, CameraGone, StaleFrame
from cameras.health import State

pytestmark = pytest.mark.alone


@pytest.fixture
def served():
    camera = MjpegCamera()
    yield camera
    camera.switch_off()


def test_pictures_arrive_whole_in_order_and_in_rgb(served):
    camera = NetworkCamera(served.url)
    camera.open()
    frames = [camera.read(2.0) for _ in range(20)]
    camera.close()
    assert camera.size == (WIDTH, HEIGHT)
    numbers = [read_number(frame.rgb) for frame in frames]
    assert numbers == list(range(numbers[0], numbers[0] + 20))
    assert [frame.number for frame in frames] == list(range(1, 21))
    assert np.abs(frames[0].rgb[8:24, 8:24].mean((0, 1)) - (220, 20, 20)).max() < 8
    difference = frames[5].rgb.astype(int) - numbered_picture(numbers[5])
    assert np.abs(difference).mean() < 40  # noise is what JPEG preserves worst


def test_frames_are_stamped_when_they_came_less_the_latency(served):
    camera = NetworkCamera(served.url, latency=5.0)
    camera.open()
    frames = [camera.read(2.0) for _ in range(10)]
    camera.close()
    for frame in frames:
        after_sending = frame.captured + 5.0 - served.sent[read_number(frame.rgb)]
        assert 0 <= after_sending < 1.0


def test_nothing_on_the_way_keeps_frames_back(served):
    camera = NetworkCamera(served.url)
    camera.open()
    behind = []
    for _ in range(20):
        number = read_number(camera.read(2.0).rgb)
        behind.append(max(served.sent) - number)
    camera.close()
    assert min(behind) == 0


def test_freezing_slowing_and_silence_are_seen_and_the_other_camera_goes_on(served):
    other = MjpegCamera()
    try:
        with Capture(NetworkCamera(served.url)) as bad, Capture(NetworkCamera(other.url)) as good:
            wait_until(lambda: bad.state == good.state == State.LIVE)
            served.frozen = True
            wait_until(lambda: bad.state == State.FROZEN)
            with pytest.raises(StaleFrame, match="one and the same picture"):
                bad.latest()
            served.frozen = False
            wait_until(lambda: bad.state == State.LIVE)
            assert bad.latest(max_age=5.0).size == (WIDTH, HEIGHT)

            # It does not report its rate: its best two seconds are the reference.
            received = bad.figures.received
            wait_until(lambda: bad.figures.received > received + 75 and bad.figures.fps > 20)
            served.period = 0.3
            wait_until(lambda: bad.state == State.SLOW)
            served.period = 1 / 30
            wait_until(lambda: bad.state == State.LIVE)

            before = good.figures.received
            served.silent = True
            wait_until(lambda: bad.state == State.STALLED)
            assert good.next_frame(5.0) is not None
            assert good.figures.failures == 0
            assert good.figures.received > before
    finally:
        other.switch_off()


def test_a_camera_that_is_switched_off_is_gone_and_found_again_by_itself(served):
    with Capture(NetworkCamera(served.url)) as capture:
        wait_until(lambda: capture.state == State.LIVE)
        served.switch_off()
        wait_until(lambda: capture.state == State.GONE)
        wait_until(lambda: capture.figures.failures >= 2)
        with pytest.raises(StaleFrame, match="not connected"):
            capture.latest()
        served.switch_on()
        wait_until(lambda: capture.state == State.LIVE)
        assert read_number(capture.latest(max_age=5.0).rgb) > 0


def test_a_silent_connection_is_made_anew(served):
    with Capture(NetworkCamera(served.url)) as capture:
        wait_until(lambda: capture.state == State.LIVE)
        served.silent = True
        wait_until(lambda: capture.figures.failures)
        assert "stopped sending" in capture.figures.last_error or "No pictures come" in capture.figures.last_error
        served.silent = False
        wait_until(lambda: capture.state == State.LIVE)


def test_closing_a_silent_camera_ends(served):
    capture = Capture(NetworkCamera(served.url))
    wait_until(lambda: capture.state == State.LIVE)
    served.silent = True
    wait_until(lambda: capture.state == State.STALLED)
    capture.close()
    assert capture.state == State.CLOSED


def test_wrong_addresses_have_a_sentence_and_an_end(served):
    for url in (served.url + "x", "http://127.0.0.1:1/stream", "rtsp://127.0.0.1:1/stream"):
        before = time.monotonic()
        with pytest.raises(CameraGone, match="Check the address"):
            NetworkCamera(url).open()
        assert time.monotonic() - before < 30


@pytest.mark.parametrize("url", ["file:///etc/passwd", "/dev/video0", "concat:a|b", "http://", "camera"])
def test_what_is_no_camera_s_address_is_refused(url):
    with pytest.raises(CameraError, match="not the address of a camera"):
        NetworkCamera(url)


def test_the_password_is_in_no_identity_and_no_sentence():
    camera = NetworkCamera("http://alice:geheim@127.0.0.1:1/stream")
    assert camera.identity == "http://127.0.0.1:1/stream"
    assert camera.name == "127.0.0.1"
    with pytest.raises(CameraGone) as caught:
        camera.open()
    assert "geheim" not in str(caught.value)
    assert "alice" not in str(caught.value)
