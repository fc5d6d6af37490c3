"""RealSense cameras through librealsense: colour, optional depth aligned to it, true capture times."""

# pyright: reportAttributeAccessIssue=false
# (the extension module has no stubs)

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyrealsense2 as rs

from cameras.errors import CameraError, CameraGone, UnknownCamera
from cameras.frame import Frame
from cameras.intrinsics import Intrinsics
from cameras.realsense_devices import (
    PREFIX,
    connected_device,
    device_name,
    explained,
    list_realsense,
    recorded_device,
)
from cameras.realsense_lens import factory_intrinsics
from cameras.timestamps import ClockOffset, monotonic_minus_system

_QUEUE = 2  # framesets; the capture thread takes them as they come, so more would only be older


class RealSenseCamera:
    """A RealSense by its serial number, a `CameraDriver`.

    The stream whose size and rate are nearest to `width`, `height`, `fps` is taken (USB 2 offers fewer).
    `find` gives the librealsense device, None when it is not connected: a recording and a software device run
    through everything below as a camera on the bus does.
    """

    def __init__(
        self,
        serial: str,
        *,
        width: int = 640,
        height: int = 480,
        fps: int = 30,
        depth: bool = False,
        find: Callable[[], rs.device | None] | None = None,
    ):
        self._serial = serial
        self._identity, self._name = PREFIX + serial, f"RealSense {serial}"
        self._wanted = (width, height, fps)
        self._depth = depth
        self._find = find or (lambda: connected_device(serial))
        self._device: rs.device | None = None
        self._sensors: list[rs.sensor] = []
        self._profile: rs.video_stream_profile | None = None
        self._intrinsics: Intrinsics | None = None

    @property
    def identity(self) -> str:
        return self._identity

    @property
    def name(self) -> str:
        return self._name

    @property
    def fps(self) -> float | None:
        return None if self._profile is None else float(self._profile.fps())

    @property
    def size(self) -> tuple[int, int] | None:
        return None if self._profile is None else (self._profile.width(), self._profile.height())

    @property
    def intrinsics(self) -> Intrinsics | None:
        return self._intrinsics

    def open(self) -> None:
        self.close()
        try:
            device = self._find()
            if device is None:
                raise UnknownCamera(self._identity, [info.identity for info in list_realsense()])
            if not device.is_playback():
                self._name = device_name(device)
            self._start(device)
        except RuntimeError as error:
            self.close()
            raise explained(error, self._name) from error

    def _start(self, device: rs.device) -> None:
        self._device = device
        self._offset = ClockOffset()
        self._align = rs.align(rs.stream.color)
        self._frames = rs.syncer(_QUEUE)
        chosen: list[tuple[rs.sensor, list[rs.stream_profile]]] = []
        for sensor in device.query_sensors():
            colour = self._nearest(sensor, rs.stream.color, rs.format.rgb8)
            depth = self._nearest(sensor, rs.stream.depth, rs.format.z16) if self._depth else None
            if colour is not None:
                self._profile = colour
                self._intrinsics = factory_intrinsics(colour.get_intrinsics())
            if depth is not None:
                self._mm_per_unit = 1000 * sensor.get_option(rs.option.depth_units)
            if profiles := [profile for profile in (colour, depth) if profile is not None]:
                chosen.append((sensor, profiles))
        if self._profile is None:
            raise CameraError(f"{self._name} has no colour pictures. Choose another camera.")
        for sensor, profiles in chosen:
            sensor.open(profiles)
            self._sensors.append(sensor)
            sensor.start(self._frames)

    def _nearest(self, sensor: rs.sensor, stream: rs.stream, kind: rs.format) -> rs.video_stream_profile | None:
        width, height, fps = self._wanted
        profiles = [
            profile.as_video_stream_profile()
            for profile in sensor.get_stream_profiles()
            if profile.stream_type() == stream and profile.format() == kind
        ]
        return min(
            profiles,
            key=lambda p: (abs(p.width() - width) + abs(p.height() - height), abs(p.fps() - fps)),
            default=None,
        )

    def read(self, timeout: float) -> Frame | None:
        if self._device is None:
            raise RuntimeError("the camera is not open")
        try:
            there, frames = self._frames.try_wait_for_frames(int(timeout * 1000))
            arrival = time.monotonic()
            if not there:
                self._check_presence(self._device)
                return None
            colour = frames.get_color_frame()
            if not colour:
                return None
            captured = self._capture_time(colour, arrival)
            depth_mm = self._depth_in_mm(frames) if self._depth else None
            rgb = np.array(np.asanyarray(colour.get_data()))
            return Frame(self._identity, _number(colour), captured, rgb, depth_mm)
        except RuntimeError as error:
            raise explained(error, self._name) from error

    def _check_presence(self, device: rs.device) -> None:
        """Called when no frame came: librealsense itself is silent about a cable pulled out."""
        if device.is_playback():
            if device.as_playback().current_status() == rs.playback_status.stopped:
                self.open()  # from the beginning
        elif self._find() is None:
            raise CameraGone(f"{self._name} was unplugged. Plug it in again.")

    def _capture_time(self, colour: rs.video_frame, arrival: float) -> float:
        """The middle of the exposure in s of the machine's clock, never after `arrival`.

        Time stamps are in the clock of the camera, or already in the host's time of day ("global time", which
        librealsense derives from the camera's, or the system's own on arrival). In a recording both are of the past.
        The metadata say how long before the transfer the middle of the exposure was (librealsense, rs_frame.h).
        """
        stamp = colour.get_timestamp() / 1000
        of_camera = colour.get_frame_timestamp_domain() == rs.timestamp_domain.hardware_clock
        if of_camera or (self._device is not None and self._device.is_playback()):
            captured = self._offset.to_machine(stamp, arrival)
        else:
            captured = stamp + monotonic_minus_system()
        sent, exposed = rs.frame_metadata_value.frame_timestamp, rs.frame_metadata_value.sensor_timestamp
        if colour.supports_frame_metadata(sent) and colour.supports_frame_metadata(exposed):
            # Both are counters of microseconds in 32 bits.
            before = (colour.get_frame_metadata(sent) - colour.get_frame_metadata(exposed)) % 2**32 / 1e6
            captured -= before if before < 0.2 else 0.0
        return min(captured, arrival)

    def _depth_in_mm(self, frames: rs.composite_frame) -> np.ndarray | None:
        if not frames.get_depth_frame():
            return None
        depth = np.asanyarray(self._align.process(frames).get_depth_frame().get_data())
        if abs(self._mm_per_unit - 1) < 1e-6:
            return depth.copy()
        # More than 65 m is no measurement.
        in_mm = np.rint(depth * self._mm_per_unit)
        return np.where(in_mm < 65536, in_mm, 0).astype(np.uint16)

    def close(self) -> None:
        for sensor in self._sensors:
            with contextlib.suppress(RuntimeError):  # stopping a camera that was pulled out
                sensor.stop()
            with contextlib.suppress(RuntimeError):
                sensor.close()
        self._sensors = []
        self._device = None


class RealSenseRecording(RealSenseCamera):
    """A librealsense recording (.db3) played as a camera, at its own rate, again and again."""

    def __init__(self, path: Path, *, depth: bool = False):
        super().__init__(path.name, depth=depth, find=lambda: recorded_device(path))
        self._identity, self._name = f"file:{path}", path.name


def _number(frame: rs.frame) -> int:
    """The camera's own counter where its metadata have it: librealsense's misses what was lost on the bus."""
    counter = rs.frame_metadata_value.frame_counter
    return frame.get_frame_metadata(counter) if frame.supports_frame_metadata(counter) else frame.get_frame_number()
