"""Image transport between processes: a shared memory ring whose slots are guarded by sequence numbers (seqlock).

A stream is one anonymous memory file (memfd) of a few slots. The writer fills the slots in turn; a reader copies one
and checks by its sequence number that it was not overwritten meanwhile. Descriptors are passed over a Unix socket in
the abstract namespace, so nothing has a name in a file system and nothing is left behind by any crash. After each frame
the writer sends its readers one byte, so that they can sleep until then.
"""

import contextlib
import os
import select
import socket
import struct
import threading
import time

import numpy as np

from foundation.errors import ProcessError
from foundation.frame_memory import SLOTS, SlotMemory, StoredFrame, StreamInfo
from foundation.messages import Channel, ChannelClosed

__all__ = ["FramePublisher", "FrameReader", "FrameStream", "StoredFrame", "StreamGone", "StreamInfo", "list_streams"]


class StreamGone(ProcessError):
    """The process that published the images has ended."""


class FrameStream:
    """Writing end of one stream, created by `FramePublisher.add`."""

    def __init__(self, info: StreamInfo):
        self.info = info
        self._descriptor = os.memfd_create(f"rehearse-{info.name}", os.MFD_CLOEXEC)
        os.ftruncate(self._descriptor, info.total_bytes)
        self._memory = SlotMemory(self._descriptor, info, writable=True)
        self._readers: list[socket.socket] = []
        self._lock = threading.Lock()
        self._number = 0
        self._ended = False

    def write(self, rgb: np.ndarray, captured: float, depth_mm: np.ndarray | None = None) -> int:
        """Publish this image as the newest frame and wake the readers; return its number, from 1 on."""
        self._number += 1
        sequence, captured_view, number, rgb_view, depth_view = self._memory.slot(self._number)
        sequence[0] += 1
        rgb_view[:] = rgb
        if depth_view is not None:
            depth_view[:] = 0 if depth_mm is None else depth_mm
        captured_view[0] = captured
        number[0] = self._number
        sequence[0] += 1
        self._memory.newest[0] = self._number
        with self._lock:
            for reader in self._readers.copy():
                try:
                    reader.send(b"\n")
                except BlockingIOError:
                    pass  # it has unread wake-ups and will look
                except OSError:
                    self._readers.remove(reader)
                    reader.close()
        return self._number

    def hand_over(self, reader: socket.socket) -> None:
        """Send the read-only memory and wake this reader from now on; close its socket when the stream has ended."""
        with self._lock:  # otherwise a stream that ends in between would never be noticed
            if self._ended:
                reader.close()
                return
            read_only = os.open(f"/proc/self/fd/{self._descriptor}", os.O_RDONLY | os.O_CLOEXEC)
            try:
                socket.send_fds(reader, [b"\n"], [read_only])
            finally:
                os.close(read_only)
            reader.setblocking(False)
            self._readers.append(reader)

    def close(self) -> None:
        with self._lock:
            self._ended = True
            for reader in self._readers:
                reader.close()
            self._readers.clear()
        self._memory.close()
        os.close(self._descriptor)


class FramePublisher:
    """Publisher of streams on `address`, an abstract Unix socket name; owns one thread that serves requests."""

    def __init__(self, address: str):
        self.address = address
        self.streams: dict[str, FrameStream] = {}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.settimeout(None)  # whatever default a library has set: accept without a timeout
        try:
            self._listener.bind("\0" + address)
        except OSError as error:
            self._listener.close()
            raise ProcessError(f"The name {address} for sharing pictures is taken. Is it running already?") from error
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, name="frame-publisher", daemon=True)
        self._thread.start()

    def add(self, info: StreamInfo) -> FrameStream:
        """Add a stream; its name must be new."""
        if info.name in self.streams:
            raise ValueError(f"there is a stream {info.name} already")
        self.streams[info.name] = stream = FrameStream(info)
        return stream

    def remove(self, name: str) -> None:
        """End one stream: its readers get StreamGone; the name may be added again."""
        self.streams.pop(name).close()

    def _serve(self) -> None:
        while True:
            try:
                asker, _ = self._listener.accept()
            except OSError:
                return
            if not _same_user(asker):
                asker.close()
                continue
            try:
                self._answer(asker)
            except (OSError, ChannelClosed, TimeoutError):
                asker.close()

    def _answer(self, asker: socket.socket) -> None:
        channel = Channel(asker)
        wanted = channel.receive(timeout=1.0).get("stream")
        stream = self.streams.get(str(wanted))
        if stream is not None:
            channel.send({"stream": vars(stream.info)})
            stream.hand_over(asker)
        else:
            channel.send({"streams": [vars(stream.info) for stream in list(self.streams.values())]})
            channel.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the accept
        self._listener.close()
        self._thread.join()
        for stream in self.streams.values():
            stream.close()


