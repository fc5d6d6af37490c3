"""Reader of one view's video: exact access to any frame, or the frames at many times in one pass."""

from collections.abc import Iterator
from pathlib import Path

import av
import av.error
import numpy as np
from av.video.reformatter import VideoReformatter

from storage.errors import DamagedFileError
from storage.video.writer import TICK


class VideoReader:
    """Open video, to be closed; used by one thread at a time. Raises DamagedFileError.

    `times` (n,) are s of each frame since the first. Images are (height, width, 3) uint8 RGB, as recorded.
    """

    def __init__(self, path: Path, width: int | None = None, height: int | None = None):
        self._path, self._size = path, (height, width)
        self._container = None
        self._reformatter = VideoReformatter()  # shared: creating one costs more than converting a small image
        try:
            self._container = av.open(str(path), metadata_errors="replace")  # titles may be corrupt
            # A stream without a context has a codec that cannot be decoded here.
            streams = [stream for stream in self._container.streams.video if stream.codec_context is not None]
            if not streams:
                raise DamagedFileError(f"The file {path} holds no film that can be played.")
            self._stream = streams[0]
            self._stream.codec_context.thread_count = 1
            # Reading all packets also indexes the fragments: seeking is exact afterwards.
            self._stamps = np.array(
                sorted(packet.pts for packet in self._container.demux(self._stream) if packet.pts is not None)
            )
        except (av.error.FFmpegError, OSError) as error:
            self.close()
            raise DamagedFileError(f"The film {path} cannot be played: {error}.") from error
        except DamagedFileError:
            self.close()
            raise
        base = self._stream.time_base or TICK
        self.times = (self._stamps - self._stamps[0]) * float(base) if len(self._stamps) else np.zeros(0)
        self._decoding: Iterator[av.VideoFrame] | None = None
        self._next = 0

    def __len__(self) -> int:
        return len(self._stamps)

    def frame(self, index: int) -> np.ndarray:
        """Decode one frame; sequential access is fast, random access costs up to a key frame interval.

        Raises DamagedFileError if it is missing or cannot be decoded.
        """
        if index < 0:
            raise IndexError(f"a film has no frame {index}")
        if index >= len(self):  # the list of frames contains it
            raise DamagedFileError(f"The film {self._path} ends before frame {index}: it has only {len(self)}.")
        # Up to half a second ahead decoding is cheaper than seeking.
        if self._decoding is None or not self._next <= index < self._next + 15:
            self._seek(index)
        while True:
            picture = self._decoded()
            if self._next > index:
                return self._rgb(picture)

    def frames(self, indices: np.ndarray) -> np.ndarray:
        """Return images (n, height, width, 3) of frames in rising order; equal indices are decoded once."""
        pictures: list[np.ndarray] = []
        before = -1
        for index in np.asarray(indices):
            pictures.append(pictures[-1] if index == before else self.frame(int(index)))
            before = index
        if not pictures:
            height, width = self._size
            context = self._stream.codec_context
            return np.zeros((0, height or context.height, width or context.width, 3), np.uint8)
        return np.stack(pictures)

    def _seek(self, index: int) -> None:
        assert self._container is not None
        try:
            self._container.seek(int(self._stamps[index]), stream=self._stream)
        except (av.error.FFmpegError, OSError) as error:
            raise DamagedFileError(f"The film {self._path} cannot be played: {error}.") from error
        self._decoding = self._container.decode(self._stream)
        self._next = 0

    def _decoded(self) -> av.VideoFrame:
        assert self._decoding is not None
        try:
            picture = next(self._decoding)
        except StopIteration:
            raise DamagedFileError(f"The film {self._path} ends before its last frame.") from None
        except (av.error.FFmpegError, OSError) as error:
            raise DamagedFileError(f"The film {self._path} cannot be played: {error}.") from error
        self._next = int(np.searchsorted(self._stamps, int(picture.pts or 0))) + 1
        return picture

    def _rgb(self, picture: av.VideoFrame) -> np.ndarray:
        rgb = self._reformatter.reformat(picture, format="rgb24", threads=1).to_ndarray()
        height, width = self._size
        return rgb[:height, :width]

    def close(self) -> None:
        if self._container is not None:
            self._container.close()
            self._container = None

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
