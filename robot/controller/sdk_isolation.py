"""Isolation of the SDK's process-wide side effects, limited to the calls in which they cannot be avoided."""

import contextlib
import logging
import os
import socket
import tempfile
from collections.abc import Generator


@contextlib.contextmanager
def default_timeout_kept() -> Generator[None]:
    """Restore the default socket timeout: the SDK sets 1 s for every new socket of the process."""
    before = socket.getdefaulttimeout()
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


@contextlib.contextmanager
def writable_home() -> Generator[None]:
    """Provide a writable home folder: the SDK creates a folder there when imported, and fails if it cannot."""
    home = os.path.expanduser("~")  # noqa: PTH111 as the SDK does it
    if os.access(home, os.W_OK):
        yield
        return
    before = os.environ.get("HOME")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HOME"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["HOME"]
            else:
                os.environ["HOME"] = before


class LogFile:
    """File object that forwards printed text to a log."""

    def __init__(self, log: logging.Logger):
        self._log = log

    def write(self, text: str) -> int:
        if text.strip():
            self._log.info(text.strip())
        return len(text)

    def flush(self) -> None:
        pass


class ToLog(logging.Handler):
    """Handler that forwards the SDK's log to ours, as information only: every refusal is also raised here."""

    def __init__(self, log: logging.Logger):
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.info(record.getMessage())
