"""Listing of connected cameras, and the driver for each."""

from pathlib import Path

from cameras.drivers.driver import CameraDriver, CameraInfo
from cameras.drivers.network import SCHEMES, NetworkCamera
from cameras.drivers.simulated import SimulatedCamera, list_simulated
from cameras.drivers.usb import UsbCamera, list_usb
from cameras.drivers.video_file import VideoFileCamera
from cameras.errors import UnknownCamera


def list_cameras(lab_address: str | None = None) -> list[CameraInfo]:
    """List the cameras connected now: RealSense, USB, and the lab's at `lab_address`.

    Network cameras are not discovered: they are identified by their addresses.
    """
    from cameras.drivers.realsense_devices import list_realsense  # loads librealsense, which start-up need not wait for

    return [*list_realsense(), *list_usb(), *([] if lab_address is None else list_simulated(lab_address))]


def driver_for(
    identity: str,
    *,
    lab_address: str | None = None,
    width: int = 640,
    height: int = 480,
    fps: int = 30,
    depth: bool = False,
) -> CameraDriver:
    """Return an unopened driver for a listed identity, a network address, or a "file:<path>".

    Size, rate and depth are preferences for cameras with a choice. Raises UnknownCamera for an unknown type of
    identity, and CameraError for an address that cannot be a camera's.
    """
    kind, _, rest = identity.partition(":")
    if kind == "realsense":
        from cameras.drivers.realsense import RealSenseCamera

        return RealSenseCamera(rest, width=width, height=height, fps=fps, depth=depth)
    if kind == "file" and rest.endswith(".db3"):
        from cameras.drivers.realsense import RealSenseRecording

        return RealSenseRecording(Path(rest), depth=depth)
    if kind == "file":
        return VideoFileCamera(Path(rest))
    if kind == "usb":
        return UsbCamera(identity, width=width, height=height, fps=fps)
    if kind == "lab" and lab_address is not None:
        return SimulatedCamera(lab_address, rest)
    if kind in SCHEMES:
        return NetworkCamera(identity)
    raise UnknownCamera(identity, [info.identity for info in list_cameras(lab_address)])
