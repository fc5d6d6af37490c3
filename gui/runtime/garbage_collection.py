"""Cyclic garbage is collected in the window's thread only.

Python collects in whatever thread happens to allocate next. A widget that is part of a cycle would then be destroyed
in a job's thread, and Qt breaks when a widget dies in another thread than its own.
"""

import gc
import sys
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

_EVERY_MS = 50
_SELDOM = 5  # times that: the youngest generation, however small it is


class GarbageCollection(QObject):
    """While it lives, collects by Python's thresholds, a little at a time: a large young generation takes long.

    The oldest generation is looked through only while `may_pause()` is true: that can take a fifth of a second, in
    which no heartbeat is sent. What is there when further modules have just been loaded is never looked through again:
    that is where the many objects come from, and modules stay.
    """

    def __init__(self, may_pause: Callable[[], bool], parent: QObject):
        super().__init__(parent)
        self._may_pause = may_pause
        self._modules, self._ticks = len(sys.modules), 0
        gc.disable()
        self._timer = QTimer(self, interval=_EVERY_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def collect(self) -> None:
        self._ticks += 1
        (new, young, old), (most, limit, oldest_limit) = gc.get_count(), gc.get_threshold()
        if len(sys.modules) != self._modules:
            self._modules = len(sys.modules)
            self.keep_what_is_there()
        elif old > oldest_limit and self._may_pause():
            gc.collect()
        elif young > limit:
            gc.collect(1)
        elif new > most or self._ticks % _SELDOM == 0:
            gc.collect(0)

    def keep_what_is_there(self) -> None:
        """Never look through again what a started window consists of: that takes 200 ms, and finds nothing."""
        gc.freeze()

    def close(self) -> None:
        self._timer.stop()
        gc.enable()
