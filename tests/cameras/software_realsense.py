"""RealSense built on librealsense's own software device: everything but the bus is the real library."""

import time

import numpy as np
import pyrealsense2 as rs

WIDTH, HEIGHT = 160, 120
DEPTH_TO_COLOUR_M = 0.1
FOCAL_PX = 150.0
# As written by a D455's factory.
COLOUR_COEFFICIENTS = [-0.0552, 0.0658, -0.0001, 0.0006, -0.0211]


def lens(
    model=rs.distortion.none, coefficients=(0.0,) * 5, width=WIDTH, height=HEIGHT, focal=FOCAL_PX
) -> rs.intrinsics:
    made = rs.intrinsics()
    made.width, made.height = width, height
    made.fx, made.fy = focal, focal * 1.002
    made.ppx, made.ppy = width / 2 - 1.3, height / 2 + 0.7
    made.model, made.coeffs = model, list(coefficients)
    return made


class SoftwareRealSense:
    def __init__(self, depth_units: float = 0.001):
        self.device = rs.software_device()
        self.device.register_info(rs.camera_info.serial_number, "SW1234")
        self.device.register_info(rs.camera_info.name, "Software D455")
        self._depth, self._colour = self.device.add_sensor("Stereo Module"), self.device.add_sensor("RGB Camera")
        self._depth.add_read_only_option(rs.option.depth_units, depth_units)
        self._depth_profile = self._stream(self._depth, rs.stream.depth, rs.format.z16, 2, 1, lens())
        colour_lens = lens(rs.distortion.inverse_brown_conrady, COLOUR_COEFFICIENTS)
        self._colour_profile = self._stream(self._colour, rs.stream.color, rs.format.rgb8, 3, 2, colour_lens)
        extrinsics = rs.extrinsics()
        extrinsics.rotation = [1.0, 0, 0, 0, 1, 0, 0, 0, 1]
        extrinsics.translation = [DEPTH_TO_COLOUR_M, 0.0, 0.0]
        self._depth_profile.register_extrinsics_to(self._colour_profile, extrinsics)
        self.device.create_matcher(rs.matchers.dlr_c)

    @staticmethod
    def _stream(sensor, stream, kind, bytes_per_pixel, uid, intrinsics):
        description = rs.video_stream()
        description.type, description.index, description.uid = stream, 0, uid
        description.width, description.height, description.fps = WIDTH, HEIGHT, 30
        description.bpp, description.fmt, description.intrinsics = bytes_per_pixel, kind, intrinsics
        return sensor.add_video_stream(description, True)

    def send(
        self, number, stamp_ms, rgb, depth=None, *, domain=rs.timestamp_domain.hardware_clock, exposed_before_us=None
    ):
        """Send one frameset; the camera's own counter runs ten times as fast as librealsense's, to tell them apart."""
        parts = [(self._colour, self._colour_profile, 3, rgb)]
        if depth is not None:
            parts.insert(0, (self._depth, self._depth_profile, 2, depth))
        for sensor, profile, bytes_per_pixel, pixels in parts:
            sensor.set_metadata(rs.frame_metadata_value.frame_counter, 10 * number)
            if exposed_before_us is not None:
                sent = 2**32 + int(stamp_ms * 1000)
                sensor.set_metadata(rs.frame_metadata_value.frame_timestamp, sent % 2**32)
                sensor.set_metadata(rs.frame_metadata_value.sensor_timestamp, (sent - exposed_before_us) % 2**32)
            frame = rs.software_video_frame()
            frame.bpp, frame.stride, frame.frame_number = bytes_per_pixel, WIDTH * bytes_per_pixel, number
            frame.timestamp, frame.domain = stamp_ms, domain
            frame.pixels, frame.profile = np.ascontiguousarray(pixels), profile.as_video_stream_profile()
            sensor.on_video_frame(frame)


def record(path, count: int, pictures, depth, period: float = 0.02) -> None:
    """Record a .db3 file of `count` framesets by librealsense's own recorder."""
    camera = SoftwareRealSense()
    recorder = rs.recorder(str(path), camera.device)
    queue = rs.frame_queue(100)
    sensors = list(recorder.query_sensors())
    for sensor in sensors:
        sensor.open(sensor.get_stream_profiles()[0])
        sensor.start(queue)
    for number in range(1, count + 1):
        camera.send(number, 20.0 * number, pictures(number), depth)
        time.sleep(period)
    for sensor in sensors:
        sensor.stop()
        sensor.close()
