"""Network cameras by address: RTSP, or MJPEG over HTTP."""

import time
from urllib.parse import urlsplit, urlunsplit

import cv2

from cameras.drivers.opencv import OpenCVCamera
from cameras.errors import CameraError, CameraGone
from cameras.timestamps import ClockOffset, FrameNumbers

SCHEMES = ("http", "https", "rtsp", "rtsps")

_OPEN_TIMEOUT_MS = 4000
_READ_TIMEOUT_MS = 1000
"""FFmpeg's own: after it the stream cannot be read on and has to be opened again. `read` may take as long."""

_MOST_BACKLOG = 150  # frames


class NetworkCamera(OpenCVCamera):
    """IP camera; `latency` is the time (s) from the exposure to the arrival of a frame, found only by measurement.

    RTSP carries the camera's timestamps, MJPEG none: its frames count as captured `latency` before they arrive. User
    name and password of the address are used, but never shown or stored in the identity. Raises CameraError for an
    invalid address.
    """

    def __init__(self, url: str, *, name: str | None = None, latency: float = 0.0):
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES or not parts.hostname:
            raise CameraError(
                f"{_public(url)} is not the address of a camera. It must begin with {', '.join(SCHEMES)}, then ://, "
                "as in rtsp://192.168.1.20/stream."
            )
        super().__init__(_public(url), name or parts.hostname)
        self._url, self._latency = url, latency
        self._timed = parts.scheme.startswith("rtsp")
        self._count = 0

    def _start(self) -> cv2.VideoCapture:
        settings = {
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: _OPEN_TIMEOUT_MS,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC: _READ_TIMEOUT_MS,
            # Each further decoding thread would delay by one more frame.
            cv2.CAP_PROP_N_THREADS: 1,
        }
        video = cv2.VideoCapture(self._url, cv2.CAP_FFMPEG, [int(v) for pair in settings.items() for v in pair])
        if not video.isOpened():
            raise CameraGone(
                f"No pictures come from {self._identity}. Check the address, its user name and password, "
                "and that the camera is switched on and in this network."
            )
        _skip_backlog(video)
        self._offset, self._numbers = ClockOffset(), FrameNumbers()
        return video

    def _wait(self, video: cv2.VideoCapture, timeout: float) -> bool:
        # FFmpeg waits inside grab, up to its own timeout; there is nothing to poll.
        return True

    def _number_and_capture_time(self, video: cv2.VideoCapture, grabbed: float) -> tuple[int, float]:
        if self._timed:
            of_camera = video.get(cv2.CAP_PROP_POS_MSEC) / 1000
            return self._numbers.next(of_camera), self._offset.to_machine(of_camera, grabbed) - self._latency
        # Nothing is lost over TCP, so counting is correct. The position in the stream is no timestamp: for MJPEG FFmpeg
        # invents it at 25 Hz.
        self._count += 1
        return self._count, grabbed - self._latency

    def _ended(self) -> CameraError:
        return CameraGone(f"The camera {self.name} stopped sending. Check its power and the network.")


def _skip_backlog(video: cv2.VideoCapture) -> None:
    """Discard the frames that FFmpeg buffered to probe the stream, most of a second of them.

    They arrive at once, and would count as new. The backlog ends when three frames arrive at about their own rate.
    """
    moments: list[tuple[float, float]] = []
    for _ in range(_MOST_BACKLOG):
        if not video.grab():
            return
        moments.append((time.monotonic(), video.get(cv2.CAP_PROP_POS_MSEC) / 1000))
        if len(moments) > 3:
            (arrived, position), (arrived_before, position_before) = moments[-1], moments[-4]
            if arrived - arrived_before >= 0.3 * (position - position_before):
                return


def _public(url: str) -> str:
    """Return the address without user name and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
