"""Log screen: all messages since the start, newest first."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from foundation.version import version
from gui.runtime.messages import Kind, Message, Messages
from gui.widgets.basics import Button, label, row
from gui.widgets.icons import icon
from gui.widgets.theme import colours, space

_ICONS = {Kind.DANGER: "warning", Kind.WARNING: "warning", Kind.SUCCESS: "check", Kind.NOTE: "info"}


class LogScreen(QWidget):
    """List of messages that can be copied, for remote support."""

    title = "Log"
    shows_live_views = False

    def __init__(self, messages: Messages, folder: str):
        super().__init__()
        self._messages = messages
        self.list = QListWidget()
        self.list.setWordWrap(True)
        self.list.setIconSize(QSize(space(1.1), space(1.1)))
        self.list.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(space(1), space(1), space(1), space(1))
        layout.setSpacing(space(0.6))
        said = f"Messages since the start, the newest first. Crash logs are kept in {folder}"
        note = label(f"Rehearse {version()}. {said}", "muted", wrap=True)
        note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        copy = Button("Copy all", on=self._copy)
        head = row(note, copy)
        head.setStretch(0, 1)
        layout.addLayout(head)
        layout.addWidget(self.list, 1)
        for message in messages.log:
            self._add(message)
        messages.logged.connect(self._add)

    def _add(self, message: Message) -> None:
        item = QListWidgetItem(_text(message))
        item.setIcon(icon(_ICONS[message.kind], getattr(colours(), message.kind)))
        self.list.insertItem(0, item)
        while self.list.count() > (self._messages.log.maxlen or 0):
            self.list.takeItem(self.list.count() - 1)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(_text(message) for message in self._messages.log))


def _text(message: Message) -> str:
    return f"{message.moment:%H:%M:%S}   {message.sentence}"
