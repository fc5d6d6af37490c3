import uuid
from pathlib import Path

import pytest

from cameras.drivers.listing import driver_for, list_cameras
from cameras.errors import CameraError, UnknownCamera
from foundation.shared_frame_ring import FramePublisher, StreamInfo


@pytest.fixture
def address():
    address = f"rehearse-test-{uuid.uuid4()}"
    publisher = FramePublisher(address)
    publisher.add(StreamInfo("overview", 64, 48, False, {}))
    yield address
    publisher.close()


def test_the_lab_s_cameras_are_listed_beside_the_real_ones(address):
    real = list_cameras()
    listed = list_cameras(address)
    assert [info.identity for info in listed[len(real) :]] == ["lab:overview"]
    assert listed[-1].name == "overview (simulated)"
    assert len({info.identity for info in listed}) == len(listed)


@pytest.mark.parametrize(
    "identity",
    [
        "realsense:817612070123",
        "usb:pci-0000:00:14.0-usb-0:2:1.0-video-index0",
        "lab:overview",
        "rtsp://192.168.1.20:554/stream1",
        "http://192.168.1.21/video.mjpg",
        "file:/data/bench.mp4",
        "file:/data/bench.db3",
    ],
)
def test_a_driver_is_found_by_its_identity_and_keeps_it(identity, address):
    driver = driver_for(identity, lab_address=address)
    assert driver.identity == identity
    assert driver.name
    driver.close()
    driver.close()


def test_every_identity_listed_has_a_driver(address):
    for info in list_cameras(address):
        assert driver_for(info.identity, lab_address=address).identity == info.identity


def test_an_identity_of_no_kind_is_told_from_what_is_there(address):
    with pytest.raises(UnknownCamera, match=r"no camera 0; connected are: .*overview"):
        driver_for("0", lab_address=address)
    with pytest.raises(UnknownCamera):
        driver_for("lab:overview")


@pytest.mark.parametrize("identity", ["file:/nowhere/x.mp4", "file:/nowhere/x.db3", "usb:nowhere", "realsense:0"])
def test_what_is_not_there_says_so_when_opened(identity):
    assert not Path("/nowhere").exists()
    driver = driver_for(identity)
    with pytest.raises(CameraError, match=r"There is no (file|camera)"):
        driver.open()
