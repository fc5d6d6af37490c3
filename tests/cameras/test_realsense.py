"""RealSense driver on librealsense itself: its software device, syncer, align, recorder and playback."""

import itertools
import time

import cv2
import numpy as np
import pyrealsense2 as rs
import pytest
from scripted_camera import picture, wait_until
from software_realsense import (
    COLOUR_COEFFICIENTS,
    DEPTH_TO_COLOUR_M,
    FOCAL_PX,
    HEIGHT,
    WIDTH,
    SoftwareRealSense,
    lens,
    record,
)

from cameras.capture import Capture
from cameras.drivers.realsense import RealSenseCamera, RealSenseRecording, factory_intrinsics
from cameras.drivers.realsense_devices import explained, list_realsense
from cameras.errors import CameraBusy, CameraError, CameraForbidden, CameraGone, UnknownCamera
from cameras.health import State
from cameras.timestamps import monotonic_minus_system

pytestmark = pytest.mark.alone


@pytest.fixture
def made():
    return SoftwareRealSense()


@pytest.fixture
def camera(made):
    camera = RealSenseCamera("SW1234", find=lambda: made.device)
    camera.open()
    yield camera
    camera.close()


@pytest.fixture
def depth_camera(made):
    camera = RealSenseCamera("SW1234", depth=True, find=lambda: made.device)
    camera.open()
    yield camera
    camera.close()


def noise(number: int) -> np.ndarray:
    return picture(number, WIDTH, HEIGHT)


def test_colour_frames_come_as_they_are_with_the_camera_s_own_counter(made, camera):
    assert (camera.identity, camera.name) == ("realsense:SW1234", "Software D455 SW1234")
    assert (camera.size, camera.fps) == ((WIDTH, HEIGHT), 30.0)
    for number in (1, 2, 5):
        made.send(number, 33.0 * number, noise(number))
        frame = camera.read(5.0)
        assert frame.number == 10 * number
        assert np.array_equal(frame.rgb, noise(number))
        assert frame.depth_mm is None
    assert camera.read(0.02) is None


def test_depth_is_seen_from_the_colour_sensor(made, depth_camera):
    """Check a near square before a far wall: in the colour image it is shifted by f b / z."""
    depth = np.full((HEIGHT, WIDTH), 3000, np.uint16)
    depth[40:80, 40:80] = 1000
    frames = []
    for number in range(1, 6):
        made.send(number, 33.0 * number, noise(number), depth)
        frames += [frame for _ in range(2) if (frame := depth_camera.read(1.0 if not frames else 0.2)) is not None]
    aligned = next(frame.depth_mm for frame in reversed(frames) if frame.depth_mm is not None)
    assert set(np.unique(aligned)) <= {0, 1000, 3000}
    columns = np.flatnonzero(aligned[60] == 1000)
    shift = FOCAL_PX * DEPTH_TO_COLOUR_M / 1.0
    assert columns.min() == pytest.approx(40 + shift, abs=1.5)
    assert columns.max() == pytest.approx(79 + shift, abs=1.5)


def test_depth_in_other_units_is_given_in_mm():
    made = SoftwareRealSense(depth_units=0.0001)
    camera = RealSenseCamera("SW1234", depth=True, find=lambda: made.device)
    camera.open()
    depth = np.full((HEIGHT, WIDTH), 12345, np.uint16)
    values = set()
    for number in range(1, 6):
        made.send(number, 33.0 * number, noise(number), depth)
        frame = camera.read(0.5)
        if frame is not None and frame.depth_mm is not None:
            values |= set(np.unique(frame.depth_mm))
    camera.close()
    assert values - {0} in ({1234}, {1235})


