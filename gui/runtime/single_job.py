"""One background job at a time, with the error of the last one and an action to run after it."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from foundation.errors import KnownError
from gui.runtime.jobs import Job, Jobs, Work


class SingleJob(QObject):
    """Runs one job at a time, started by `begin`. `problem` is the error of the last one, '' when it succeeded.

    `unasked`: name of a job that the operator has not requested; a press during it is deferred until it ends, not
    dropped.
    """

    changed = Signal()

    def __init__(self, jobs: Jobs, parent: QObject | None = None, *, unasked: str = ""):
        super().__init__(parent)
        self._jobs, self._unasked = jobs, unasked
        self._job: Job | None = None
        self._afterwards: Callable[[], object] | None = None
        self.problem = ""

    @property
    def name(self) -> str:
        """Name of the running job, '' when there is none."""
        return "" if self._job is None else self._job.name

    @property
    def busy(self) -> bool:
        """Whether a job runs during which presses are not accepted."""
        return self.name not in ("", self._unasked)

    @property
    def free(self) -> bool:
        """Whether no job is running."""
        return self._job is None

    def begin(self, work: Work, name: str) -> Job:
        """Start a job; a KnownError it raises becomes `problem`."""
        self.problem = ""
        self._job = self._jobs.run(work, name=name)
        self._job.on(failed=self._failed, ended=self._ended)
        self.changed.emit()
        return self._job

    def when_free(self, act: Callable[[], object]) -> None:
        """Call `act` now, or after the `unasked` job has ended; ignored while any other job runs."""
        if self._job is None:
            act()
        elif self._job.name == self._unasked:
            self._afterwards = act

    def afterwards(self, act: Callable[[], object]) -> None:
        """Call `act` when the current job has ended."""
        self._afterwards = act

    def cancel(self, name: str) -> None:
        """Cancel the running job if it has this name."""
        if self._job is not None and self._job.name == name:
            self._job.cancel()

    def join(self, timeout: float) -> None:
        """Wait at most `timeout` s for the job's thread; only for shutdown."""
        if self._job is not None:
            self._job.join(timeout)

    def _failed(self, error: KnownError) -> None:
        self.problem = str(error)

    def _ended(self) -> None:
        self._job = None
        act, self._afterwards = self._afterwards, None
        if act is not None:
            act()
        self.changed.emit()
