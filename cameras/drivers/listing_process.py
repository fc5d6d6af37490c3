"""Listing of cameras in a separate process (`--role=cameras`).

The RealSense library takes a tenth of a second for each scan of the USB bus, and blocks all other threads of its
process meanwhile: in the window's process the arm's heartbeat would miss its deadline.
"""

import contextlib

from cameras.drivers.driver import CameraInfo
from cameras.drivers.listing import list_cameras
from cameras.errors import CameraError
from foundation.messages import Channel, ChannelClosed
from foundation.processes import RoleProcess

_ANSWER_WITHIN = 20.0  # s


def run(channel: Channel) -> None:
    """Answer each message with the cameras connected at that time, until the parent ends."""
    settings = channel.receive(10.0)
    lab = settings.get("lab")
    channel.send({"ready": None})
    with contextlib.suppress(ChannelClosed):
        while True:
            channel.receive()
            try:
                cameras = [[info.identity, info.name] for info in list_cameras(lab)]
                channel.send({"cameras": cameras})
            except CameraError as error:
                channel.send({"error": str(error)})


class ListingProcess:
    """Client of the process, a context manager. `lab` is the address of the lab's images, None without one."""

    def __init__(self, lab: str | None = None):
        self._process = RoleProcess("cameras", {"lab": lab})

    def cameras(self) -> list[CameraInfo]:
        """List the cameras connected now; waits. Raises CameraError if they cannot be listed."""
        self._process.channel.send({"do": "list"})
        try:
            answer = self._process.channel.receive(_ANSWER_WITHIN)
        except (TimeoutError, ChannelClosed) as error:
            raise CameraError("The cameras cannot be listed: their driver does not answer. Try again.") from error
        if "error" in answer:
            raise CameraError(str(answer["error"]))
        return [CameraInfo(str(identity), str(name)) for identity, name in answer["cameras"]]

    def close(self) -> None:
        self._process.close()

    def __enter__(self) -> "ListingProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
