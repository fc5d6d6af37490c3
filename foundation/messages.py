"""Messages between the program's own processes: dictionaries of plain values and NumPy arrays over a local socket.

Wire format: u32 big-endian length, then msgpack. Arrays are encoded as extension type 1, (dtype, shape, raw bytes).
Nothing is ever unpickled: a receiver can only get data. File descriptors may be passed along on Unix sockets.
"""

import contextlib
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Sequence
from typing import Any

import msgpack
import numpy as np

from foundation.errors import ProcessError

LARGEST_MESSAGE = 1 << 28  # bytes; 100 times our largest message, and a corrupted length cannot exhaust the memory
_ARRAY = 1
_MOST_DESCRIPTORS = 16
_UNREADABLE = (  # NumPy parses some dtypes as Python
    *(ValueError, TypeError, SyntaxError, OverflowError, RecursionError),
    msgpack.UnpackException,
)


class ChannelClosed(ProcessError):
    """The peer process has ended, or sent data that is not a message."""


class UnreadableMessage(ChannelClosed):
    """A complete message whose content cannot be decoded; callers may treat it as a closed channel."""


def pack(message: dict[str, Any]) -> bytes:
    """Serialize a message, without its length prefix; TypeError for values that are not plain data."""
    return bytes(msgpack.packb(message, default=_pack_array) or b"")


def unpack(data: bytes | bytearray | memoryview) -> dict[str, Any]:
    """Deserialize a message; arrays are read-only views of `data`. UnreadableMessage for bytes that are no message."""
    try:
        message = msgpack.unpackb(data, ext_hook=_unpack_array)
    except _UNREADABLE as error:
        sentence = f"Another part of the program sent something unreadable ({error}). Restart it."
        raise UnreadableMessage(sentence) from error
    if not isinstance(message, dict):
        raise UnreadableMessage("Another part of the program sent something that is not a message. Restart it.")
    return message


def _pack_array(value: Any) -> msgpack.ExtType:
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if not isinstance(value, np.ndarray) or value.dtype.hasobject:
        raise TypeError(f"a message cannot hold a {type(value).__name__}")
    return msgpack.ExtType(_ARRAY, msgpack.packb((value.dtype.str, value.shape, value.tobytes())))


def _unpack_array(code: int, data: bytes) -> np.ndarray:
    if code != _ARRAY:
        raise ValueError(f"extension type {code}")
    dtype, shape, raw = msgpack.unpackb(data)
    dtype = np.dtype(dtype)
    if dtype.hasobject:
        raise ValueError("an array of objects")
    return np.frombuffer(raw, dtype).reshape(shape)


class Channel:
    """One end of a stream socket carrying messages in both directions.

    Any thread may send; one thread at a time receives. Both raise ChannelClosed once the peer has gone.
    """

    def __init__(self, sock: socket.socket):
        self._socket = sock
        sock.setblocking(False)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._send_lock = threading.Lock()
        self._received = bytearray()
        self._descriptors: list[int] = []
        self._closed = False
        self.largest = LARGEST_MESSAGE  # bytes; a receiver that expects less may lower it

    def send(self, message: dict[str, Any], *, descriptors: Sequence[int] = (), timeout: float = 5.0) -> None:
        """Send a whole message; a receiver that accepts no data for `timeout` s counts as gone."""
        body = pack(message)
        data = memoryview(struct.pack(">I", len(body)) + body)
        deadline = time.monotonic() + timeout
        with self._send_lock:
            while data:
                try:
                    if descriptors:
                        sent = socket.send_fds(self._socket, [data], list(descriptors))
                        descriptors = ()
                    else:
                        sent = self._socket.send(data)
                    data = data[sent:]
                except BlockingIOError:
                    if not self._wait(select.POLLOUT, deadline):
                        self.close()  # a message was truncated: nothing after it could be parsed
                        raise ChannelClosed("Another part of the program does not answer. Restart it.") from None
                except OSError as error:
                    raise ChannelClosed("Another part of the program has ended.") from error

    def receive(self, timeout: float | None = None) -> dict[str, Any]:
        """Return the next message; TimeoutError when none is complete after `timeout` s (None: no timeout)."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            message = self._next_received()
            if message is not None:
                return message
            try:
                data, descriptors, _, _ = self._read()
            except BlockingIOError:
                if not self._wait(select.POLLIN, deadline):
                    raise TimeoutError("no message yet") from None
                continue
            except OSError as error:
                raise ChannelClosed("Another part of the program has ended.") from error
            self._descriptors.extend(descriptors)
            if not data:
                raise ChannelClosed("Another part of the program has ended.")
            self._received += data

    def take_descriptors(self) -> list[int]:
        """Return the file descriptors received with the messages so far; the caller closes them."""
        taken, self._descriptors = self._descriptors, []
        return taken

    def fileno(self) -> int:
        """Return the file descriptor for select and poll; -1 when closed."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close this end; a thread blocked in `receive` gets ChannelClosed."""
        self._closed = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for descriptor in self.take_descriptors():
            os.close(descriptor)

    def _read(self) -> tuple[bytes, list[int], int, Any]:
        if self._socket.family == socket.AF_UNIX:
            return socket.recv_fds(self._socket, 1 << 20, _MOST_DESCRIPTORS)
        return self._socket.recv(1 << 20), [], 0, None

    def _next_received(self) -> dict[str, Any] | None:
        if len(self._received) < 4:
            return None
        length = int.from_bytes(self._received[:4], "big")
        if length > self.largest:
            raise ChannelClosed(f"Another part of the program announced a message of {length} bytes. Restart it.")
        if len(self._received) < 4 + length:
            return None
        body = bytes(self._received[4 : 4 + length])
        del self._received[: 4 + length]
        return unpack(body)

    def _wait(self, event: int, deadline: float | None) -> bool:
        poll = select.poll()
        try:
            poll.register(self._socket, event)
        except (OSError, ValueError) as error:
            raise ChannelClosed("This connection was closed.") from error
        while True:
            remaining = None if deadline is None else deadline - time.monotonic()
            if remaining is not None and remaining <= 0:
                return False
            # Wake up periodically to notice that another thread closed this end.
            if poll.poll(200.0 if remaining is None else min(200.0, 1e3 * remaining)):
                return True
            if self._closed:
                raise ChannelClosed("This connection was closed.")


def channel_pair() -> tuple[Channel, socket.socket]:
    """Return our end, and the socket to hand to a child process."""
    ours, theirs = socket.socketpair()
    return Channel(ours), theirs