def test_the_camera_s_clock_becomes_the_machine_s(made, camera):
    """Check frames sent with jitter: capture times keep the camera's even period, late by the shortest delay so far."""
    random = np.random.default_rng(4)
    late, sent_late, began = [], [], time.monotonic()
    for number in range(1, 40):
        due = began + number * 0.02
        time.sleep(max(due + random.uniform(0, 0.015) - time.monotonic(), 0))
        sent_late.append(time.monotonic() - due)
        made.send(number, 7_000_000 + 20.0 * number, noise(number))
        frame = camera.read(5.0)
        assert frame.captured <= time.monotonic()
        late.append(frame.captured - due)
    assert (np.diff(late) < 1e-4).all()
    assert (np.array(late) >= np.minimum.accumulate(sent_late) - 1e-4).all()


def test_global_time_is_the_host_s_time_of_day(made, camera):
    taken = time.monotonic() - 0.05
    of_day = (taken - monotonic_minus_system()) * 1000
    made.send(1, of_day, noise(1), domain=rs.timestamp_domain.global_time)
    assert camera.read(5.0).captured == pytest.approx(taken, abs=0.005)
    made.send(2, of_day, noise(2), domain=rs.timestamp_domain.system_time)
    assert camera.read(5.0).captured == pytest.approx(taken, abs=0.005)


def test_the_middle_of_the_exposure_is_what_counts(made, camera):
    """Check also where the camera's 32-bit counter of microseconds wraps between exposure and transfer."""
    taken = time.monotonic() - 0.05
    of_day = (taken - monotonic_minus_system()) * 1000
    for exposed_before_us in (0, 12_000):
        made.send(1, of_day, noise(1), domain=rs.timestamp_domain.global_time, exposed_before_us=exposed_before_us)
        assert camera.read(5.0).captured == pytest.approx(taken - exposed_before_us / 1e6, abs=0.003)
    before = time.monotonic()
    made.send(2, 4.0, noise(2), exposed_before_us=6000)
    assert before <= camera.read(5.0).captured + 0.006 <= time.monotonic()


@pytest.mark.parametrize("model", ["none", "brown_conrady", "inverse_brown_conrady", "modified_brown_conrady"])
def test_the_factory_lens_is_in_opencv_s_terms(model):
    """Check that OpenCV projects points with the converted coefficients where librealsense projects them."""
    factory = lens(getattr(rs.distortion, model), COLOUR_COEFFICIENTS, 1280, 720, 640.0)
    ours = factory_intrinsics(factory)
    points = np.random.default_rng(2).uniform((-1, -0.56, 1), (1, 0.56, 1), (500, 3))
    theirs = np.array([rs.rs2_project_point_to_pixel(factory, [float(x) for x in point]) for point in points])
    seen, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), ours.K, ours.distortion)
    assert np.linalg.norm(seen[:, 0] - theirs, axis=-1).max() < 0.05
    if model != "none":
        plain = points[:, :2] * (ours.K[0, 0], ours.K[1, 1]) + ours.K[:2, 2]
        assert np.linalg.norm(plain - theirs, axis=-1).max() > 5


def test_a_pixel_s_ray_by_librealsense_is_the_pixel_s_ray_by_opencv():
    factory = lens(rs.distortion.inverse_brown_conrady, COLOUR_COEFFICIENTS, 1280, 720, 640.0)
    ours = factory_intrinsics(factory)
    pixels = np.stack(np.meshgrid(np.linspace(0, 1279, 20), np.linspace(0, 719, 15)), axis=-1).reshape(-1, 2)
    rays = [rs.rs2_deproject_pixel_to_point(factory, [float(u), float(v)], 2.0) for u, v in pixels]
    seen, _ = cv2.projectPoints(np.array(rays), np.zeros(3), np.zeros(3), ours.K, ours.distortion)
    assert np.linalg.norm(seen[:, 0] - pixels, axis=-1).max() < 0.05


def test_the_opened_camera_s_lens_is_of_its_stream(camera):
    assert (camera.intrinsics.width, camera.intrinsics.height) == (WIDTH, HEIGHT)
    assert camera.intrinsics.K[0, 0] == pytest.approx(FOCAL_PX)
    assert np.abs(camera.intrinsics.distortion).max() > 0.01


