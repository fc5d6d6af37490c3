"""Video file played as a camera, at its own rate."""

import time
from pathlib import Path

import cv2

from cameras.drivers.opencv import OpenCVCamera
from cameras.errors import CameraError


class VideoFileCamera(OpenCVCamera):
    """Camera that plays a video file at its own rate in a loop; frames count as captured when they are due."""

    def __init__(self, path: Path):
        super().__init__(f"file:{path}", path.name)
        self._path = path
        self._fps = 0.0
        self._next = 0
        self._began = 0.0

    @property
    def fps(self) -> float | None:
        return self._fps or None

    def _start(self) -> cv2.VideoCapture:
        if not self._path.is_file():
            raise CameraError(f"There is no file {self._path}. Choose another recording.")
        video = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        fps = video.get(cv2.CAP_PROP_FPS)
        if not video.isOpened() or not 0 < fps < 1000:
            video.release()
            raise CameraError(f"{self._path} is not a video that can be played. Choose another recording.")
        self._fps, self._began, self._next = fps, time.monotonic(), 0
        return video

    def _wait(self, video: cv2.VideoCapture, timeout: float) -> bool:
        remaining = self._began + self._next / self._fps - time.monotonic()
        if remaining > timeout:
            time.sleep(timeout)
            return False
        time.sleep(max(remaining, 0.0))
        return True

    def _grab(self, video: cv2.VideoCapture) -> bool:
        return video.grab() or (video.set(cv2.CAP_PROP_POS_FRAMES, 0) and video.grab())

    def _number_and_capture_time(self, video: cv2.VideoCapture, grabbed: float) -> tuple[int, float]:
        due = self._began + self._next / self._fps
        self._next += 1
        return self._next, due

    def _ended(self) -> CameraError:
        return CameraError(f"The recording {self._path.name} cannot be read on. Choose another recording.")
