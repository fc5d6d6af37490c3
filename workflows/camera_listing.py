"""Enumeration of connected cameras in a separate process, and detection of the camera that was just unplugged."""

import time

from cameras.drivers.driver import CameraInfo
from cameras.drivers.listing_process import ListingProcess
from foundation.errors import KnownError
from workflows.cancellation import Cancellation, Report

LOOK_EVERY = 0.3  # s
UNPLUG_WITHIN = 60.0  # s


class NothingUnpluggedError(KnownError):
    """No camera was unplugged before the timeout."""


def connected_cameras(lab: str | None) -> list[CameraInfo]:
    """List all cameras connected now; blocks. `lab`: address of the lab's image server, None without a lab.

    Raises CameraError when they cannot be listed.
    """
    with ListingProcess(lab) as listing:
        return listing.cameras()


def wait_for_unplugged(lab: str | None, token: Cancellation, report: Report) -> str:
    """Wait until a camera disappears from the list, and return its identity. `report` is called when watching begins.

    Raises NothingUnpluggedError after UNPLUG_WITHIN s (one minute), CameraError, Cancelled.
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
