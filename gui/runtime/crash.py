"""Crash handling: a bug stops the arm and writes a crash log; the program goes on, and the next start reports it.

Each run also keeps a file open into which Python's fault handler writes when the process itself dies. Such a file found
at the next start, whose process no longer exists, belongs to a run that did not end properly.
"""

import faulthandler
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType

import psutil

from foundation.errors import KnownError
from foundation.log import SHOWN
from foundation.redaction import redacted
from foundation.version import version

_log = logging.getLogger(__name__)

_NEW, _SEEN = ".new.txt", ".txt"
_RUN = "run-"


class CrashLog:
    """Crash logs of a folder, and the marker file of this run, which exists until the run ends."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.unseen = self._collect()
        self._mark = folder / f"{_RUN}{os.getpid()}.txt"
        self._file = self._mark.open("w", encoding="utf-8")
        faulthandler.enable(self._file, all_threads=True)

    def write(self, error: BaseException, where: str) -> Path:
        """Write an error with its traceback to a new file and return its path."""
        moment = datetime.now().astimezone()
        path = self.folder / f"crash-{moment:%Y%m%d-%H%M%S-%f}{_NEW}"
        trace = "".join(traceback.format_exception(error))
        text = f"{moment.isoformat()}\nRehearse {version()}, in {where}\n\n{trace}"
        path.write_text(redacted(text), encoding="utf-8")
        return path

    def mark_seen(self) -> None:
        """Mark all new crash logs as seen, once the operator has been informed."""
        for path in self.unseen:
            if path.exists():
                path.replace(path.with_name(path.name.removesuffix(_NEW) + _SEEN))
        self.unseen = []

    def close(self) -> None:
        """Remove the marker file: this run ends properly."""
        faulthandler.disable()
        self._file.close()
        self._mark.unlink(missing_ok=True)

    def _collect(self) -> list[Path]:
        """Return the crash logs not yet shown; runs that died without a report get one first."""
        for mark in self.folder.glob(f"{_RUN}*.txt"):
            number = mark.stem.removeprefix(_RUN)
            if number.isdigit() and not psutil.pid_exists(int(number)):
                told = mark.read_text(encoding="utf-8", errors="replace")
                path = self.folder / f"crash-{datetime.fromtimestamp(mark.stat().st_mtime):%Y%m%d-%H%M%S-%f}{_NEW}"
                path.write_text(told or "The program was ended from outside, or the computer was.\n", encoding="utf-8")
                mark.unlink()
        return sorted(self.folder.glob(f"crash-*{_NEW}"))


class CrashHooks:
    """Handler of uncaught exceptions in any thread, until `remove`.

    Args:
        stop: called first, in the thread that raised; must not block.
        known: receives a KnownError that was not handled elsewhere.
        told: receives the path of the crash log.
    """

    def __init__(
        self,
        log: CrashLog,
        stop: Callable[[], None],
        known: Callable[[KnownError], None],
        told: Callable[[Path], None],
    ):
        self._log, self._stop, self._known, self._told = log, stop, known, told
        self.install()

    def install(self) -> None:
        """Install the hooks and remember the previous ones."""
        self._before = sys.excepthook, threading.excepthook
        sys.excepthook, threading.excepthook = self._uncaught, self._uncaught_in_thread

    def remove(self) -> None:
        """Restore the previous hooks, unless others have been installed since."""
        if sys.excepthook == self._uncaught:
            sys.excepthook = self._before[0]
        if threading.excepthook == self._uncaught_in_thread:
            threading.excepthook = self._before[1]

    def _uncaught(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self._take(error.with_traceback(trace), "the window")

    def _uncaught_in_thread(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            name = arguments.thread.name if arguments.thread else "a thread"
            self._take(arguments.exc_value, name)

    def _take(self, error: BaseException, where: str) -> None:
        if isinstance(error, KnownError):
            self._known(error)
            return
        self._stop()
        _log.critical("not caught in %s: the arm is stopped", where, exc_info=error, extra=SHOWN)
        path = self._log.write(error, where)
        traceback.print_exception(error, file=sys.stderr)
        self._told(path)
