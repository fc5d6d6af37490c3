"""Writer of one view's video as H.264 in a fragmented MP4: whatever is in the file after a crash can be played."""

import errno
import os
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
from av.video.frame import PictureType

from storage.errors import DamagedFileError, StorageError

KEY_PERIOD = 0.5
"""s between key frames: what a jump to any frame costs at most in decoding."""

FRAGMENT = 0.25
"""s: how often what is encoded reaches the file, so that a crash costs half of what is promised, and a busy machine may
be behind with encoding by as much again."""

TICK = Fraction(1, 1_000_000)
"""s: a film counts its times from its first frame in microseconds."""

_CONTAINER = {
    "movflags": "frag_keyframe+empty_moov+default_base_moof",
    "frag_duration": str(round(FRAGMENT * 1e6)),
    "video_track_timescale": str(TICK.denominator),
    "flush_packets": "1",
}
# zerolatency: no frame waits in the encoder for later ones. Key frames are forced by time, not counted.
# ultrafast at 18: the error of superfast at 20 (39.7 dB on a noisy scene) for half of its processor time.
_ENCODER = {"preset": "ultrafast", "crf": "18", "tune": "zerolatency", "g": "100000", "forced-idr": "1"}


class VideoWriter:
    """Video writer of images with their times. Raises OSError for disk errors, StorageError for encoder errors."""

    def __init__(self, path: Path, width: int, height: int):
        self._out = _Append(path)
        self._size = (width + width % 2, height + height % 2)  # H.264's chroma needs even sizes
        self._container = av.open(self._out, "w", format="mp4", options=_CONTAINER)
        self._stream = self._container.add_stream("libx264", rate=30, options=_ENCODER)
        self._stream.width, self._stream.height = self._size
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = self._stream.time_base = TICK
        self._stream.codec_context.thread_count = 1  # the views are encoded in parallel
        self._first: float | None = None
        self._key = -np.inf
        self._before = -np.inf
        self.frames = 0

    def add(self, rgb: np.ndarray, time: float) -> None:
        """Append an image (height, width, 3) uint8 captured at `time` s, later than the previous one."""
        height, width = rgb.shape[:2]
        if (width, height) != self._size:
            rgb = np.pad(rgb, ((0, self._size[1] - height), (0, self._size[0] - width), (0, 0)), mode="edge")
        if self._first is None:
            self._first = time
        # Not OpenCV's I420: it subsamples colour instead of averaging, which costs 1.2 dB.
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
        frame.pts, frame.time_base = round((time - self._first) / TICK), TICK
        # A quarter of a frame early rather than a frame late: the key frame interval must not drift.
        period = time - self._before
        if time - self._key >= KEY_PERIOD - 0.25 * min(period, 0.1):
            frame.pict_type, self._key = PictureType.I, time
        self._mux(lambda: self._container.mux(self._stream.encode(frame)))
        self._before = time
        self.frames += 1

    def _mux(self, work: Callable[[], object]) -> None:
        try:
            work()
        except av.error.FFmpegError as error:
            self._out.check()  # the original error, if it was the disk
            raise StorageError(
                f"The film {self._out.path.name} could not be encoded: {error}. Record again."
            ) from error
        self._out.check()

    def sync(self) -> None:
        """Flush the finished fragments to disk."""
        self._out.sync()

    def close(self) -> None:
        """Write what is left and close; raises OSError, the file is closed in any case."""
        try:
            if self._out.error is None and self.frames:
                self._mux(lambda: self._container.mux(self._stream.encode()))
            self._mux(self._container.close)
            self._out.sync()
        finally:
            self._out.close()


class _Append:
    """Append-only file under a video; the first error is stored, and nothing is written after it."""

    def __init__(self, path: Path):
        self.path = path
        self._descriptor: int | None = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        if self.error is None and self._descriptor is not None:
            try:
                written = 0
                while written < len(data):
                    written += os.write(self._descriptor, data[written:])
            except OSError as error:
                self.error = error
        return len(data)  # the library above would hide an error; `check` raises it

    def check(self) -> None:
        if self.error is not None:
            raise OSError(self.error.errno or errno.EIO, self.error.strerror)

    def sync(self) -> None:
        if self._descriptor is not None:
            os.fdatasync(self._descriptor)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def cut_to_whole(path: Path) -> int:
    """Truncate a video after a crash to its last complete fragment; return the number of bytes removed.

    An MP4 is a sequence of boxes, each with its size in front (ISO/IEC 14496-12, 4.2); a fragment is a moof and an
    mdat.
    """
    size, at, whole, kinds = path.stat().st_size, 0, 0, []
    with path.open("r+b") as file:
        while at + 8 <= size:
            file.seek(at)
            length, kind = struct.unpack(">I4s", file.read(8))
            if length == 1:
                length = int.from_bytes(file.read(8), "big")
            if length < 8 or at + length > size:
                break
            at += length
            kinds.append(kind)
            if kind != b"moof":  # a moof without its mdat is no fragment
                whole = at
        if whole < size:
            file.truncate(whole)
            os.fsync(file.fileno())
    return size - whole


def video_times(path: Path) -> np.ndarray:
    """Return the times (n,) s of a video's frames after its first, without decoding. Raises DamagedFileError."""
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            if not container.streams.video:
                return np.zeros(0)
            stream = container.streams.video[0]
            base = float(stream.time_base or TICK)
            stamps = np.array(sorted(packet.pts for packet in container.demux(stream) if packet.pts is not None))
            return (stamps - stamps[0]) * base if len(stamps) else np.zeros(0)
    except (av.error.FFmpegError, OSError) as error:
        raise DamagedFileError(f"The film {path} cannot be read: {error}.") from error
