"""Frame stepping by arrow key: one frame per press, repeated while the key is held."""

from PySide6.QtCore import QObject, QTimer

from gui.player.player import Player

_AFTER_MS, _EVERY_MS = 350, 60


class FrameStepping(QObject):
    """Call `hold(-1)` or `hold(1)` when the key goes down, `hold(0)` when it is released."""

    def __init__(self, player: Player, parent: QObject):
        super().__init__(parent)
        self._player, self._direction = player, 0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._again)

    def hold(self, direction: int) -> None:
        self._direction = direction
        if direction == 0:
            self._timer.stop()
            return
        self._player.step(direction)
        self._timer.start(_AFTER_MS)

    def _again(self) -> None:
        self._timer.setInterval(_EVERY_MS)
        self._player.step(self._direction)
