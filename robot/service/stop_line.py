"""Stop line, a dedicated path of the stop button: one socket from the window, one thread, one connection to the arm.

The window sends four bytes per press, its number; the reply is the number and the time at which the controller had
taken the stop, both on this machine's monotonic clock. The end of the socket is the end of the window.
"""

import contextlib
import logging
import socket
import struct
import threading
import time
from collections.abc import Callable

from foundation.arm import ArmLink
from foundation.errors import KnownError
from foundation.log import SHOWN

_log = logging.getLogger(__name__)

PRESS = struct.Struct(">I")
TAKEN = struct.Struct(">Id")  # the press's number; NaN if the controller did not take it
_CHECK = 1.0  # s between checks that the controller still answers on this connection


class StopLine:
    """Thread that waits for presses on `line` and sends each to `link` at once.

    `pressed(number)` is called before sending, so that no target follows the stop; `ended()` when the window is gone.
    """

    def __init__(self, line: socket.socket, link: ArmLink, pressed: Callable[[int], None], ended: Callable[[], None]):
        self._line, self._link, self._pressed, self._ended = line, link, pressed, ended
        self.fault = ""
        line.settimeout(_CHECK)
        self._thread = threading.Thread(target=self._work, name="stop-line", daemon=True)
        self._thread.start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._line.close()

    def _work(self) -> None:
        received = b""
        while True:
            try:
                part = self._line.recv(4096)
            except TimeoutError:
                self._look()
                continue
            except OSError:
                part = b""
            if not part:
                self._ended()
                return
            received += part
            whole = len(received) // PRESS.size * PRESS.size
            if whole:
                # Presses that arrived together are one stop; the last has the highest number.
                self._stop(PRESS.unpack(received[whole - PRESS.size : whole])[0])
                received = received[whole:]

    def _stop(self, number: int) -> None:
        self._pressed(number)
        came, taken = time.monotonic(), float("nan")
        try:
            self._link.stop()
            taken, self.fault = time.monotonic(), ""
            _log.info("Stop, press %d: taken by the controller after %.1f ms", number, 1000 * (taken - came))
        except KnownError as error:
            self.fault = f"Stop did not reach the arm: press the red emergency button. {error}"
            _log.error("Stop, press %d: %s", number, self.fault, extra=SHOWN)
        with contextlib.suppress(OSError):
            self._line.sendall(TAKEN.pack(number, taken))

    def _look(self) -> None:
        try:
            self._link.read_status()
            self.fault = ""
        except KnownError as error:
            self.fault = f"The stop button does not reach the arm: use the red emergency button. {error}"
