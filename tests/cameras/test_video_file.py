import itertools
import time

import cv2
import pytest
from mjpeg_server import HEIGHT, WIDTH, numbered_picture, read_number
from scripted_camera import wait_until

from cameras.capture import Capture
from cameras.drivers.video_file import VideoFileCamera
from cameras.errors import CameraError
from cameras.health import State

pytestmark = pytest.mark.alone


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "bench.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 50.0, (WIDTH, HEIGHT))
    for number in range(1, 21):
        writer.write(cv2.cvtColor(numbered_picture(number), cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def test_a_recording_plays_at_its_own_rate_again_and_again(recording):
    camera = VideoFileCamera(recording)
    began = time.monotonic()
    camera.open()
    frames = [camera.read(1.0) for _ in range(45)]
    camera.close()
    assert time.monotonic() - began >= 44 / 50
    assert (camera.size, camera.fps) == ((WIDTH, HEIGHT), 50.0)
    assert [read_number(frame.rgb) for frame in frames] == [1 + n % 20 for n in range(45)]
    assert [frame.number for frame in frames] == list(range(1, 46))
    for earlier, later in itertools.pairwise(frames):
        assert later.captured - earlier.captured == pytest.approx(1 / 50)


def test_a_recording_is_a_camera_like_any_other(recording):
    with Capture(VideoFileCamera(recording)) as capture:
        wait_until(lambda: capture.figures.received > 50)
        assert capture.state in (State.LIVE, State.SLOW)
        assert capture.next_frame(5.0).camera == f"file:{recording}"


def test_what_is_no_video_has_a_sentence(tmp_path):
    with pytest.raises(CameraError, match="no file"):
        VideoFileCamera(tmp_path / "none.avi").open()
    (tmp_path / "text.avi").write_text("not a video")
    with pytest.raises(CameraError, match="not a video"):
        VideoFileCamera(tmp_path / "text.avi").open()
