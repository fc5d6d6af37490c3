"""Simulated controller on TCP, as the SDK expects it: command sockets, report sockets, one serving thread."""

import selectors
import socket
import threading
import time

from simulation.controller.controller import TICK, Controller
from simulation.controller.report import PERIODS
from simulation.controller.server_connection import Connection
from simulation.controller.server_ports import (
    DEFAULT_PORT,
    command_and_report_ports,
    free_loopback_address,
    is_loopback,
    listen,
)
from simulation.errors import SimulationError

__all__ = ["DEFAULT_PORT", "ControllerServer", "free_loopback_address"]


FAULT_POLL = 0.02  # s within which an injected fault takes effect


class ControllerServer:
    """Server of one controller on `address` until `close()`; the owner calls `advance()` 250 times a second.

    Everything that touches the controller holds `lock`: the serving thread does, `advance` does, and the owner has to
    when it uses the controller directly. Raises SimulationError when a port is taken, or when `address` is not a
    loopback address and `allow_remote` is not set.
    """

    def __init__(self, controller: Controller, address: str, port: int = DEFAULT_PORT, *, allow_remote: bool = False):
        if not allow_remote and not is_loopback(address):
            raise SimulationError(
                f"The simulated arm serves only this machine, and {address} is not one of its own addresses. "
                "Choose one that begins with 127."
            )
        if not 1 <= port <= 65534:
            raise SimulationError(f"There is no port {port}. Choose one between 1024 and 65534.")
        self.controller, self.address, self.port = controller, address, port
        self.lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._selector = selectors.DefaultSelector()
        self._wake_in, self._wake_out = socket.socketpair()
        self._listeners: list[socket.socket] = []
        self._connections: list[Connection] = []
        self._closing = False
        self._drops = controller.faults.drops
        self._due = dict.fromkeys(PERIODS, 0.0)

    def start(self) -> None:
        """Listen and serve from a thread of its own."""
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        try:
            self._listen()
        except OSError as error:
            self._close_sockets()
            raise SimulationError(
                f"The simulated arm cannot use the ports {self.port}, {self.port + 1} and 30000 to 30003 of "
                f"{self.address}: {error.strerror}. Close the other program or choose another address."
            ) from error
        self._selector.register(self._wake_in, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._serve, name=f"controller-{self.address}", daemon=True)
        self._thread.start()

    def advance(self) -> None:
        """Run one controller cycle, then send the reports and the feedback that are due."""
        with self.lock:
            self.controller.tick()
            if self._connections and not self.controller.faults.hang:
                self._send_feedback()
                self._send_reports()

    def close(self) -> None:
        """End every connection and the thread; may be called twice."""
        self._closing = True
        if self._thread is not None:
            self._wake()
            self._thread.join()
            self._thread = None
        with self.lock:
            self._close_sockets()

    def __enter__(self) -> "ControllerServer":
        self.start()
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    # The serving thread

    def _serve(self) -> None:
        while not self._closing:
            ready = self._selector.select(self._timeout())
            arrived = time.monotonic()
            with self.lock:
                for key, _ in ready:
                    if key.fileobj is self._wake_in:
                        self._drain_wakes()
                    elif isinstance(key.data, Connection):
                        self._read(key.data, arrived)
                    else:
                        self._accept(key.fileobj, key.data)  # type: ignore[arg-type]
                self._flush()
                self._meet_faults()

    def _timeout(self) -> float:
        dues = [c.next_due for c in self._connections if c.next_due is not None]
        return max(0.0, min([FAULT_POLL, *(due - time.monotonic() for due in dues)]))

    def _listen(self) -> None:
        opened: list[socket.socket] = []
        try:
            for port, kind in command_and_report_ports(self.port).items():
                opened.append(listen(self.address, port))
                self._selector.register(opened[-1], selectors.EVENT_READ, kind)
        except OSError:
            for listener in opened:
                if listener.fileno() in self._selector.get_map():
                    self._selector.unregister(listener)
                listener.close()
            raise
        self._listeners = opened

    def _accept(self, listener: socket.socket, kind: int) -> None:
        try:
            connected, (host, port) = listener.accept()
        except OSError:  # the client disconnected before it was accepted
            return
        connection = Connection(connected, kind, f"{host}:{port}", self._wake)
        self._connections.append(connection)
        self._selector.register(connected, selectors.EVENT_READ, connection)

    def _read(self, connection: Connection, arrived: float) -> None:
        for frame in connection.receive():
            reply = self.controller.handle(frame, connection.client, arrived=arrived)
            if reply is not None:
                delay = self.controller.faults.reply_delay
                connection.send(reply, due=arrived + delay if delay > 0 else None)

    def _flush(self) -> None:
        """Send what is due, watch the connections with unsent bytes, and drop the closed ones."""
        now = time.monotonic()
        for connection in self._connections.copy():
            connection.flush(now)
            if connection.closed:
                self._drop(connection)
            else:
                events = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.blocked else 0)
                if self._selector.get_key(connection.socket).events != events:
                    self._selector.modify(connection.socket, events, connection)

    def _drop(self, connection: Connection) -> None:
        self._selector.unregister(connection.socket)
        connection.close()
        self._connections.remove(connection)
        self.controller.forget(connection.client)

    def _meet_faults(self) -> None:
        faults = self.controller.faults
        if faults.dead:  # listeners first: a dropped client that reconnects is refused
            for listener in self._listeners:
                self._selector.unregister(listener)
                listener.close()
            self._listeners = []
        if faults.dead or faults.drops != self._drops:
            self._drops = faults.drops
            for connection in self._connections.copy():
                self._drop(connection)
        if not faults.dead and not self._listeners:
            try:
                self._listen()
            except OSError:  # another process holds the port at present: tried again at the next poll
                return

    def _wake(self) -> None:
        try:
            self._wake_out.send(b"\0")
        except OSError:  # full: the thread is awake already; closed: the thread has ended
            return

    def _drain_wakes(self) -> None:
        try:
            while self._wake_in.recv(256):
                pass
        except BlockingIOError:
            return

    # From the owner's thread, under the lock

    def _send_feedback(self) -> None:
        if self.controller.has_feedback():
            for connection in self._connections:
                for frame in self.controller.take_feedback(connection.client):
                    connection.send(frame)

    def _send_reports(self) -> None:
        now = self.controller.time + TICK / 2
        for port, period in PERIODS.items():
            if now < self._due[port]:
                continue
            self._due[port] = max(self._due[port] + period, now - period)
            listeners = [c for c in self._connections if c.kind == port]
            if listeners:
                frame = self.controller.report(port)
                for connection in listeners:
                    connection.send(frame, droppable=True)

    def _close_sockets(self) -> None:
        for connection in self._connections:
            connection.close()
            self.controller.forget(connection.client)
        for opened in (*self._listeners, self._wake_in, self._wake_out):
            opened.close()
        self._connections, self._listeners = [], []
        self._selector.close()
