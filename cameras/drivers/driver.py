"""Interface of all camera drivers."""

from dataclasses import dataclass
from typing import Protocol

from cameras.frame import Frame
from cameras.intrinsics import Intrinsics


class CameraDriver(Protocol):
    """Source of frames, used by one thread at a time (see `cameras.capture.Capture`).

    `identity` is stable across restarts and replugging: "realsense:<serial>", "usb:<port path>", "lab:<name>", an
    address or a file. `fps`, `size` and `intrinsics` refer to the opened stream and may be unknown (None) before.
    """

    @property
    def identity(self) -> str: ...

    @property
    def name(self) -> str:
        """Name for the operator."""
        ...

    @property
    def fps(self) -> float | None:
        """Nominal frames per second, None if the camera does not report it."""
        ...

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels."""
        ...

    @property
    def intrinsics(self) -> Intrinsics | None:
        """Factory calibration, None if there is none."""
        ...

    def open(self) -> None:
        """Start the stream; may block for seconds, but not indefinitely. Raises CameraError."""
        ...

    def read(self, timeout: float) -> Frame | None:
        """Wait up to `timeout` s for the next frame; None on timeout. Raises CameraError if no more will come."""
        ...

    def close(self) -> None:
        """Release the camera; harmless if it is not open. `open` may follow."""
        ...


@dataclass(frozen=True)
class CameraInfo:
    """Connected camera: its stable identity, and its name for the operator."""

    identity: str
    name: str
