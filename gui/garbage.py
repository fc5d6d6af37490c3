"""Cyclic garbage is collected in the window's thread only.

Python collects in whatever thread happens to allocate next. A widget that is part of a cycle would then be destroyed
in a job's thread, and Qt breaks when a widget dies in another thread than its own.
"""

import gc
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

_EVERY_MS = 250


class GarbageCollection(QObject):
    """While it lives, collects the youngest generation every quarter of a second, older ones by Python's thresholds.

    The oldest generation is looked through only while `may_pause()` is true: that can take a fifth of a second, in
    which no heartbeat is sent.
    """

    def __init__(self, may_pause: Callable[[], bool], parent: QObject):
        super().__init__(parent)
        self._may_pause = may_pause
        gc.disable()
        self._timer = QTimer(self, interval=_EVERY_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def collect(self) -> None:
        (_, young, old), (_, limit, oldest_limit) = gc.get_count(), gc.get_threshold()
        if old > oldest_limit and self._may_pause():
            gc.collect()
        else:
            gc.collect(1 if young > limit else 0)

    def keep_what_is_there(self) -> None:
        """Never look through again what a started window consists of: that takes 200 ms, and finds nothing."""
        gc.freeze()

    def close(self) -> None:
        self._timer.stop()
        gc.enable()
