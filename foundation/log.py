"""One log of all that this user's processes of the program do: `rehearse.log`, at most ten files of 2 MB.

Modules say what happens by `logging.getLogger(__name__)`; `running` takes it to the file, a line a record with both
clocks. Every process appends to the same file, so that what happened stands in one order and the last words of a
process do not depend on another one that may be dead or hang. A lock of the kernel's, which falls with its holder,
keeps one from writing where another begins a new file. Nobody waits for the disk but a thread of the log's own: what
does not fit into its queue, or what the disk does not take, is counted and said as soon as that works again.
"""

import contextlib
import fcntl
import logging
import logging.handlers
import os
import platform
import queue
import re
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import platformdirs

from foundation.redaction import redacted
from foundation.version import version

NAME = "rehearse.log"
FILES, LARGEST = 10, 2_000_000  # bytes each
QUEUED = 2000  # records
LONGEST = 16_000  # characters of a record
SHOWN = {"shown": True}
"""`extra` of a record whose words are told to the person otherwise: it goes to the file alone."""

_OURS = ("benchmarks", "cameras", "foundation", "gui", "main", "model", "robot", "simulation", "storage", "workflows")
_LOCK_WITHIN = 0.2  # s; who has it for longer was halted by the system
_BURST = 10  # records of one kind at once; after them one a second
_KINDS = 500
_IDLE = 1.0  # s
_CLOSE_WITHIN = 2.0  # s: a disk that hangs must not keep a process from ending
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127) if code != ord("\n")}
_VARYING = re.compile(r"\b(?=\w*\d)[0-9a-f]{6,}\b|\d+")

_log = logging.getLogger(__name__)


def log_folder() -> Path:
    """Return where this user's logs are kept, crash logs too."""
    return Path(platformdirs.user_log_dir("rehearse"))


def unshown(record: logging.LogRecord) -> bool:
    """Let only records through that nobody has shown to the person (a filter for handlers)."""
    return not getattr(record, "shown", False)


class LogFiles:
    """The rotating files in a folder. Any number of processes may write; no fault of the disk is raised."""

    def __init__(self, folder: Path):
        self._folder = folder

    def write(self, line: str) -> bool:
        """Append a line, and say whether the disk has taken it."""
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._folder / f"{NAME}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                return self._append(data, alone=_taken(lock))
            finally:
                os.close(lock)
        except OSError:
            return False

    def _append(self, data: bytes, *, alone: bool) -> bool:
        path = self._numbered(0)
        if alone and path.is_file() and path.stat().st_size + len(data) > LARGEST:
            for number in range(FILES - 1, 0, -1):
                if (older := self._numbered(number - 1)).exists():
                    older.replace(self._numbered(number))
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            before = os.fstat(file).st_size
            whole = os.write(file, data) == len(data)
            if alone and not whole:  # the disk is full: half a line would run into the next one
                os.ftruncate(file, before)
            return whole
        finally:
            os.close(file)

    def _numbered(self, number: int) -> Path:
        return self._folder / (f"{NAME}.{number}" if number else NAME)


def _taken(lock: int) -> bool:
    """Wait for the lock; without it lines are appended all the same, only no new file is begun."""
    deadline = time.monotonic() + _LOCK_WITHIN
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.001)
        except OSError:  # a disk without locks
            return True


@dataclass(slots=True)
class _Kind:
    credit: float
    since: float
    left_out: int = 0
    last: logging.LogRecord | None = None


class RateLimit:
    """Lets `_BURST` records of one kind through at once, then one a second. Records are of one kind that say the same
    in the same place but for numbers and digests."""

    def __init__(self):
        self._kinds: dict[tuple[str, int, str], _Kind] = {}

    def passed(self, record: logging.LogRecord) -> list[logging.LogRecord]:
        """Return what is to be written now: nothing, the record, or before it how many like it were left out."""
        now: float = record.monotonic  # type: ignore[attr-defined] - given to it by `LogQueue`
        overflow = self.left_out() if len(self._kinds) >= _KINDS else []
        name = (record.name, record.levelno, _VARYING.sub("#", record.getMessage()[:200]))
        kind = self._kinds.setdefault(name, _Kind(_BURST, now))
        kind.credit = min(_BURST, kind.credit + max(0.0, now - kind.since))
        kind.since = now
        if kind.credit < 1.0:
            kind.left_out, kind.last = kind.left_out + 1, record
            return overflow
        kind.credit -= 1.0
        return [*overflow, *_summary(kind), record]

    def left_out(self) -> list[logging.LogRecord]:
        """Return how many of each kind were left out and not told of yet."""
        told = [summary for kind in self._kinds.values() for summary in _summary(kind)]
        if len(self._kinds) >= _KINDS:
            self._kinds.clear()
        return told


