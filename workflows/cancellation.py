"""How a person takes back a long job: one flag that the job looks at."""

import threading
from collections.abc import Callable

from foundation.errors import KnownError

Report = Callable[[str, float], None]
"""Progress of a job: what is being done now, and the share done in [0, 1]."""


class Cancelled(KnownError):  # not an error, but it ends a job as one does
    """The job was cancelled by a person."""


class Cancellation:
    """Shared between who may cancel and the job; any thread may use it."""

    def __init__(self):
        self._event = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> None:
        """Sleep, but not past a cancellation: raises Cancelled."""
        self._event.wait(seconds)
        self.raise_if_cancelled()

    def raise_if_cancelled(self) -> None:
        if self._event.is_set():
            raise Cancelled("Cancelled.")


def sub_report(report: Report, number: int, count: int, words: str = "") -> Report:
    """The progress of the part of this number, from 0, of `count`; told with `words` where there are any."""
    return lambda what, share: report(words or what, (number + share) / count)


def silently(what: str, share: float) -> None:
    """A Report for whoever does not show progress."""
