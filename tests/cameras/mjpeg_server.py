"""Simulated IP camera: MJPEG over HTTP as such cameras send it, with their faults."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np

WIDTH, HEIGHT = 160, 120


def numbered_picture(number: int) -> np.ndarray:
    """Make (H, W, 3) uint8 RGB: noise, a red square in the top-left corner, the number as 16 black or white blocks."""
    rgb = np.random.default_rng(number).integers(60, 190, (HEIGHT, WIDTH, 3), np.uint8)
    rgb[:32, :32] = (220, 20, 20)
    for bit in range(16):
        rgb[100:120, 10 * bit : 10 * bit + 10] = 255 if number >> bit & 1 else 0
    return rgb


def read_number(rgb: np.ndarray) -> int:
    return sum(int(rgb[110, 10 * bit + 5].mean() > 127) << bit for bit in range(16))


class MjpegCamera:
    """Camera that sends on 127.0.0.1 while it is switched on.

    `period` s between frames; `frozen` repeats an image; `silent` sends nothing and keeps the connection; `sent[n]` is
    the time (s, monotonic) at which image n was sent.
    """

    def __init__(self):
        self.period, self.frozen, self.silent = 1 / 30, False, False
        self.sent: dict[int, float] = {}
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.switch_on()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/stream.mjpg"

    def switch_on(self) -> None:
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format, *args):
                pass

            def do_GET(self):
                if self.path != "/stream.mjpg":
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                camera._send(self.wfile)
                self.close_connection = True

        self._off = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = False  # so that switching off waits for every connection to end
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def _send(self, connection) -> None:
        number = max(self.sent, default=0)
        while not self._off.wait(self.period):
            if self.silent:
                continue
            number += not self.frozen
            bgr = cv2.cvtColor(numbered_picture(number), cv2.COLOR_RGB2BGR)
            jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
            header = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
            self.sent.setdefault(number, time.monotonic())
            try:
                connection.write(header + jpeg + b"\r\n")
            except OSError:
                return

    def switch_off(self) -> None:
        if self._server is not None:
            self._off.set()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None
