"""USB cameras through Video4Linux, identified by their port."""

import os
from pathlib import Path

import cv2

from cameras.drivers.driver import CameraInfo
from cameras.drivers.opencv import OpenCVCamera
from cameras.errors import CameraBusy, CameraError, CameraForbidden, CameraGone, UnknownCamera
from cameras.timestamps import FrameNumbers, monotonic_minus_system

PREFIX = "usb:"
BY_PATH = Path("/dev/v4l/by-path")
SYSFS = Path("/sys/class/video4linux")

_USUAL_DELAY = 0.03
"""s from the exposure to the grab, for the rare driver whose time stamps are of no known clock: one period at 30 Hz."""


class UsbCamera(OpenCVCamera):
    """Camera with the identity "usb:<port path>", named as in /dev/v4l/by-path.

    The port path is unique and stable across restarts; serial numbers are not: many cameras have none or share one.
    """

    def __init__(
        self, identity: str, *, width: int = 1280, height: int = 720, fps: float = 30.0, folder: Path = BY_PATH
    ):
        self._path = folder / identity.removeprefix(PREFIX)
        super().__init__(identity, _product(self._path) or identity)
        self._wanted = {
            # Uncompressed images of this size exceed USB 2 at 30 Hz. MJPG first: it resets the rest.
            cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*"MJPG"),
            cv2.CAP_PROP_FRAME_WIDTH: width,
            cv2.CAP_PROP_FRAME_HEIGHT: height,
            cv2.CAP_PROP_FPS: fps,
            # One is filled while the other is decoded; with a single one every second frame can be lost.
            cv2.CAP_PROP_BUFFERSIZE: 2,
        }
        self._folder = folder
        self._fps: float | None = None
        self._numbers = FrameNumbers()

    @property
    def fps(self) -> float | None:
        return self._fps

    def _start(self) -> cv2.VideoCapture:
        if not self._path.exists():
            raise UnknownCamera(self.identity, [info.identity for info in list_usb(self._folder)])
        if not os.access(self._path, os.R_OK | os.W_OK):
            raise CameraForbidden(
                self.name, "Add the user to the group video (sudo usermod -aG video $USER), then log in again."
            )
        video = cv2.VideoCapture(str(self._path.resolve()), cv2.CAP_V4L2)
        if not video.isOpened():
            raise CameraBusy(self.name)
        for setting, value in self._wanted.items():
            video.set(setting, value)
        fps = video.get(cv2.CAP_PROP_FPS)
        self._fps = fps if 0 < fps < 1000 else None
        self._numbers = FrameNumbers()
        return video

    def _wait(self, video: cv2.VideoCapture, timeout: float) -> bool:
        try:
            ready, _ = cv2.VideoCapture.waitAny([video], int(timeout * 1e9))
        except cv2.error as error:
            raise self._ended() from error
        if not ready and not self._path.exists():
            raise self._ended()
        return ready

    def _number_and_capture_time(self, video: cv2.VideoCapture, grabbed: float) -> tuple[int, float]:
        captured = capture_time(video.get(cv2.CAP_PROP_POS_MSEC) / 1000, grabbed)
        return self._numbers.next(captured), captured

    def _ended(self) -> CameraError:
        if self._path.exists():
            return CameraGone(f"The camera {self.name} stopped sending pictures. Unplug it and plug it in again.")
        return CameraGone(f"The camera {self.name} was unplugged. Plug it into the same port again.")


def capture_time(stamp: float, grabbed: float) -> float:
    """Return the driver's timestamp in monotonic s; if its clock is unknown, `grabbed` less the usual delay.

    Drivers stamp with the monotonic clock, older ones with the time of day (V4L2 manual, struct v4l2_buffer, flags
    V4L2_BUF_FLAG_TIMESTAMP_*). A stamp belongs to a clock if it is at most a second before the grab.
    """
    for offset in (0.0, monotonic_minus_system()):
        if 0.0 <= grabbed - (stamp + offset) < 1.0:
            return stamp + offset
    return grabbed - _USUAL_DELAY


def list_usb(folder: Path = BY_PATH, sysfs: Path = SYSFS) -> list[CameraInfo]:
    """List the connected USB cameras except RealSense (with its own driver); none without Video4Linux.

    A camera's further nodes (metadata) are left out, and a node with two names (udev names ports both "usb" and
    "usbv2") is listed once.
    """
    if not folder.is_dir():
        return []
    found: dict[Path, CameraInfo] = {}
    for link in sorted(folder.iterdir()):
        name = _product(link, sysfs) or link.name
        if link.name.endswith("-video-index0") and "RealSense" not in name:
            found.setdefault(link.resolve(), CameraInfo(PREFIX + link.name, name))
    return list(found.values())


def _product(link: Path, sysfs: Path = SYSFS) -> str | None:
    """Return the product name reported by the camera."""
    try:
        return (sysfs / link.resolve().name / "name").read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None