def test_a_lens_opencv_s_polynomial_cannot_describe_has_no_intrinsics():
    assert factory_intrinsics(lens(rs.distortion.kannala_brandt4, (0.3, 0.2, 0.1, 0.05, 0.0), focal=40.0)) is None


def test_the_nearest_stream_is_taken(made):
    camera = RealSenseCamera("SW1234", width=1920, height=1080, fps=60, find=lambda: made.device)
    camera.open()
    camera.close()
    assert camera.size == (WIDTH, HEIGHT)


def test_an_unplugged_camera_is_gone_and_comes_back(made):
    present = [made.device]
    with Capture(RealSenseCamera("SW1234", find=lambda: present[0])) as capture:

        def live(number: int) -> bool:
            made.send(number, 33.0 * number, noise(number))
            time.sleep(0.02)
            return capture.state == State.LIVE

        numbers = iter(range(1, 10_000))
        wait_until(lambda: live(next(numbers)))
        present[0] = None
        wait_until(lambda: capture.state == State.GONE)
        wait_until(lambda: "SW1234" in capture.figures.last_error)
        present[0] = made.device
        wait_until(lambda: live(next(numbers)))


def test_a_camera_that_is_streaming_elsewhere_has_a_sentence(made, camera):
    second = RealSenseCamera("SW1234", find=lambda: made.device)
    with pytest.raises(CameraError, match=r"Software D455 SW1234 (does not work|is in use)"):
        second.open()
    made.send(1, 33.0, noise(1))
    assert camera.read(5.0) is not None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("xioctl(VIDIOC_S_FMT) failed, errno=16 Last Error: Device or resource busy", CameraBusy),
        ("failed to open usb interface: 0, error: RS2_USB_STATUS_ACCESS", CameraForbidden),
        ("Cannot open '/dev/video2', errno=13 Last Error: Permission denied", CameraForbidden),
        ("hwmon command 0x10 failed", CameraGone),
    ],
)
def test_what_librealsense_says_becomes_a_sentence(text, kind):
    assert type(explained(RuntimeError(text), "D455")) is kind


def test_without_cameras_none_are_listed_and_any_is_unknown():
    serials = [info.identity for info in list_realsense()]
    assert "realsense:000" not in serials
    with pytest.raises(UnknownCamera, match="There is no camera RealSense 000; connected are"):
        RealSenseCamera("000").open()


def test_a_recording_plays_as_a_camera_again_and_again(tmp_path):
    path = tmp_path / "bench.db3"
    record(path, 15, noise, np.full((HEIGHT, WIDTH), 1500, np.uint16))
    camera = RealSenseRecording(path, depth=True)
    began = time.monotonic()
    camera.open()
    frames = []
    while len(frames) < 30 and time.monotonic() - began < 30:
        if (frame := camera.read(0.2)) is not None:
            frames.append(frame)
    camera.close()
    assert len(frames) == 30
    assert camera.identity == f"file:{path}"
    assert camera.intrinsics.K[0, 0] == pytest.approx(FOCAL_PX)
    for frame in frames:
        assert np.array_equal(frame.rgb, noise(frame.number // 10))
        assert began <= frame.captured <= time.monotonic()
    assert sum(frame.depth_mm is not None for frame in frames) >= 20
    assert {frame.number for frame in frames} >= {10 * n for n in range(2, 14)}
    restarts = sum(later.number < earlier.number for earlier, later in itertools.pairwise(frames))
    assert restarts >= 1


def test_what_is_no_recording_has_a_sentence(tmp_path):
    with pytest.raises(CameraError, match="There is no file"):
        RealSenseRecording(tmp_path / "none.db3").open()
    (tmp_path / "text.db3").write_text("not a recording " * 100)
    with pytest.raises(CameraError, match="not a RealSense recording"):
        RealSenseRecording(tmp_path / "text.db3").open()
