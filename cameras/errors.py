"""Errors of cameras, with a remedy for the operator."""

from collections.abc import Iterable

from foundation.errors import KnownError


class CameraError(KnownError):
    """The camera cannot be used as requested."""


class UnknownCamera(CameraError):
    """No connected camera has this identity."""

    def __init__(self, identity: str, connected: Iterable[str]):
        there = ", ".join(map(spoken, connected)) or "none"
        super().__init__(
            f"There is no camera {spoken(identity)}; connected are: {there}. "
            "Plug it in, or choose another one in the set-up."
        )


def spoken(identity: str) -> str:
    """Return an identity as text for the operator."""
    kind, _, rest = identity.partition(":")
    return {"realsense": f"RealSense {rest}", "usb": f"at USB port {rest}", "lab": rest}.get(kind, identity)


class CameraBusy(CameraError):
    """Another program holds the camera."""

    def __init__(self, name: str):
        super().__init__(f"The camera {name} is in use by another program. Close that program, then try again.")


class CameraForbidden(CameraError):
    """The operating system refuses access to the camera."""

    def __init__(self, name: str, remedy: str):
        super().__init__(f"This user may not open the camera {name}. {remedy}")


class CameraGone(CameraError):
    """The camera no longer answers; a later `open` may succeed."""


class StaleFrame(CameraError):
    """The newest frame is too old to represent the present."""
