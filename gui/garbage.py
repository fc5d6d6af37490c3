"""Cyclic garbage is collected in the window's thread only.

Python collects in whatever thread happens to allocate next. A widget that is part of a cycle would then be destroyed
in a job's thread, and Qt breaks when a widget dies in another thread than its own.
"""

import gc
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

_EVERY_MS = 250


class GarbageCollection(QObject):
    """While it lives, collects every quarter of a second what Python's own thresholds ask for.

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
        due = [count > limit for count, limit in zip(gc.get_count(), gc.get_threshold(), strict=True)]
        if due[2] and self._may_pause():
            gc.collect()
        elif due[1]:
            gc.collect(1)
        elif due[0]:
            gc.collect(0)

    def close(self) -> None:
        self._timer.stop()
        gc.enable()
