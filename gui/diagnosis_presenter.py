"""Saving a diagnosis from the window: a job, how far it is, and what became of it."""

from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication, QScreen

from gui.runtime.connection import Connection
from gui.runtime.jobs import Job, Jobs
from workflows.diagnosis import Request, as_text, save_in_process


class DiagnosisPresenter(QObject):
    """One diagnosis at a time. `words` say how far it is or how it ended; `share` in [0, 1]."""

    changed = Signal()

    def __init__(
        self, connection: Connection, jobs: Jobs, settings_file: Path, logs: Path, parent: QObject | None = None
    ):
        super().__init__(parent)
        self._connection, self._jobs = connection, jobs
        self._settings_file, self.logs = settings_file, logs
        self._job: Job | None = None
        self.words, self.share = "", 0.0

    @property
    def busy(self) -> bool:
        return self._job is not None

    def save(self, file: Path, *, replace: bool) -> None:
        """Write it there; `replace`: a person has said that the file may be written over."""
        if self._job is not None:
            return
        screens = tuple(map(_words, QGuiApplication.screens()))
        library = str(self._connection.session.library_folder)
        request = Request(str(file), library, replace, screens, str(self._settings_file), str(self.logs))
        self._job = self._jobs.run(
            lambda token, report: save_in_process(request, report, token), name="save a diagnosis"
        ).on(
            done=lambda answer: self._say(as_text(answer)),
            failed=lambda error: self._say(str(error)),
            progress=self._say,
            cancelled=lambda: self._say("Cancelled: no diagnosis was saved."),
            ended=self._ended,
        )
        self._say("Beginning")

    def cancel(self) -> None:
        """Give it up."""
        if self._job is not None:
            self._job.cancel()

    def _say(self, words: str, share: float = 0.0) -> None:
        self.words, self.share = words, share
        self.changed.emit()

    def _ended(self) -> None:
        self._job = None
        self.changed.emit()


def _words(screen: QScreen) -> str:
    size = screen.size()
    scale, rate = screen.devicePixelRatio(), screen.refreshRate()
    return f"{size.width()} x {size.height()} px, scale {scale:g}, {rate:.0f} Hz"


def default_name(moment: datetime) -> str:
    """Return the file name to propose at a local `moment`."""
    return f"rehearse-diagnosis-{moment:%Y%m%d-%H%M}.zip"
