"""Cyclic garbage collection in the GUI thread only.

Python collects in whichever thread happens to allocate next. A widget that is part of a reference cycle would then be
destroyed in a job's thread, and Qt crashes when a widget is destroyed outside the GUI thread.
"""

import gc
import sys
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

_EVERY_MS = 50
_SELDOM = 5  # ticks between collections of the youngest generation, however small it is


class GarbageCollection(QObject):
    """Incremental collector that follows Python's thresholds; collecting a large young generation takes long.

    The oldest generation is collected only while `may_pause()` is true: that can take 0.2 s, in which no heartbeat is
    sent. Objects that exist after modules have been loaded are frozen (never examined again): most objects come from
    modules, and modules are not unloaded.
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
        """Freeze the objects of the started window: examining them takes 200 ms and finds nothing."""
        gc.freeze()

    def close(self) -> None:
        self._timer.stop()
        gc.enable()
