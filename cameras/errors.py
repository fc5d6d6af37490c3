"""What can be wrong with a camera, said so that a technician can do something about it."""

from collections.abc import Iterable

from foundation.errors import KnownError


class CameraError(KnownError):
    """A camera cannot be used as it was asked for."""


class UnknownCamera(CameraError):
    """No connected camera has this identity."""

    def __init__(self, identity: str, connected: Iterable[str]):
        there = ", ".join(map(spoken, connected)) or "none"
        super().__init__(
            f"There is no camera {spoken(identity)}; connected are: {there}. "
            "Plug it in, or choose another one in the set-up."
        )


def spoken(identity: str) -> str:
    """An identity as a person would say it."""
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
    """The camera was there and no longer answers; a later `open` may succeed."""


class StaleFrame(CameraError):
    """The newest picture is too old to be taken for the present."""
