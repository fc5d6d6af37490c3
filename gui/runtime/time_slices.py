"""Work of the GUI thread in slices, with time for the heartbeat and for painting between them."""

from collections import deque
from collections.abc import Callable
from functools import cache

from PySide6.QtCore import QCoreApplication, QObject, QTimer
from shiboken6 import isValid

_PAUSE_MS = 2


class Slices(QObject):
    """Queue of work, executed one slice at a time in first-in, first-out order."""

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self._waiting: deque[tuple[QObject, Callable[[], object]]] = deque()
        self._turn = QTimer(self, interval=_PAUSE_MS, singleShot=True)
        self._turn.timeout.connect(self._next)

    @property
    def done(self) -> bool:
        return not self._waiting

    def add(self, owner: QObject, work: Callable[[], object]) -> None:
        """Append a slice; it is skipped when its owner has been destroyed by then."""
        self._waiting.append((owner, work))
        if not self._turn.isActive():
            self._turn.start()

    def _next(self) -> None:
        while self._waiting:
            owner, work = self._waiting.popleft()
            if isValid(owner):
                work()
                break
        if self._waiting:
            self._turn.start()


@cache
def slices() -> Slices:
    """Return the window's only queue: two queues would double the work per turn of the event loop."""
    return Slices(QCoreApplication.instance())
