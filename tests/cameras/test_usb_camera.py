"""USB cameras without a camera: contents of the device folders, and errors when there is nothing to open."""

import time

import pytest

from cameras.drivers.usb import UsbCamera, capture_time, list_usb
from cameras.errors import CameraBusy, CameraForbidden, CameraGone, UnknownCamera
from cameras.timestamps import monotonic_minus_system

pytestmark = pytest.mark.alone


@pytest.fixture
def machine(tmp_path):
    """Device folders as udev makes them: two webcams (one under two names, each with a metadata node), a RealSense."""
    folder, sysfs, dev = tmp_path / "by-path", tmp_path / "sysfs", tmp_path / "dev"
    for directory in (folder, sysfs, dev):
        directory.mkdir()
    names = ["HD Pro Webcam C920", "HD Pro Webcam C920", "Arducam", "Arducam", "Intel(R) RealSense(TM) Depth Camera"]
    for number, name in enumerate(names):
        (sysfs / f"video{number}").mkdir()
        (sysfs / f"video{number}" / "name").write_text(name + "\n")
        (dev / f"video{number}").touch()
    links = {
        "pci-0000:00:14.0-usb-0:1:1.0-video-index0": 0,
        "pci-0000:00:14.0-usbv2-0:1:1.0-video-index0": 0,
        "pci-0000:00:14.0-usb-0:1:1.0-video-index1": 1,
        "pci-0000:00:14.0-usb-0:2:1.0-video-index0": 2,
        "pci-0000:00:14.0-usb-0:2:1.0-video-index1": 3,
        "pci-0000:00:14.0-usb-0:3:1.0-video-index0": 4,
    }
    for link, number in links.items():
        (folder / link).symlink_to(dev / f"video{number}")
    return folder, sysfs


def test_each_camera_is_listed_once_by_its_port(machine):
    cameras = list_usb(*machine)
    assert [(camera.identity, camera.name) for camera in cameras] == [
        ("usb:pci-0000:00:14.0-usb-0:1:1.0-video-index0", "HD Pro Webcam C920"),
        ("usb:pci-0000:00:14.0-usb-0:2:1.0-video-index0", "Arducam"),
    ]


def test_numbers_that_swap_after_a_restart_do_not_matter(machine):
    folder, sysfs = machine
    before = list_usb(folder, sysfs)
    link = folder / "pci-0000:00:14.0-usb-0:2:1.0-video-index0"
    link.unlink()
    (sysfs / "video9").mkdir()
    (sysfs / "video9" / "name").write_text("Arducam")
    link.symlink_to(folder.parent / "dev" / "video9")
    assert list_usb(folder, sysfs) == before


def test_a_machine_without_video_devices_has_no_cameras(tmp_path):
    assert list_usb(tmp_path / "none") == []


def test_an_unknown_port_is_told_from_those_that_are_there(machine):
    camera = UsbCamera("usb:pci-0000:00:14.0-usb-0:7:1.0-video-index0", folder=machine[0])
    with pytest.raises(UnknownCamera, match=r"connected are: at USB port pci.*0:1:1\.0-video-index0, at .*0:2:1\.0"):
        camera.open()


def test_what_may_not_be_opened_says_how_to_be_allowed(machine, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(CameraForbidden, match="group video"):
        UsbCamera("usb:pci-0000:00:14.0-usb-0:2:1.0-video-index0", folder=machine[0]).open()


def test_a_device_that_is_there_and_cannot_be_opened_is_somebody_else_s(machine):
    with pytest.raises(CameraBusy, match="in use by another program"):
        UsbCamera("usb:pci-0000:00:14.0-usb-0:2:1.0-video-index0", folder=machine[0]).open()


def test_a_camera_pulled_out_or_silent_has_a_sentence(machine):
    folder, _ = machine
    camera = UsbCamera("usb:pci-0000:00:14.0-usb-0:2:1.0-video-index0", folder=folder)
    assert "stopped sending" in str(camera._ended())
    (folder / "pci-0000:00:14.0-usb-0:2:1.0-video-index0").unlink()
    assert isinstance(camera._ended(), CameraGone)
    assert "was unplugged" in str(camera._ended())


def test_the_driver_s_stamp_is_believed_on_either_clock_and_only_there():
    grabbed = time.monotonic()
    assert capture_time(grabbed - 0.04, grabbed) == pytest.approx(grabbed - 0.04)
    of_day = grabbed - monotonic_minus_system() - 0.04
    assert capture_time(of_day, grabbed) == pytest.approx(grabbed - 0.04, abs=0.002)
    for nonsense in (0.0, -1.0, grabbed + 5, grabbed - 3):
        assert 0 < grabbed - capture_time(nonsense, grabbed) < 0.1
