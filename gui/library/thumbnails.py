"""Thumbnails of the episodes: loaded in a job when they come into view, the newest request first, and cached."""

import uuid
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage, QPixmap

from gui.runtime.jobs import Job, Jobs

FILE = "thumbnail.jpg"
_KEPT = 400  # of 192 px width: 44 MB
_AT_ONCE = 16
_MOST_WAITING = 64  # requests scrolled out of view are dropped


class Thumbnails(QObject):
    """Cache of thumbnails; `arrived` is emitted after more were loaded. `folder(id)` is an episode's folder."""

    arrived = Signal()

    def __init__(self, jobs: Jobs, folder: Callable[[uuid.UUID], Path], parent: QObject | None = None):
        super().__init__(parent)
        self._jobs, self._folder = jobs, folder
        self._kept: OrderedDict[uuid.UUID, QPixmap | None] = OrderedDict()
        self._waiting: OrderedDict[uuid.UUID, None] = OrderedDict()
        self._job: Job | None = None

    def picture(self, episode: uuid.UUID) -> QPixmap | None:
        """Return a thumbnail; None while it is not loaded, and for an episode that has none."""
        if episode in self._kept:
            self._kept.move_to_end(episode)
            return self._kept[episode]
        self._waiting[episode] = None
        self._waiting.move_to_end(episode)
        while len(self._waiting) > _MOST_WAITING:
            self._waiting.popitem(last=False)
        if self._job is None:
            self._load()
        return None

    def _load(self) -> None:
        some = [self._waiting.popitem()[0] for _ in range(min(_AT_ONCE, len(self._waiting)))]
        paths = {each: self._folder(each) / FILE for each in some}
        work = lambda *_: {each: QImage(str(path)) for each, path in paths.items()}  # noqa: E731
        self._job = self._jobs.run(work, name="thumbnails").on(done=self._loaded, ended=self._ended)

    def _loaded(self, images: dict[uuid.UUID, QImage]) -> None:
        for episode, image in images.items():
            self._kept[episode] = None if image.isNull() else QPixmap.fromImage(image)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        self.arrived.emit()

    def _ended(self) -> None:
        self._job = None
        if self._waiting:
            self._load()
