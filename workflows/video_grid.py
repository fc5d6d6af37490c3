"""Side-by-side MP4 video of several cameras."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import av
import numpy as np

from foundation.errors import KnownError


class VideoError(KnownError):
    """The video file cannot be written."""


class SideBySideVideo:
    """An MP4 (H.264) at `fps` frames a second; a context manager. Raises VideoError when the file cannot be written."""

    def __init__(self, path: Path, fps: float):
        self._path, self._fps = path, fps
        with self._explained():
            self._file = path.open("wb")
        self._container = av.open(self._file, "w", format="mp4")
        self._stream = None

    def add(self, images: list[np.ndarray]) -> None:
        """Append one frame from `images` (H, W, 3) uint8 RGB of equal height, the same cameras in each call."""
        together = np.concatenate(images, axis=1)
        height, width = (size - size % 2 for size in together.shape[:2])  # H.264's 4:2:0 chroma needs even sizes
        if self._stream is None:
            self._stream = self._container.add_stream("libx264", rate=round(self._fps))
            self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(together[:height, :width]), format="rgb24")
        with self._explained():
            self._container.mux(self._stream.encode(frame))

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise VideoError(f"The video {self._path} cannot be written: {error.strerror}. Choose a place.") from error

    def __enter__(self) -> "SideBySideVideo":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file, self._explained():
            if self._stream is not None:
                self._container.mux(self._stream.encode())
            self._container.close()
