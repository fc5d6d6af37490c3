"""Continuous detection of a tag board in the newest frame of every camera, in a job."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cameras.frame import Frame
from gui.runtime.connection import Connection
from gui.runtime.jobs import Job, Jobs
from workflows.cancellation import Cancellation, Report

if TYPE_CHECKING:  # OpenCV and AprilTag are imported when they are first needed
    from cameras.calibration.board import TagBoard
    from cameras.calibration.board_view import BoardView, Sighting

_EVERY = 0.15  # s: keeps up with a board moved by hand, without loading a slow machine
_STILL_FRAMES = 3


@dataclass(frozen=True, eq=False)
class Seen:
    """Detection result of one frame."""

    frame: Frame
    sighting: "Sighting"


class BoardDetection:
    """Detector job; `seen` holds the newest result by identity. `start` and `stop` return at once.

    A board that is held still yields a view, passed to `taken(identity, view)` in the job's thread.
    """

    def __init__(self, connection: Connection, jobs: Jobs):
        self._connection, self._jobs = connection, jobs
        self._job: Job | None = None
        self.seen: dict[str, Seen] = {}
        self.board: TagBoard | None = None

    @property
    def watching(self) -> bool:
        return self._job is not None

    def start(self, board: "TagBoard", taken: "Callable[[str, BoardView], None] | None" = None) -> None:
        """Start detecting this board."""
        self.stop()
        self.board, self.seen = board, (seen := {})
        session = self._connection.session

        def work(token: Cancellation, report: Report) -> None:
            from cameras.calibration.board_view import look_for_board, median_view

            recent: dict[str, deque[Sighting]] = {}
            while True:
                token.wait(_EVERY)
                for identity, capture in tuple(session.captures.items()):
                    frame, before = capture.newest, seen.get(identity)
                    if frame is None or (before is not None and before.frame is frame):
                        continue
                    sighting = look_for_board(frame.rgb, board, camera=session.names.get(identity, identity))
                    seen[identity] = Seen(frame, sighting)
                    kept = recent.setdefault(identity, deque(maxlen=_STILL_FRAMES))
                    kept.append(sighting)
                    if taken is None or len(kept) < _STILL_FRAMES or any(each.view is None for each in kept):
                        continue
                    view = median_view([each.view for each in kept if each.view is not None])
                    if view is not None:
                        kept.clear()
                        taken(identity, view)

        self._job = self._jobs.run(work, name="look for the board")

    def stop(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._job = None
