"""The window's only open library: opened in a job when it is first needed, and closed with the window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from foundation.errors import KnownError
from gui.runtime.jobs import Job, Jobs
from workflows.cancellation import Cancellation, Report

if TYPE_CHECKING:  # SQLAlchemy and Arrow take a second to import: the window must not wait for them
    from storage.library import Library


class OpenLibrary(QObject):
    """Owner of the open library: `library` is None until `opened`, which follows `ask` (at once when already open).

    `folder()` returns the library's folder. When opening fails, `problem` holds the message; `ask` tries again.
    """

    opened = Signal()
    failed = Signal(KnownError)

    def __init__(self, jobs: Jobs, folder: Callable[[], Path], parent: QObject | None = None):
        super().__init__(parent)
        self._jobs, self._folder = jobs, folder
        self._job: Job | None = None
        self._late: Library | None = None  # opened by a job whose result has not been delivered yet
        self.library: Library | None = None
        self.problem = ""

    @property
    def opening(self) -> bool:
        return self._job is not None

    def ask(self) -> None:
        """Open the library; returns at once."""
        if self.library is not None:
            self.opened.emit()
        elif self._job is None:
            self.problem = ""
            folder = self._folder()

            def work(token: Cancellation, report: Report) -> Library:
                from storage.library import Library

                self._late = Library(folder)
                return self._late

            self._job = self._jobs.run(work, name="open the library")
            self._job.on(done=self._is_open, failed=self._is_not, ended=self._ended)

    def close(self) -> None:
        """Close the library; call it when no job uses it any more."""
        for library in {self.library, self._late}:
            if library is not None:
                library.close()
        self.library = self._late = None

    def _is_open(self, library: Library) -> None:
        self.library, self._late = library, None
        self.opened.emit()

    def _is_not(self, error: KnownError) -> None:
        self.problem = str(error)
        self.failed.emit(error)

    def _ended(self) -> None:
        self._job = None
