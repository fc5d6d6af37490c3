"""Discovery of RealSense cameras and recordings, and translation of librealsense's errors."""

# pyright: reportAttributeAccessIssue=false
# (the extension module has no stubs)

from pathlib import Path

import pyrealsense2 as rs

from cameras.drivers.driver import CameraInfo
from cameras.errors import CameraBusy, CameraError, CameraForbidden, CameraGone

PREFIX = "realsense:"


def list_realsense() -> list[CameraInfo]:
    """List the connected RealSense cameras by serial number; none if librealsense finds no USB."""
    return [CameraInfo(PREFIX + _serial(device), device_name(device)) for device in _devices()]


def connected_device(serial: str) -> rs.device | None:
    """Return the camera with this serial number, None if it is not connected."""
    return next((device for device in _devices() if _serial(device) == serial), None)


def recorded_device(path: Path) -> rs.device:
    """Return the recording as a playback device. Raises CameraError for an invalid file."""
    if not path.is_file():
        raise CameraError(f"There is no file {path}. Choose another recording.")
    try:
        return rs.context().load_device(str(path))
    except RuntimeError as error:
        raise CameraError(f"{path} is not a RealSense recording that can be played. Choose another one.") from error


def device_name(device: rs.device) -> str:
    """Return the device's name with its serial number."""
    if device.supports(rs.camera_info.name):
        return f"{device.get_info(rs.camera_info.name)} {_serial(device)}"
    return f"RealSense {_serial(device)}"


def explained(error: RuntimeError, name: str) -> CameraError:
    """Convert librealsense's one exception type to a CameraError, from its text."""
    text = str(error).lower()
    if "busy" in text or "errno=16" in text:
        return CameraBusy(name)
    if "access" in text or "permission" in text or "errno=13" in text:
        return CameraForbidden(name, "Install librealsense's udev rules, then plug the camera in again.")
    return CameraGone(f"{name} does not work ({error}). Unplug it and plug it in again.")


def _devices() -> list[rs.device]:
    try:
        return [device for device in rs.context().query_devices() if device.supports(rs.camera_info.serial_number)]
    except RuntimeError:
        return []


def _serial(device: rs.device) -> str:
    return device.get_info(rs.camera_info.serial_number)
