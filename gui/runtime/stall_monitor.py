"""How long the window was held up, and by what: every stretch of work of the GUI thread that was too long in one go.

The arm is stopped when the window's heart misses its beats, so what takes long in one go matters more than what takes
long altogether. A stretch reaches from one beat of a quick timer to the next.
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
_LONG = 0.03  # s of this thread's own work in one go
_LATE = 0.01  # s after a beat, when the watcher begins to look
_LOOK_EVERY = 0.005  # s
_DEEP = 4  # callers that are named
_OURS = f"{os.sep}gui{os.sep}"
_FRAME = re.compile(r'File "(.*)", line (\d+) in (\S+)')
_WAITING = ("pause", "wait", "until")  # whoever lets the event loop run is not what holds it up


@dataclass(frozen=True)
class Stretch:
    """`work` s of the GUI thread's own, which other programs cannot lengthen, within `wall` s by the clock; `what` ran
    most of the time, `during` what the script was at."""

    work: float
    wall: float
    what: str
    during: str


class StallMonitor(QObject):
    """Keeps every stretch with more than 30 ms of work, and the longest ones from `begin` on.

    `looking`: whether a thread looks at what is running whenever a beat is late. That thread takes a little time of its
    own, so it is there only where the cause is wanted.
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
        """Forget what was."""
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
                    # Not sys._current_frames: it makes objects of frames that another thread is about to leave.
                    faulthandler.dump_traceback(file, all_threads=True)
                    file.seek(0)
                    self._seen.append(_running(file.read(), self._watched))


def _running(dump: str, thread: int) -> str:
    """The innermost function of a thread and the next ones of ours, innermost first, in what faulthandler wrote."""
    blocks = [block for block in dump.split("\n\n") if f"0x{thread:016x}" in block.partition("\n")[0]]
    lines = [match for line in "".join(blocks).splitlines() if (match := _FRAME.search(line))]
    ours = [m for i, m in enumerate(lines) if i == 0 or (_OURS in m[1] and m[3] not in _WAITING)]
    return " < ".join(f"{Path(m[1]).stem}.{m[3]}:{m[2]}" for m in ours[:_DEEP])
