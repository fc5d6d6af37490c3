"""Stall monitor of the GUI thread: how long it was blocked without a break, and by which code.

The arm is stopped when the window misses its heartbeats, so the longest uninterrupted stretch of work matters more than
the total time. A stretch reaches from one tick of a fast timer to the next.
"""

import faulthandler
import os
import re
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer

_BEAT_MS = 5
_LONG = 0.03  # s of CPU time of this thread in one stretch
_LATE = 0.01  # s after a tick at which the sampling thread takes samples
_LOOK_EVERY = 0.005  # s
_DEEP = 4  # number of callers in a report
_OURS = f"{os.sep}gui{os.sep}"
_FRAME = re.compile(r'File "(.*)", line (\d+) in (\S+)')
_WAITING = ("pause", "wait", "until")  # functions that run the event loop do not block it


@dataclass(frozen=True)
class Stretch:
    """One long stretch: `work` s of CPU time of the GUI thread, whatever other programs do, in `wall` s of wall time.

    `what` is the call stack sampled most often, `during` the script's current step.
    """

    work: float
    wall: float
    what: str
    during: str


class StallMonitor(QObject):
    """Records every stretch with more than 30 ms of work, and the longest ones since `begin`.

    `looking`: sample the running code in a thread whenever a tick is late. Sampling takes a little time itself, so it
    is enabled only where the cause is wanted.
    """

    def __init__(self, *, looking: bool = False):
        super().__init__()
        self.stretches: list[Stretch] = []
        self.during = ""
        self._seen: list[str] = []
        self._watched = threading.get_ident()
        self._ended = threading.Event()
        self.begin()
        self._timer = QTimer(self, interval=_BEAT_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start()
        self._thread = threading.Thread(target=self._look, name="stalls", daemon=True) if looking else None
        if self._thread is not None:
            self._thread.start()

    def begin(self) -> None:
        """Reset all records."""
        self.longest, self.longest_work = 0.0, 0.0
        self.stretches = []
        self._last, self._last_work = time.monotonic(), time.thread_time()

    def close(self) -> None:
        self._timer.stop()
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        now, at_work = time.monotonic(), time.thread_time()
        wall, work = now - self._last, at_work - self._last_work
        self.longest, self.longest_work = max(self.longest, wall), max(self.longest_work, work)
        self._last, self._last_work = now, at_work
        seen, self._seen = self._seen, []
        if work > _LONG or wall > 2 * _LONG:
            what = Counter(seen).most_common(1)[0][0] if seen else "?"
            self.stretches.append(Stretch(work, wall, what, self.during))

    def _look(self) -> None:
        with tempfile.TemporaryFile("w+") as file:
            while not self._ended.wait(_LOOK_EVERY):
                if time.monotonic() - self._last > _LATE:
                    file.seek(0)
                    file.truncate()
                    # Not sys._current_frames: it creates objects for frames that another thread is about to leave.
                    faulthandler.dump_traceback(file, all_threads=True)
                    file.seek(0)
                    self._seen.append(_running(file.read(), self._watched))


def _running(dump: str, thread: int) -> str:
    """Return the innermost function of a thread and its callers in gui/, innermost first, from a faulthandler dump."""
    blocks = [block for block in dump.split("\n\n") if f"0x{thread:016x}" in block.partition("\n")[0]]
    lines = [match for line in "".join(blocks).splitlines() if (match := _FRAME.search(line))]
    ours = [m for i, m in enumerate(lines) if i == 0 or (_OURS in m[1] and m[3] not in _WAITING)]
    return " < ".join(f"{Path(m[1]).stem}.{m[3]}:{m[2]}" for m in ours[:_DEEP])
