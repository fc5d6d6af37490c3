"""What the Record screen shows: the cameras now with the tool's way, and the film of the episode that is looked at."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from foundation import xarm7
from foundation.errors import KnownError
from gui.connection import Connection
from gui.film import Film
from gui.jobs import Jobs
from gui.live_overlay import LiveView
from gui.teaching_views import TeachingViews


class RecordPictures(QObject):
    """`film` is None until one is wanted and loaded; `failed` says why it cannot be."""

    film_changed = Signal()
    failed = Signal(KnownError)

    def __init__(self, connection: Connection, jobs: Jobs, parent: QObject | None = None):
        super().__init__(parent)
        self._connection, self._jobs = connection, jobs
        self.film: Film | None = None
        self._wanted: Path | None = None
        self._trail: list[np.ndarray] = []
        self.look_at_cameras()

    def look_at_cameras(self) -> None:
        """Other cameras are connected."""
        self._views = TeachingViews(self._connection.session)

    def live_views(self) -> list[LiveView]:
        """Every camera now, the tool drawn into the calibrated ones, and its way since the recording began."""
        return self._views.views(self._connection.status, np.array(self._trail).reshape(-1, 3))

    def begin_trail(self) -> None:
        """The way is drawn from here on."""
        self._trail = []

    def lengthen_trail(self) -> None:
        """The tool is a part of its way farther."""
        status = self._connection.status
        if status is not None and np.isfinite(status.position).all():
            self._trail.append(xarm7.forward(status.position)[:3, 3])

    def want_film(self, folder: Path | None) -> None:
        """The episode in this folder is looked at from now on, or none."""
        if folder == self._wanted:
            return
        self._wanted = folder
        self._show(None)
        if folder is not None:

            def work(*_: Any) -> Film:
                from gui.record_film import episode_film

                return episode_film(folder)

            still = self._only_for(folder)
            self._jobs.run(work, name="load the film").on(done=still(self._show), failed=still(self.failed.emit))

    def _only_for(self, folder: Path) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
        """What comes of a folder that was kept or discarded meanwhile is of no interest."""
        return lambda act: lambda value: act(value) if folder == self._wanted else None

    def _show(self, film: Film | None) -> None:
        if film is not self.film:
            self.film = film
            self.film_changed.emit()
