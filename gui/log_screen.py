"""Everything that was said since the start, newest first, and the diagnosis to send to whoever helps."""

from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QSize, QStandardPaths, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QListWidget, QListWidgetItem, QProgressBar, QVBoxLayout, QWidget

from foundation.version import version
from gui.diagnosis_presenter import DiagnosisPresenter, default_name
from gui.runtime.messages import Kind, Message, Messages
from gui.widgets.basics import Button, label, row, show_or_cancel, show_progress
from gui.widgets.icons import icon
from gui.widgets.theme import colours, space

_ICONS = {Kind.DANGER: "warning", Kind.WARNING: "warning", Kind.SUCCESS: "check", Kind.NOTE: "info"}


class LogScreen(QWidget):
    """List of messages that can be copied, for remote support."""

    title = "Log"
    shows_live_views = False

    def __init__(self, messages: Messages, diagnosis: DiagnosisPresenter):
        super().__init__()
        self._messages, self._diagnosis = messages, diagnosis
        self.list = QListWidget()
        self.list.setWordWrap(True)
        self.list.setIconSize(QSize(space(1.1), space(1.1)))
        self.list.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(space(1), space(1), space(1), space(1))
        layout.setSpacing(space(0.6))
        said = f"Messages since the start, the newest first. The whole log is kept in {diagnosis.logs}"
        note = label(f"Rehearse {version()}. {said}", "muted", wrap=True)
        note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        copy = Button("Copy all", on=self._copy)
        tip = "One file with all that helps whoever looks after the program; no pictures, no names, no passwords"
        self.save = Button("Save a diagnosis…", icon_name="down", tip=tip, on=self._save)
        head = row(note, copy, self.save)
        head.setStretch(0, 1)
        layout.addLayout(head)
        self.bar = QProgressBar(minimum=0, maximum=1000, textVisible=False)
        self.saved = label("", "small", wrap=True, name="diagnosis")
        self.saved.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout.addWidget(self.bar)
        layout.addWidget(self.saved)
        layout.addWidget(self.list, 1)
        for message in messages.log:
            self._add(message)
        messages.logged.connect(self._add)
        diagnosis.changed.connect(self._show_diagnosis)
        self._show_diagnosis()

    def save_to(self, file: Path) -> None:
        """Write the diagnosis there, as if the file had been chosen in the dialog, which asks about one that exists."""
        named = file if file.suffix == ".zip" else file.with_name(f"{file.name}.zip")
        self._diagnosis.save(named, replace=named == file)

    def _add(self, message: Message) -> None:
        item = QListWidgetItem(_text(message))
        item.setIcon(icon(_ICONS[message.kind], getattr(colours(), message.kind)))
        self.list.insertItem(0, item)
        while self.list.count() > (self._messages.log.maxlen or 0):
            self.list.takeItem(self.list.count() - 1)

    def _save(self) -> None:
        if self._diagnosis.busy:
            self._diagnosis.cancel()
            return
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        # Qt's own dialog: it is a window of this program, so Space and Stop work in it too.
        path, _ = QFileDialog.getSaveFileName(
            self,
            "Save a diagnosis",
            f"{folder}/{default_name(datetime.now().astimezone())}",
            "Diagnoses (*.zip)",
            options=QFileDialog.Option.DontUseNativeDialog,
        )
        if path:
            self.save_to(Path(path))

    def _show_diagnosis(self) -> None:
        diagnosis = self._diagnosis
        show_progress(self.bar, self.saved, diagnosis.busy, diagnosis.share, diagnosis.words)
        show_or_cancel(self.save, "Save a diagnosis…", diagnosis.busy)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(_text(message) for message in self._messages.log))


def _text(message: Message) -> str:
    return f"{message.moment:%H:%M:%S}   {message.sentence}"