def _summary(kind: _Kind) -> list[logging.LogRecord]:
    last, number = kind.last, kind.left_out
    kind.left_out, kind.last = 0, None
    if last is None:
        return []
    last.msg = f"{number} similar left out, the last: {last.msg}"
    return [last]


class LogQueue(logging.handlers.QueueHandler):
    """Takes records from any thread without ever waiting; `dropped` counts those that found the queue full."""

    def __init__(self, records: "queue.Queue[logging.LogRecord | None]"):
        super().__init__(records)
        self.dropped = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Keep the moment on the second clock."""
        moment = time.monotonic()
        record = super().prepare(record)
        record.monotonic = moment
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self.dropped += 1


class LogWriter:
    """The thread that writes. Unlike `logging.handlers.QueueListener` it can be ended while its queue is full or the
    disk hangs, and wakes to tell of what was left out."""

    def __init__(self, process: str, files: LogFiles, queued: int = QUEUED):
        self._process, self._files = f"{process}[{os.getpid()}]", files
        self._records: queue.Queue[logging.LogRecord | None] = queue.Queue(queued)
        self.handler = LogQueue(self._records)
        self._limit = RateLimit()
        self._refused = self._told = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="log", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Write what is queued, but for no longer than a disk may take."""
        self._ending.set()
        with contextlib.suppress(queue.Full):
            self._records.put_nowait(None)  # wakes it
        self._thread.join(_CLOSE_WITHIN)

    def _work(self) -> None:
        while not (self._ending.is_set() and self._records.empty()):
            try:
                record = self._records.get(timeout=_IDLE)
            except queue.Empty:
                record = None
            for each in self._limit.left_out() if record is None else self._limit.passed(record):
                self._write(each)
        for each in self._limit.left_out():
            self._write(each)

    def _write(self, record: logging.LogRecord) -> None:
        lost = self._refused + self.handler.dropped
        if lost > self._told:
            words = f"{lost - self._told} records were lost: they came too fast, or the disk did not take them"
            head = {"levelname": "WARNING", "name": _log.name, "created": record.created}
            if self._files.write(self._line(logging.makeLogRecord({**record.__dict__, **head, "msg": words}))):
                self._told = lost
        if not self._files.write(self._line(record)):
            self._refused += 1

    def _line(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6]
        said = redacted(record.getMessage()[: 2 * LONGEST])[:LONGEST].rstrip().translate(_CONTROL)
        monotonic: float = record.monotonic  # type: ignore[attr-defined]
        head = f"{moment}Z {monotonic:.6f} {self._process} {record.levelname} {record.name}: "
        return head + said.replace("\n", "\n    ")


def to_standard_error() -> None:
    """Show warnings and errors on standard error, as long as nobody else shows them."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    handler.addFilter(unshown)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], format="%(asctime)s %(name)s: %(message)s")


@contextlib.contextmanager
def running(process: str, folder: Path | None = None) -> Generator[LogWriter]:
    """Keep a log of this process ("window", "robot", "command", ...) until the block ends, its bugs included."""
    writer = LogWriter(process, LogFiles(folder or log_folder()))
    for name in _OURS:  # of libraries only the warnings
        logging.getLogger(name).setLevel(logging.INFO)
    root, before = logging.getLogger(), threading.excepthook

    def uncaught(arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            name = arguments.thread.name if arguments.thread else "a thread"
            _log.critical("not caught in %s", name, exc_info=arguments.exc_value, extra=SHOWN)
        before(arguments)

    root.addHandler(writer.handler)
    threading.excepthook = uncaught
    writer.start()
    try:
        system = f"Python {platform.python_version()}, {platform.system()} {platform.release()}"
        _log.info("begins: Rehearse %s, %s, started by process %d", version(), system, os.getppid())
        yield writer
    except Exception:
        _log.critical("ends by something not caught", exc_info=True, extra=SHOWN)
        raise
    finally:
        _log.info("ends")
        if threading.excepthook is uncaught:
            threading.excepthook = before
        root.removeHandler(writer.handler)
        writer.close()
