"""Cameras of the embedded lab: images through shared memory, otherwise as with a real camera."""

from typing import Any

import numpy as np

from cameras.drivers.driver import CameraInfo
from cameras.errors import CameraError, CameraGone, UnknownCamera
from cameras.frame import Frame
from cameras.intrinsics import Intrinsics
from foundation.shared_frame_ring import FrameReader, StreamGone, StreamInfo, list_streams

PREFIX = "lab:"


class SimulatedCamera:
    """Image stream of the lab at `address`; a `CameraDriver`.

    The stream's details contain `fps`, `K` (3, 3) and `distortion` as in `Intrinsics`.
    """

    def __init__(self, address: str, stream: str):
        self._address, self._stream = address, stream
        self._reader: FrameReader | None = None
        self._info: StreamInfo | None = None
        self._last = 0

    @property
    def identity(self) -> str:
        return PREFIX + self._stream

    @property
    def name(self) -> str:
        return f"{self._stream} (simulated)"

    @property
    def fps(self) -> float | None:
        return None if self._info is None else self._info.details.get("fps")

    @property
    def size(self) -> tuple[int, int] | None:
        return None if self._info is None else (self._info.width, self._info.height)

    @property
    def intrinsics(self) -> Intrinsics | None:
        return None if self._info is None else _intrinsics(self._info)

    @property
    def details(self) -> dict[str, Any]:
        """Details of this stream as given by the lab; empty before `open`."""
        return {} if self._info is None else self._info.details

    def open(self) -> None:
        self.close()
        try:
            self._reader = FrameReader(self._address, self._stream)
        except StreamGone as error:
            raise self._why_not_opened() from error
        self._info = self._reader.info
        self._last = 0

    def _why_not_opened(self) -> CameraError:
        try:
            streams = list_streams(self._address)
        except StreamGone:
            return CameraGone("The simulated lab does not run. Start it, and its cameras are there again.")
        return UnknownCamera(self.identity, [PREFIX + stream.name for stream in streams])

    def read(self, timeout: float) -> Frame | None:
        if self._reader is None:
            raise RuntimeError("the camera is not open")
        try:
            stored = self._reader.wait(self._last, timeout)
        except TimeoutError:
            return None
        except StreamGone as error:
            raise CameraGone(
                f"The simulated camera {self._stream} was unplugged, or the simulated lab has stopped. Start it again."
            ) from error
        self._last = stored.number
        return Frame(self.identity, stored.number, stored.captured, stored.rgb, stored.depth_mm)

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def list_simulated(address: str) -> list[CameraInfo]:
    """List the lab's cameras; none if it is not running."""
    try:
        streams = list_streams(address)
    except StreamGone:
        return []
    return [CameraInfo(PREFIX + stream.name, f"{stream.name} (simulated)") for stream in streams]


def _intrinsics(info: StreamInfo) -> Intrinsics | None:
    if "K" not in info.details:
        return None
    return Intrinsics(info.width, info.height, info.details["K"], info.details.get("distortion", np.zeros(5)))
