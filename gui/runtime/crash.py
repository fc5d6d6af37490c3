"""Bugs: the arm is stopped, a crash log is written, the program goes on, and the next start says what happened.

Each run also keeps a file open into which Python's fault handler writes when the process itself dies; a file that is
still there at the next start, of a process that is not, tells of a run that did not end by itself.
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

_log = logging.getLogger(__name__)

_NEW, _SEEN = ".new.txt", ".txt"
_RUN = "run-"


class CrashLog:
    """The crash logs in a folder, and this run's mark that it has not ended yet."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.unseen = self._collect()
        self._mark = folder / f"{_RUN}{os.getpid()}.txt"
        self._file = self._mark.open("w", encoding="utf-8")
        faulthandler.enable(self._file, all_threads=True)

    def write(self, error: BaseException, where: str) -> Path:
        """Keep an error with its trace; returns the file."""
        moment = datetime.now().astimezone()
        path = self.folder / f"crash-{moment:%Y%m%d-%H%M%S-%f}{_NEW}"
        trace = "".join(traceback.format_exception(error))
        path.write_text(redacted(f"{moment.isoformat()}\nin {where}\n\n{trace}"), encoding="utf-8")
        return path

    def mark_seen(self) -> None:
        """The operator has been told."""
        for path in self.unseen:
            if path.exists():
                path.replace(path.with_name(path.name.removesuffix(_NEW) + _SEEN))
        self.unseen = []

    def close(self) -> None:
        """This run ends as it should."""
        faulthandler.disable()
        self._file.close()
        self._mark.unlink(missing_ok=True)

    def _collect(self) -> list[Path]:
        """Crash logs nobody was told of, among them those of runs that ended without a word."""
        for mark in self.folder.glob(f"{_RUN}*.txt"):
            number = mark.stem.removeprefix(_RUN)
            if number.isdigit() and not psutil.pid_exists(int(number)):
                told = mark.read_text(encoding="utf-8", errors="replace")
                path = self.folder / f"crash-{datetime.fromtimestamp(mark.stat().st_mtime):%Y%m%d-%H%M%S-%f}{_NEW}"
                path.write_text(told or "The program was ended from outside, or the computer was.\n", encoding="utf-8")
                mark.unlink()
        return sorted(self.folder.glob(f"crash-*{_NEW}"))


class CrashHooks:
    """Takes what no one caught, in any thread, until `remove`.

    `stop` is called first, from whatever thread it is, and must not wait; `known` gets a KnownError that nobody showed,
    `told` the file of a bug's log.
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
        """Take over from whoever has the hooks now."""
        self._before = sys.excepthook, threading.excepthook
        sys.excepthook, threading.excepthook = self._uncaught, self._uncaught_in_thread

    def remove(self) -> None:
        """Give the hooks back, unless somebody else has them by now."""
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
