"""RealSense cameras through librealsense: colour, optional aligned depth, true capture times, factory calibration.

librealsense has its own lens models, and the meaning of the "inverse Brown-Conrady" of the colour sensors has changed
between its versions. So the library itself projects points, and OpenCV's coefficients are fitted to the result; they
agree to a small part of a pixel.
"""

# pyright: reportAttributeAccessIssue=false
# (the extension module has no stubs)

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyrealsense2 as rs

from cameras.drivers.realsense_devices import (
    PREFIX,
    connected_device,
    device_name,
    explained,
    list_realsense,
    recorded_device,
)
from cameras.errors import CameraError, CameraGone, UnknownCamera
from cameras.frame import Frame
from cameras.intrinsics import Intrinsics
from cameras.timestamps import ClockOffset, monotonic_minus_system

_LARGEST_DISAGREEMENT_PX = 0.3


def factory_intrinsics(lens: rs.intrinsics) -> Intrinsics | None:
    """Convert the lens to OpenCV's k1 k2 p1 p2 k3; None for a lens these cannot describe (fisheye)."""
    K = np.array([[lens.fx, 0, lens.ppx], [0, lens.fy, lens.ppy], [0, 0, 1.0]])
    if not (lens.fx > 0 and lens.fy > 0):
        return None
    coefficients = np.array(lens.coeffs, float)
    if lens.model == rs.distortion.none or not coefficients.any():
        return Intrinsics(lens.width, lens.height, K, np.zeros(5))
    if lens.model == rs.distortion.brown_conrady:
        return Intrinsics(lens.width, lens.height, K, coefficients)
    fitted, disagreement_px = _fit(lens)
    return Intrinsics(lens.width, lens.height, K, fitted) if disagreement_px < _LARGEST_DISAGREEMENT_PX else None


def _fit(lens: rs.intrinsics) -> tuple[np.ndarray, float]:
    """Fit OpenCV's five coefficients by least squares over the whole image; return them and the largest residual in px.

    For known ideal points x, y the distorted ones are linear in the coefficients (OpenCV manual, calib3d):
    x' = x (1 + k1 r^2 + k2 r^4 + k3 r^6) + 2 p1 x y + p2 (r^2 + 2 x^2), and y' alike.
    """
    focal, centre = np.array([lens.fx, lens.fy]), np.array([lens.ppx, lens.ppy])
    # A lens may see more than the same lens without distortion: use a wider field, keep what is in the image.
    columns, rows = np.meshgrid(np.linspace(0, lens.width - 1, 41), np.linspace(0, lens.height - 1, 31))
    ideal = 1.2 * (np.stack([columns.ravel(), rows.ravel()], axis=-1) - centre) / focal
    pixels = np.array([rs.rs2_project_point_to_pixel(lens, [float(x), float(y), 1.0]) for x, y in ideal])
    inside = ((pixels >= -0.5) & (pixels <= (lens.width - 0.5, lens.height - 0.5))).all(axis=-1)
    ideal, pixels = ideal[inside], pixels[inside]
    shift = (pixels - centre) / focal - ideal
    x, y = ideal.T
    r2 = x**2 + y**2
    equations = np.stack(
        [
            np.stack([x * r2, x * r2**2, 2 * x * y, r2 + 2 * x**2, x * r2**3], axis=-1),
            np.stack([y * r2, y * r2**2, r2 + 2 * y**2, 2 * x * y, y * r2**3], axis=-1),
        ],
        axis=1,
    )
    weighted = (equations * focal[:, None]).reshape(-1, 5)
    coefficients = np.linalg.lstsq(weighted, (shift * focal).reshape(-1), rcond=None)[0]
    left_over_px = (equations @ coefficients - shift) * focal
    return coefficients, float(np.linalg.norm(left_over_px, axis=-1).max())


_QUEUE = 2  # framesets; the capture thread takes them as they arrive, so more would only be older


class RealSenseCamera:
    """RealSense identified by its serial number, a `CameraDriver`.

    The stream whose size and rate are nearest to `width`, `height`, `fps` is selected (USB 2 offers fewer). `find`
    returns the librealsense device, None if it is not connected: a recording and a software device pass through the
    same code as a camera on the bus.
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
        """Check the connection after a timeout: librealsense does not report an unplugged cable."""
        if device.is_playback():
            if device.as_playback().current_status() == rs.playback_status.stopped:
                self.open()  # restart from the beginning
        elif self._find() is None:
            raise CameraGone(f"{self._name} was unplugged. Plug it in again.")

    def _capture_time(self, colour: rs.video_frame, arrival: float) -> float:
        """Return the middle of the exposure in s of the machine's clock, never after `arrival`.

        Timestamps are in the clock of the camera, or already in the host's time of day ("global time", which
        librealsense derives from the camera's, or the system's own on arrival). In a recording both are in the past.
        The metadata contain the time from the middle of the exposure to the transfer (librealsense, rs_frame.h).
        """
        stamp = colour.get_timestamp() / 1000
        of_camera = colour.get_frame_timestamp_domain() == rs.timestamp_domain.hardware_clock
        if of_camera or (self._device is not None and self._device.is_playback()):
            captured = self._offset.to_machine(stamp, arrival)
        else:
            captured = stamp + monotonic_minus_system()
        sent, exposed = rs.frame_metadata_value.frame_timestamp, rs.frame_metadata_value.sensor_timestamp
        if colour.supports_frame_metadata(sent) and colour.supports_frame_metadata(exposed):
            # Both are 32-bit counters of microseconds.
            before = (colour.get_frame_metadata(sent) - colour.get_frame_metadata(exposed)) % 2**32 / 1e6
            captured -= before if before < 0.2 else 0.0
        return min(captured, arrival)

    def _depth_in_mm(self, frames: rs.composite_frame) -> np.ndarray | None:
        if not frames.get_depth_frame():
            return None
        depth = np.asanyarray(self._align.process(frames).get_depth_frame().get_data())
        if abs(self._mm_per_unit - 1) < 1e-6:
            return depth.copy()
        # Values above 65 m are no measurements.
        in_mm = np.rint(depth * self._mm_per_unit)
        return np.where(in_mm < 65536, in_mm, 0).astype(np.uint16)

    def close(self) -> None:
        for sensor in self._sensors:
            with contextlib.suppress(RuntimeError):  # stopping a camera that was unplugged
                sensor.stop()
            with contextlib.suppress(RuntimeError):
                sensor.close()
        self._sensors = []
        self._device = None


class RealSenseRecording(RealSenseCamera):
    """librealsense recording (.db3) played as a camera, at its own rate, in a loop."""

    def __init__(self, path: Path, *, depth: bool = False):
        super().__init__(path.name, depth=depth, find=lambda: recorded_device(path))
        self._identity, self._name = f"file:{path}", path.name


def _number(frame: rs.frame) -> int:
    """Return the camera's own frame counter if in the metadata: librealsense's omits frames lost on the bus."""
    counter = rs.frame_metadata_value.frame_counter
    return frame.get_frame_metadata(counter) if frame.supports_frame_metadata(counter) else frame.get_frame_number()
