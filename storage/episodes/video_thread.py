"""Thread that encodes the video of one view during recording."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from storage.atomic_files import sync_folder
from storage.episodes.documents import ViewSpec
from storage.episodes.finalize import FRAME, frame_log_name, video_name
from storage.episodes.frame_source import FrameSource, StampedFrame
from storage.episodes.record_log import RecordLog
from storage.errors import RecordingError, StorageError
from storage.video.writer import VideoWriter

_POLL = 0.05  # s
_RATE_OVER = 60  # frames over which the displayed rate is taken


@dataclass(frozen=True)
class ViewProgress:
    """Progress of a view. `dropped` is by the camera's own counter; `late` of these because the encoder was behind."""

    name: str
    frames: int
    dropped: int
    repeated: int
    late: int
    fps: float


class VideoThread:
    """Thread that writes a source's frames to video and log, from construction until `stop`; `join` waits for it.

    A disk error is passed to `failed`, from this thread, and ends it; the video is closed as it is.
    """

    def __init__(
        self,
        folder: Path,
        index: int,
        view: ViewSpec,
        source: FrameSource,
        start: float,
        failed: Callable[[OSError | StorageError], None],
    ):
        self._folder, self._index, self._view = folder, index, view
        self._source, self._start, self._failed = source, start, failed
        self._late_before = source.dropped
        self._until: float | None = None
        self._dropped = self._repeated = self._frames = 0
        self._recent: deque[float] = deque(maxlen=_RATE_OVER)
        self._writer: VideoWriter | None = None
        self._log: RecordLog | None = None
        self._before: StampedFrame | None = None
        self._files = threading.Lock()  # serialises writing, closing and flushing
        self.closed_well = False
        self.newest: np.ndarray | None = None
        self._thread = threading.Thread(target=self._run, name=f"film {view.name}", daemon=True)
        self._thread.start()

    @property
    def progress(self) -> ViewProgress:
        recent = tuple(self._recent)
        fps = (len(recent) - 1) / (recent[-1] - recent[0]) if len(recent) > 1 else 0.0
        late = self._source.dropped - self._late_before
        return ViewProgress(self._view.name, self._frames, self._dropped, self._repeated, late, fps)

    def stop(self, until: float) -> None:
        """Process the frames captured before `until` s, then end."""
        if self._until is None:
            self._until = until

    def join(self) -> None:
        self._thread.join()

    def sync(self) -> None:
        """Flush the finished fragments to disk. Raises OSError."""
        with self._files:
            if self._writer is not None and self._log is not None:
                self._writer.sync()
                self._log.sync()

    def _run(self) -> None:
        fault: OSError | StorageError | None = None
        try:
            while True:
                frame = self._source.get(_POLL)
                if frame is None:
                    if self._until is not None:
                        break
                elif self._until is not None and frame.captured > self._until:
                    break
                elif frame.captured >= self._start:
                    self._take(frame)
        except (OSError, StorageError) as error:
            fault = error
        finally:
            fault = self._close() or fault
        if fault is not None:
            self._failed(fault)

    def _take(self, frame: StampedFrame) -> None:
        height, width = frame.rgb.shape[:2]
        if (width, height) != (self._view.width, self._view.height):
            raise RecordingError(
                f"The camera {self._view.name} changed its picture size from {self._view.width} x {self._view.height} "
                f"to {width} x {height} while recording. Record again."
            )
        before = self._before
        if before is not None:
            if frame.captured <= before.captured:  # timestamps of a video must rise
                return
            self._dropped += max(frame.number - before.number - 1, 0)
        repeated = before is not None and _same(before.rgb, frame.rgb)
        record = np.zeros((), FRAME)
        record["time"], record["number"] = frame.captured - self._start, frame.number
        record["repeated"] = repeated
        self._open()
        assert self._writer is not None and self._log is not None
        # The log first: a video never holds a frame without a known time.
        self._log.append(record)
        self._writer.add(frame.rgb, frame.captured)
        self._before, self.newest = frame, frame.rgb
        self._frames += 1
        self._repeated += repeated
        self._recent.append(frame.captured)

    def _open(self) -> None:
        if self._writer is None:
            log = RecordLog(self._folder / frame_log_name(self._index), FRAME)
            writer = VideoWriter(self._folder / video_name(self._index), self._view.width, self._view.height)
            sync_folder(self._folder)  # a power cut must not lose the file names
            with self._files:
                self._log, self._writer = log, writer

    def _close(self) -> OSError | StorageError | None:
        with self._files:
            writer, log, self._writer, self._log = self._writer, self._log, None, None
        fault: OSError | StorageError | None = None
        try:
            if writer is not None and log is not None:
                writer.close()
                log.sync()
            self.closed_well = True
        except (OSError, StorageError) as error:
            fault = error
        finally:
            if log is not None:
                log.close()
        return fault


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether two images are identical; sensor noise is decisive within a sixty-fourth of the pixels."""
    return a.shape == b.shape and np.array_equal(a[::8, ::8], b[::8, ::8]) and np.array_equal(a, b)
