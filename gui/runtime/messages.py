"""Messages to the operator: banners, and the log of all of them."""

import logging
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from PySide6.QtCore import QObject, Qt, Signal

from foundation.log import SHOWN, unshown

_log = logging.getLogger(__name__)

_KEPT = 500


class Kind(StrEnum):
    """Severity of a message; also the name of its style."""

    DANGER = "danger"
    WARNING = "warning"
    SUCCESS = "success"
    NOTE = "accent"


@dataclass(frozen=True)
class Message:
    """One or two sentences, as shown in the banner and the log."""

    kind: Kind
    sentence: str
    moment: datetime


class Messages(QObject):
    """Collects messages; `say` may be called from any thread."""

    said = Signal(Message)  # for the banner
    logged = Signal(Message)  # for the log only
    settled = Signal(str)  # this message no longer applies
    _arrived = Signal(str, str, bool)

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self.log: deque[Message] = deque(maxlen=_KEPT)
        self._arrived.connect(self._take, Qt.ConnectionType.AutoConnection)

    def say(self, kind: Kind, sentence: str) -> None:
        """Show a message in the banner and add it to the log."""
        _to_file(kind, sentence)
        self._arrived.emit(str(kind), sentence, True)

    def note(self, sentence: str, kind: Kind = Kind.NOTE) -> None:
        """Add a message to the log only."""
        _to_file(kind, sentence)
        self._arrived.emit(str(kind), sentence, False)

    def error(self, error: Exception) -> None:
        """Show a KnownError that is not shown elsewhere."""
        self.say(Kind.DANGER, str(error))

    def take_record(self, kind: Kind, sentence: str) -> None:
        """Keep in the log what a module has said to Python's; in the file it is already."""
        self._arrived.emit(str(kind), sentence, False)

    def _take(self, kind: str, sentence: str, banner: bool) -> None:
        message = Message(Kind(kind), sentence, datetime.now().astimezone())
        self.log.append(message)
        self.logged.emit(message)
        if banner:
            self.said.emit(message)


def _to_file(kind: Kind, sentence: str) -> None:
    level = {Kind.DANGER: logging.ERROR, Kind.WARNING: logging.WARNING}.get(kind, logging.INFO)
    _log.log(level, "told: %s", sentence, extra=SHOWN)


class LogBridge(logging.Handler):
    """Takes the warnings of every module into the log, as far as they are not shown in another way."""

    def __init__(self, messages: Messages):
        super().__init__(logging.WARNING)
        self._messages = messages
        self.addFilter(unshown)

    def emit(self, record: logging.LogRecord) -> None:
        kind = Kind.DANGER if record.levelno >= logging.ERROR else Kind.WARNING
        self._messages.take_record(kind, f"{record.name}: {record.getMessage()}")
