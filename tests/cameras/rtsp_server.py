"""Simulated RTSP camera: JPEG over RTP (RFC 2435) interleaved in RTSP (RFC 2326, 10.12), on 127.0.0.1."""

import contextlib
import random
import socket
import struct
import threading
import time

import cv2
from mjpeg_server import HEIGHT, WIDTH, numbered_picture

_SDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=bench\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:track0\r\n"


class RtspCamera:
    """Camera that takes an image every `period` s and sends it up to `jitter` s later, with true RTP timestamps.

    `taken[n]` is the time (s, monotonic) at which image n was taken.
    """

    def __init__(self, period: float = 0.04, jitter: float = 0.0):
        self.period, self.jitter = period, jitter
        self.taken: dict[int, float] = {}
        self._off = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self._listener.getsockname()[1]}/stream"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as stream:
            while first := stream.read(1):
                if first == b"$":  # RTCP from the client
                    _, length = struct.unpack(">BH", stream.read(3))
                    stream.read(length)
                    continue
                method, headers = (first + stream.readline()).split()[0], {}
                while line := stream.readline().decode().strip():
                    key, _, value = line.partition(":")
                    headers[key.lower()] = value.strip()
                self._answer(connection, method, headers)

    def _answer(self, connection: socket.socket, method: bytes, headers: dict[str, str]) -> None:
        more, body = "Session: 1\r\n", ""
        if method == b"OPTIONS":
            more = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
        elif method == b"DESCRIBE":
            more, body = f"Content-Type: application/sdp\r\nContent-Length: {len(_SDP)}\r\n", _SDP
        elif method == b"SETUP":
            more += f"Transport: {headers['transport']}\r\n"
        connection.sendall(f"RTSP/1.0 200 OK\r\nCSeq: {headers['cseq']}\r\n{more}\r\n{body}".encode())
        if method == b"PLAY":
            self._threads.append(threading.Thread(target=self._send, args=(connection,)))
            self._threads[-1].start()

    def _send(self, connection: socket.socket) -> None:
        delays, sequence, began = random.Random(1), 0, time.monotonic()
        for number in range(1, 1 << 16):
            taken = began + number * self.period
            if self._off.wait(max(taken + delays.uniform(0, self.jitter) - time.monotonic(), 0)):
                return
            self.taken[number] = taken
            packets = _rtp_packets(numbered_picture(number), int(number * self.period * 90_000), sequence)
            sequence += len(packets)
            try:
                for packet in packets:
                    connection.sendall(struct.pack(">cBH", b"$", 0, len(packet)) + packet)
            except OSError:
                return

    def switch_off(self) -> None:
        self._off.set()
        if self._listener.fileno() < 0:
            return
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()


def _rtp_packets(rgb, stamp: int, sequence: int) -> list[bytes]:
    """Encode one image as RTP payload 26: quantisation tables in the first packet (Q = 255), then the scan's data."""
    options = [cv2.IMWRITE_JPEG_QUALITY, 85, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
    jpeg = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), options)[1].tobytes()
    tables, position = b"", 2
    while jpeg[position + 1] != 0xDA:
        length = struct.unpack(">H", jpeg[position + 2 : position + 4])[0]
        if jpeg[position + 1] == 0xDB:
            segment = jpeg[position + 4 : position + 2 + length]
            tables += b"".join(segment[i + 1 : i + 65] for i in range(0, len(segment), 65))
        position += 2 + length
    scan = jpeg[position + 2 + struct.unpack(">H", jpeg[position + 2 : position + 4])[0] : -2]
    pieces = [(start, scan[start : start + 1200]) for start in range(0, len(scan), 1200)]
    packets = []
    for index, (start, piece) in enumerate(pieces):
        last = 0x80 if index == len(pieces) - 1 else 0
        header = struct.pack(">BBHII", 0x80, last | 26, (sequence + index) % 2**16, stamp % 2**32, 1)
        header += struct.pack(">I", start) + bytes([1, 255, WIDTH // 8, HEIGHT // 8])
        if start == 0:
            header += struct.pack(">BBH", 0, 0, len(tables)) + tables
        packets.append(header + piece)
    return packets