def list_streams(address: str) -> list[StreamInfo]:
    """Return the streams published at `address`; StreamGone when there is no publisher."""
    channel = _connect(address)
    try:
        channel.send({"stream": None})
        return [StreamInfo(**info) for info in channel.receive(timeout=2.0)["streams"]]
    except (ChannelClosed, TimeoutError) as error:
        raise StreamGone(f"Nobody shares pictures under the name {address} any more.") from error
    finally:
        channel.close()


class FrameReader:
    """Reading end of one stream. `latest` never waits; `wait` sleeps until a frame newer than the last read."""

    def __init__(self, address: str, name: str):
        channel = _connect(address)
        try:
            channel.send({"stream": name})
            answer = channel.receive(timeout=2.0)
            if "stream" not in answer:
                known = ", ".join(info["name"] for info in answer["streams"]) or "none"
                raise StreamGone(f"There is no picture stream {name}; there are: {known}.")
            self.info = StreamInfo(**answer["stream"])
            descriptor = self._descriptor(channel)
        except (ChannelClosed, TimeoutError) as error:
            channel.close()
            raise StreamGone(f"Nobody shares pictures under the name {address} any more.") from error
        except BaseException:
            channel.close()
            raise
        self._socket = socket.socket(fileno=os.dup(channel.fileno()))
        self._socket.setblocking(False)
        self._channel = channel
        try:
            self._memory = SlotMemory(descriptor, self.info, writable=False)
        finally:
            os.close(descriptor)

    @staticmethod
    def _descriptor(channel: Channel) -> int:
        descriptors = channel.take_descriptors()
        deadline = time.monotonic() + 2.0
        while not descriptors:
            ready, _, _ = select.select([channel.fileno()], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError("no memory came")
            with socket.socket(fileno=os.dup(channel.fileno())) as sock:
                data, descriptors, _, _ = socket.recv_fds(sock, 1, 4)
            if not data:
                raise ChannelClosed("the publisher has gone")
        return descriptors[0]

    def latest(self) -> StoredFrame | None:
        """Return a copy of the newest frame, None before the first. StreamGone when the publisher has ended."""
        self._take_wake_ups()
        return self._copy_newest()

    def wait(self, after: int, timeout: float) -> StoredFrame:
        """Return the frame after number `after`, or if overwritten, the next one still available; with 0 the newest.

        A reader that was delayed briefly misses none. TimeoutError when none arrived within `timeout` s.
        """
        deadline = time.monotonic() + timeout
        while True:
            self._take_wake_ups()
            newest = int(self._memory.newest[0])
            if newest > after:
                # One slot is being written, the oldest of the others may be next.
                frame = self._copy(max(after + 1, newest - (SLOTS - 2))) if after else None
                frame = frame or self._copy_newest()
                if frame is not None and frame.number > after:
                    return frame
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError(f"no new picture of {self.info.name} within {timeout} s")
            select.select([self._socket], [], [], remaining)

    def _take_wake_ups(self) -> None:
        try:
            if self._socket.recv(1 << 16) == b"":
                raise StreamGone(f"The process that made the pictures of {self.info.name} has ended.")
        except BlockingIOError:
            pass
        except OSError as error:
            raise StreamGone(f"The process that made the pictures of {self.info.name} has ended.") from error

    def _copy_newest(self) -> StoredFrame | None:
        while (newest := int(self._memory.newest[0])) > 0:
            frame = self._copy(newest)
            if frame is not None:
                return frame
        return None

    def _copy(self, wanted: int) -> StoredFrame | None:
        """Copy the slot of frame `wanted` consistently (seqlock read); None if it was overwritten meanwhile."""
        sequence, captured, number, rgb, depth = self._memory.slot(wanted)
        before = int(sequence[0])
        if before % 2:
            return None
        frame = StoredFrame(rgb.copy(), None if depth is None else depth.copy(), float(captured[0]), int(number[0]))
        return frame if int(sequence[0]) == before else None

    def close(self) -> None:
        self._memory.close()
        self._socket.close()
        self._channel.close()

    def __enter__(self) -> "FrameReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _connect(address: str) -> Channel:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(2.0)
    try:
        sock.connect("\0" + address)
    except OSError as error:
        sock.close()
        raise StreamGone(f"Nobody shares pictures under the name {address}. Is the lab running?") from error
    if not _same_user(sock):
        sock.close()
        raise StreamGone(f"Another user of this machine shares pictures under the name {address}: refused.")
    return Channel(sock)


def _same_user(sock: socket.socket) -> bool:
    """Check the peer's user by its kernel credentials: abstract sockets have no file permissions."""
    _, user, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return user == os.getuid()
