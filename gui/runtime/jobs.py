"""Background jobs: a plain function in a thread whose result is always delivered in the GUI thread.

    job = jobs.run(lambda token, report: session.open(report, token), name="connect")
    job.done.connect(...)      # the result
    job.failed.connect(...)    # a KnownError; without a connection it goes to `jobs.failed`, and so to the banner

`report(sentence, share)` may be called from the job at any rate; the newest report is shown. An exception that is not a
KnownError is a bug and reaches `sys.excepthook` in the GUI thread, like one in a slot.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from foundation.errors import KnownError
from foundation.log import SHOWN
from workflows.cancellation import Cancellation, Cancelled, Report

_log = logging.getLogger(__name__)

Work = Callable[[Cancellation, Report], Any]


class Job(QObject):
    """One run of a function. Signals arrive in the GUI thread; `ended` follows one of `done`, `failed`, `cancelled`."""

    progress = Signal(str, float)  # a sentence, and the progress in [0, 1]
    done = Signal(object)
    failed = Signal(KnownError)
    cancelled = Signal()
    ended = Signal()
    _reported = Signal(str, float)
    _finished = Signal()

    def __init__(self, work: Work, name: str, parent: "Jobs"):
        super().__init__(parent)
        self.name = name
        self._work, self._token = work, Cancellation()
        self._result: Any = None
        self._error: BaseException | None = None
        self._failure_taken = False
        self.running = True
        # Queued: emitted in the job's thread, delivered in the GUI thread.
        self._reported.connect(self._forward, Qt.ConnectionType.QueuedConnection)
        self._finished.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._thread = threading.Thread(target=self._run, name=f"job: {name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def cancel(self) -> None:
        """Request cancellation; emits `cancelled` when the work notices, or `done` if it had already finished."""
        self._token.cancel()

    def on(
        self,
        done: Callable[[Any], None] | None = None,
        failed: Callable[[KnownError], None] | None = None,
        progress: Callable[[str, float], None] | None = None,
        cancelled: Callable[[], None] | None = None,
        ended: Callable[[], None] | None = None,
    ) -> "Job":
        """Connect several signals at once; with `failed` given, showing the failure is up to the caller."""
        pairs = ((self.done, done), (self.failed, failed), (self.progress, progress))
        for signal, slot in (*pairs, (self.cancelled, cancelled), (self.ended, ended)):
            if slot is not None:
                signal.connect(slot)
        self._failure_taken = self._failure_taken or failed is not None
        return self

    def join(self, timeout: float) -> bool:
        """Wait at most `timeout` s for the thread and return whether it ended; blocks, so only for shutdown."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        began = time.monotonic()
        _log.info("job %s: begins", self.name)
        try:
            self._result = self._work(self._token, self._report)
        except BaseException as error:  # noqa: BLE001 - not swallowed: it is shown, or raised, in the GUI thread
            self._error = error
        _log_end(self.name, time.monotonic() - began, self._error)
        self._finished.emit()

    def _report(self, sentence: str, share: float) -> None:
        self._reported.emit(sentence, float(share))

    @Slot(str, float)
    def _forward(self, sentence: str, share: float) -> None:
        if self.running:
            self.progress.emit(sentence, share)

    @Slot()
    def _deliver(self) -> None:
        self.running = False
        self._thread.join()
        error, self._error = self._error, None
        try:
            match error:
                case None:
                    self.done.emit(self._result)
                case Cancelled():
                    self.cancelled.emit()
                case KnownError():
                    self.failed.emit(error)
                    if not self._failure_taken:
                        self._jobs.failed.emit(error)
                case _:
                    raise error
        finally:
            self._result = None
            self.ended.emit()
            self._jobs.forget(self)

    @property
    def _jobs(self) -> "Jobs":
        parent = self.parent()
        assert isinstance(parent, Jobs)
        return parent


def _log_end(name: str, seconds: float, error: BaseException | None) -> None:
    match error:
        case None:
            _log.info("job %s: done after %.2f s", name, seconds)
        case Cancelled():
            _log.info("job %s: cancelled after %.2f s", name, seconds)
        case _:
            _log.warning("job %s: failed after %.2f s. %s: %s", name, seconds, type(error).__name__, error, extra=SHOWN)


class Jobs(QObject):
    """Starts jobs and owns them until they have ended. Belongs to the GUI thread."""

    failed = Signal(KnownError)  # of jobs whose `failed` is not connected

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self._running: set[Job] = set()

    @property
    def running(self) -> tuple[Job, ...]:
        return tuple(self._running)

    def run(self, work: Work, *, name: str) -> Job:
        """Start `work(token, report)` in a thread and return at once; signals are queued, so that none is lost."""
        job = Job(work, name, self)
        self._running.add(job)
        job.start()
        return job

    def forget(self, job: Job) -> None:
        self._running.discard(job)
        job.deleteLater()

    def close(self, timeout: float = 10.0) -> None:
        """Cancel all jobs and wait for their threads; their results are no longer delivered."""
        for job in self._running:
            job.cancel()
        for job in tuple(self._running):
            job.join(timeout)
        self._running.clear()
