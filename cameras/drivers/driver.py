"""What every camera can do, whatever it is connected by."""

from dataclasses import dataclass
from typing import Protocol

from cameras.frame import Frame
from cameras.intrinsics import Intrinsics


class CameraDriver(Protocol):
    """A source of frames, used by one thread at a time (see `cameras.capture.Capture`).

    `identity` outlives restarts and re-plugging: "realsense:<serial>", "usb:<port path>", "lab:<name>", an address or
    a file. `fps`, `size` and `intrinsics` are meant for the stream as opened and may be unknown (None) before.
    """

    @property
    def identity(self) -> str: ...

    @property
    def name(self) -> str:
        """What a person calls it."""
        ...

    @property
    def fps(self) -> float | None:
        """Nominal frames per second, None where the camera does not say."""
        ...

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels."""
        ...

    @property
    def intrinsics(self) -> Intrinsics | None:
        """The factory's calibration, None where there is none."""
        ...

    def open(self) -> None:
        """Start the stream; may block for seconds, never for ever. Raises CameraError."""
        ...

    def read(self, timeout: float) -> Frame | None:
        """Wait up to `timeout` s for the next frame; None when none came. Raises CameraError when none will come."""
        ...

    def close(self) -> None:
        """Release the camera; harmless when it is not open. `open` may follow."""
        ...


@dataclass(frozen=True)
class CameraInfo:
    """A camera that is connected now: its stable identity, and its name for people."""

    identity: str
    name: str
