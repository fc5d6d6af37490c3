"""Cooperative cancellation of long jobs: one flag that the job polls, and the callback type for its progress."""

import threading
from collections.abc import Callable

from foundation.errors import KnownError

Report = Callable[[str, float], None]
"""Progress of a job: what is being done now, and the share done in [0, 1]."""


class Cancelled(KnownError):  # not an error, but it ends a job the way an exception does
    """The job was cancelled by the operator."""


class Cancellation:
    """Cancellation flag shared between the job and whoever may cancel it; thread-safe."""

    def __init__(self):
        self._event = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> None:
        """Sleep for `seconds`, but wake up on cancellation: raises Cancelled."""
        self._event.wait(seconds)
        self.raise_if_cancelled()

    def raise_if_cancelled(self) -> None:
        if self._event.is_set():
            raise Cancelled("Cancelled.")


def sub_report(report: Report, number: int, count: int, words: str = "") -> Report:
    """Return the Report of part `number` (from 0) of `count`; `words`, where given, replace its message."""
    return lambda what, share: report(words or what, (number + share) / count)


def silently(what: str, share: float) -> None:
    """Discard the progress: a Report for callers that do not show it."""
