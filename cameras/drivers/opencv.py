"""Common base of all cameras read through OpenCV's VideoCapture."""

import time
from abc import ABC, abstractmethod

import cv2

from cameras.errors import CameraError
from cameras.frame import Frame
from cameras.intrinsics import Intrinsics


class OpenCVCamera(ABC):
    """`CameraDriver` over cv2.VideoCapture; abstract methods cover the differences between types of camera."""

    def __init__(self, identity: str, name: str):
        self._identity, self._name = identity, name
        self._video: cv2.VideoCapture | None = None
        self._size: tuple[int, int] | None = None

    @property
    def identity(self) -> str:
        return self._identity

    @property
    def name(self) -> str:
        return self._name

    @property
    def fps(self) -> float | None:
        return None

    @property
    def size(self) -> tuple[int, int] | None:
        return self._size

    @property
    def intrinsics(self) -> Intrinsics | None:
        return None

    def open(self) -> None:
        self.close()
        # Our own error is more informative than OpenCV's warning about its backends on standard error.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
        self._video = self._start()
        self._size = int(self._video.get(cv2.CAP_PROP_FRAME_WIDTH)), int(self._video.get(cv2.CAP_PROP_FRAME_HEIGHT))

    def read(self, timeout: float) -> Frame | None:
        if self._video is None:
            raise RuntimeError("the camera is not open")
        if not self._wait(self._video, timeout):
            return None
        # Timestamp first, then decoding, which may take 10 ms.
        if not self._grab(self._video):
            raise self._ended()
        grabbed = time.monotonic()
        there, bgr = self._video.retrieve()
        if not there:
            return None  # one frame that cannot be decoded; the next may be valid
        number, captured = self._number_and_capture_time(self._video, grabbed)
        rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        self._size = rgb.shape[1], rgb.shape[0]
        return Frame(self._identity, number, captured, rgb)  # type: ignore[arg-type]

    def close(self) -> None:
        if self._video is not None:
            self._video.release()
            self._video = None

    @abstractmethod
    def _start(self) -> cv2.VideoCapture:
        """Return an opened VideoCapture. Raises CameraError."""

    @abstractmethod
    def _wait(self, video: cv2.VideoCapture, timeout: float) -> bool:
        """Return whether a frame can be grabbed within `timeout` s."""

    def _grab(self, video: cv2.VideoCapture) -> bool:
        """Grab the next frame undecoded; False if there is none and never will be."""
        return video.grab()

    @abstractmethod
    def _number_and_capture_time(self, video: cv2.VideoCapture, grabbed: float) -> tuple[int, float]:
        """Return number and capture time (s, monotonic) of the frame just grabbed at `grabbed`."""

    @abstractmethod
    def _ended(self) -> CameraError:
        """Return the error that explains why no further frame will come."""
