"""Which cameras are connected, asked in a process of its own, and which one a person has just unplugged."""

import time

from cameras.drivers.driver import CameraInfo
from cameras.drivers.listing_process import ListingProcess
from foundation.errors import KnownError
from workflows.cancellation import Cancellation, Report

LOOK_EVERY = 0.3  # s
UNPLUG_WITHIN = 60.0  # s


class NothingUnpluggedError(KnownError):
    """Nobody has unplugged a camera within the time."""


def connected_cameras(lab: str | None) -> list[CameraInfo]:
    """List every camera that is connected now; waits. `lab`: the address of the lab's pictures, None without one.

    Raises CameraError when they cannot be listed.
    """
    with ListingProcess(lab) as listing:
        return listing.cameras()


def wait_for_unplugged(lab: str | None, token: Cancellation, report: Report) -> str:
    """Wait until a camera is gone from the list, and return its identity. `report` is called when the watch begins.

    Raises NothingUnpluggedError after a minute, CameraError, Cancelled.
    """
    with ListingProcess(lab) as listing:
        before = {info.identity for info in listing.cameras()}
        report("Watching", 0.0)
        deadline = time.monotonic() + UNPLUG_WITHIN
        while time.monotonic() < deadline:
            token.wait(LOOK_EVERY)
            gone = before - {info.identity for info in listing.cameras()}
            if gone:
                return gone.pop()
    raise NothingUnpluggedError(
        "No camera was unplugged within a minute. Press the button, then pull the cable of the camera you look for."
    )
