"""Watchdog over the cameras during a motion: pauses it when one of its cameras no longer delivers a live image."""

import contextlib
import logging
import threading
from collections.abc import Mapping
from typing import Self

from cameras.capture import Capture
from cameras.health import State
from foundation.errors import KnownError
from foundation.log import SHOWN
from robot.service.client import RobotClient
from robot.state import ArmState

_log = logging.getLogger(__name__)

_PERIOD = 0.02  # s between polls: the capture notices a fault within 500 ms, so the motion pauses within 600 ms in all


class CameraWatchdog:
    """Pauses a running motion when a camera freezes, stalls, slows down or disconnects; the operator decides what next.

    `captures` by name; `reason` is '' or the message for the operator, and is kept until the next motion begins.
    A context manager with one thread.
    """

    def __init__(self, robot: RobotClient, captures: Mapping[str, Capture]):
        self._robot, self._captures = robot, dict(captures)
        self.reason = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="camera-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._ended.wait(_PERIOD):
            with contextlib.suppress(KnownError):  # a robot process that has exited has already stopped the arm
                self._look()

    def _look(self) -> None:
        status = self._robot.status
        if status is None or status.state is not ArmState.FOLLOWING:
            return
        for name, capture in self._captures.items():
            state = capture.state
            if state is not State.LIVE:
                self.reason = f"Paused: the camera {name} is {state}. Look at it, then go on or stop."
                _log.warning("%s", self.reason, extra=SHOWN)
                self._robot.pause()
                return
