"""One accepted connection of the simulated controller: framing of input, non-blocking output."""

import socket
from collections import deque
from collections.abc import Callable

from simulation.controller.protocol import FramingError, split_frames

COMMAND = 0  # the kind of a command connection; a report connection's kind is its port
RECEIVE_BYTES = 65536


class Connection:
    """Connection for use under the server's lock only. `wake` makes the serving thread send what remained unsent."""

    def __init__(self, accepted: socket.socket, kind: int, client: str, wake: Callable[[], None]):
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket, self.kind, self.client = accepted, kind, client
        self.closed = False
        self._wake = wake
        self._received = bytearray()
        self._unsent = bytearray()
        self._later: deque[tuple[float, bytes]] = deque()

    def receive(self) -> list[bytes]:
        """Return the whole frames received; marks itself closed when the peer is gone or sends anything else."""
        try:
            data = self.socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return []
        if self.kind != COMMAND:  # input on a report port is ignored
            return []
        self._received += data
        try:
            return split_frames(self._received)
        except FramingError:
            self.closed = True
            return []

    def send(self, data: bytes, *, due: float | None = None, droppable: bool = False) -> None:
        """Send now, or at monotonic time `due`; a droppable frame is left out while older bytes are still waiting."""
        if self.closed or (droppable and self._unsent):
            return
        if due is not None or self._later:
            self._later.append((due or 0.0, data))
            self._wake()
            return
        self._unsent += data
        self._push()
        if self._unsent or self.closed:
            self._wake()

    def flush(self, now: float) -> None:
        while self._later and self._later[0][0] <= now:
            self._unsent += self._later.popleft()[1]
        self._push()

    @property
    def next_due(self) -> float | None:
        return self._later[0][0] if self._later else None

    @property
    def blocked(self) -> bool:
        """Whether bytes wait for room in the system's buffer."""
        return bool(self._unsent)

    def close(self) -> None:
        self.closed = True
        self.socket.close()

    def _push(self) -> None:
        if not self._unsent:
            return
        try:
            sent = self.socket.send(self._unsent)
        except BlockingIOError:
            return
        except OSError:
            self.closed = True
            return
        del self._unsent[:sent]
