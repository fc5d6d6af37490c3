"""Window's end of the stop line (`stop_line.py`): presses are sent at once, and their results come back."""

import contextlib
import itertools
import math
import socket
import threading

from robot.errors import LinkError
from robot.service.stop_line import PRESS, TAKEN

_KEPT = 100  # answers
_UNREACHED = "Stop did not reach the arm: press the red emergency button."


class StopButton:
    """Stop button: `press` never waits, any thread may call it. Hand `theirs` to the robot process, then close it."""

    def __init__(self):
        self._line, self.theirs = socket.socketpair()
        self._line.settimeout(None)  # override any default set by a library: the reader below waits without limit
        self._numbers, self._lock = itertools.count(1), threading.Lock()
        self.pressed = 0  # number of the newest press, 0 before the first
        self._answered = threading.Condition()
        self._taken_at: dict[int, float] = {}
        self._ended = False
        self._reader = threading.Thread(target=self._read, name="stop-button", daemon=True)
        self._reader.start()

    def press(self) -> int:
        """Stop the arm; return the press's number. LinkError if the robot process is gone."""
        with self._lock:
            self.pressed = next(self._numbers)
            with contextlib.suppress(BlockingIOError):  # full of presses not yet taken: one more adds nothing
                try:
                    self._line.send(PRESS.pack(self.pressed), socket.MSG_DONTWAIT)
                except OSError as error:
                    raise LinkError(_UNREACHED) from error
            return self.pressed

    def taken(self, press: int, timeout: float) -> float:
        """Return the time (s, monotonic) at which the controller had taken this press; LinkError after `timeout` s."""
        with self._answered:
            known = self._answered.wait_for(lambda: self._ended or any(n >= press for n in self._taken_at), timeout)
            moments = [self._taken_at[n] for n in sorted(self._taken_at) if n >= press]
        if not known or not moments or math.isnan(moments[0]):
            raise LinkError(_UNREACHED)
        return moments[0]

    def hang_up(self) -> None:
        """Signal the end of the window to the robot process."""
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.hang_up()
        self._reader.join()
        self._line.close()

    def _read(self) -> None:
        received = b""
        while part := self._part():
            received += part
            whole = len(received) // TAKEN.size * TAKEN.size
            with self._answered:
                self._taken_at.update(TAKEN.iter_unpack(received[:whole]))
                for old in sorted(self._taken_at)[:-_KEPT]:
                    del self._taken_at[old]
                self._answered.notify_all()
            received = received[whole:]
        with self._answered:
            self._ended = True
            self._answered.notify_all()

    def _part(self) -> bytes:
        try:
            return self._line.recv(4096)
        except OSError:
            return b""
