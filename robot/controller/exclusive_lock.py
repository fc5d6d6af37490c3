"""Exclusive lock on an arm: two programs that send targets would fight over it.

The lock is a name in Linux's abstract socket namespace: it is owned by the process, visible to all users of the
computer, and released when the process ends for any reason. It is invisible to other computers.
"""

import errno
import socket
import time

from robot.controller.endpoint import Endpoint
from robot.errors import RobotError

ENDS_WITHIN = 5.0  # s: a program that was just closed first brings its arm to rest


def lock_arm(endpoint: Endpoint, within: float = ENDS_WITHIN) -> socket.socket:
    """Acquire the lock on the arm, held until closed. Raises RobotError if another program here holds it."""
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
