"""One program at a time to one arm: two that send targets would tear at it.

The claim is a name in Linux's abstract socket namespace: it belongs to the process that holds it, is seen by all users
of the computer, and ends with the process, however that ends. Programs on other computers do not see it.
"""

import errno
import socket
import time

from robot.controller.endpoint import Endpoint
from robot.errors import RobotError

ENDS_WITHIN = 5.0  # s: a program that was just closed brings its arm to rest first


def lock_arm(endpoint: Endpoint, within: float = ENDS_WITHIN) -> socket.socket:
    """What holds the arm until it is closed. Raises RobotError when another program on this computer has it."""
    deadline = time.monotonic() + within
    while True:
        held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            held.bind(f"\0rehearse/arm/{endpoint.address}:{endpoint.port}")
            return held
        except OSError as error:
            held.close()
            if error.errno != errno.EADDRINUSE:
                raise RobotError(f"The arm could not be claimed for this program: {error.strerror}.") from error
        if time.monotonic() > deadline:
            raise RobotError(
                f"Another Rehearse on this computer moves the arm at {endpoint.address}. Close it there, then connect."
            )
        time.sleep(0.1)
