"""One thing that waits at a time: the job that is under way, what went wrong in the last one, and what comes after."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from foundation.errors import KnownError
from gui.runtime.jobs import Job, Jobs, Work


class SingleJob(QObject):
    """`begin` starts the one job. `problem` is why the last one failed, '' when it did not.

    `unasked`: the name of a job that nobody has pressed for, so that a press during it waits for its end instead of
    being lost.
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
        """Of the job that is under way, '' when none is."""
        return "" if self._job is None else self._job.name

    @property
    def busy(self) -> bool:
        """Whether a press has to wait for something."""
        return self.name not in ("", self._unasked)

    @property
    def free(self) -> bool:
        """Whether nothing at all is under way."""
        return self._job is None

    def begin(self, work: Work, name: str) -> Job:
        """Start it; what goes wrong becomes `problem`."""
        self.problem = ""
        self._job = self._jobs.run(work, name=name)
        self._job.on(failed=self._failed, ended=self._ended)
        self.changed.emit()
        return self._job

    def when_free(self, act: Callable[[], object]) -> None:
        """Now, or as soon as what nobody pressed for is over; a press during anything else is not taken."""
        if self._job is None:
            act()
        elif self._job.name == self._unasked:
            self._afterwards = act

    def afterwards(self, act: Callable[[], object]) -> None:
        """As soon as the present job has ended."""
        self._afterwards = act

    def cancel(self, name: str) -> None:
        """Ask the job to end, where it is this one."""
        if self._job is not None and self._job.name == name:
            self._job.cancel()

    def join(self, timeout: float) -> None:
        """Wait for the job's thread, at most so many s; only for closing down."""
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
