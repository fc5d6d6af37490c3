"""Labels of the selected episodes: task, result, tags, note, and exclusion from training."""

import uuid

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLineEdit, QPlainTextEdit, QSizePolicy, QWidget

from gui.library import phrases
from gui.library.presenter import LibraryPresenter
from gui.widgets.basics import Button, column, label, row
from gui.widgets.theme import space
from storage.queries import EpisodeRow

_WRITTEN_MS = 1200  # debounce: a note is stored after the last key
_RESULTS = (
    ("Success", True, "check", "{} marked as success."),
    ("Failure", False, "cross", "{} marked as failure."),
    ("Not judged", None, "minus", "{} marked as not judged."),
)


class LabelsPanel(QWidget):
    """Fields that store themselves: a choice at once, a text on Enter or when the field loses the focus."""

    def __init__(self, presenter: LibraryPresenter):
        super().__init__()
        self._presenter = presenter
        self._shown: EpisodeRow | None = None
        self._task: str = ""
        self._tags: tuple[str, ...] = ()  # as last shown or stored
        self.task = QComboBox()
        self.task.setEditable(True)
        self.task.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.task.setAccessibleName("Task")
        self.task.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.task.setMinimumContentsLength(12)
        self.results = tuple(
            Button(words, icon_name=name, on=lambda value=value, said=said: self._judge(value, said))
            for words, value, name, said in _RESULTS
        )
        for button in self.results:
            button.setCheckable(True)
        self.tags, self.note = QLineEdit(), QPlainTextEdit()
        self.tags.setPlaceholderText("Words with commas between them")
        self.tags.setAccessibleName("Tags")
        self.note.setPlaceholderText("Anything worth knowing about this episode")
        self.note.setAccessibleName("Note")
        self.note.setTabChangesFocus(True)
        self.note.setMinimumHeight(space(2.5))
        self.excluded = QCheckBox("Keep out of training")
        self._writing = QTimer(self, interval=_WRITTEN_MS, singleShot=True)
        self._lay_out()
        line = self.task.lineEdit()
        assert line is not None
        line.setMaxLength(20_000)  # a text that is too long is reported, not cut off
        line.editingFinished.connect(self._store_task)
        self.task.activated.connect(lambda _: self._store_task())
        self.tags.editingFinished.connect(self._store_tags)
        self.note.textChanged.connect(self._writing.start)
        self._writing.timeout.connect(self._store_note)
        self.excluded.clicked.connect(self._exclude)
        presenter.offers_changed.connect(self._show_tasks)

    def show_selection(self) -> None:
        """Show the labels of the open episode, or empty fields for several."""
        self.store()
        row, several = self._presenter.row, self._presenter.selected > 1
        self._shown = row
        blockers = [QSignalBlocker(each) for each in (self.task, self.tags, self.note, self.excluded)]
        self._show_tasks()
        self.task.setEditText("" if row is None else row.instruction)
        self.tags.setText("" if row is None else ", ".join(row.tags))
        self.note.setPlainText("" if row is None else row.note)
        self._task, self._tags = ("", ()) if row is None else (row.instruction, row.tags)
        self.excluded.setChecked(row is not None and row.excluded)
        del blockers
        self._writing.stop()
        self._show_result()
        self.note.setEnabled(row is not None)
        self._note_label.setEnabled(row is not None)
        number = phrases.count(self._presenter.selected)
        line = self.task.lineEdit()
        assert line is not None
        line.setPlaceholderText(f"Give {number} another task" if several else "")
        self.tags.setPlaceholderText("Add tags to all of them" if several else "Words with commas between them")

    def show_row(self) -> None:
        """Update the fields after an edit of the open episode, except for text that is being typed."""
        row = self._presenter.row
        if row is None or self._shown is None or row.id != self._shown.id:
            return
        before, self._shown = self._shown, row
        if row.instruction != before.instruction:
            self.task.setEditText(row.instruction)
            self._task = row.instruction
        if row.tags != before.tags:
            self.tags.setText(", ".join(row.tags))
            self._tags = row.tags
        if row.note != before.note and self.note.toPlainText() == before.note:
            with QSignalBlocker(self.note):
                self.note.setPlainText(row.note)
        self.excluded.setChecked(row.excluded)
        self._show_result()

    def store(self) -> None:
        """Store a note that is still pending."""
        if self._writing.isActive():
            self._store_note()

    # --- storing ---

    def _judge(self, value: bool | None, said: str) -> None:
        self._presenter.say(said, success=value)
        if self._presenter.selected == 1:
            for button, (_, each, _, _) in zip(self.results, _RESULTS, strict=True):
                button.setChecked(each is value)
        else:
            self._show_result()

    def _store_task(self) -> None:
        text = " ".join(self.task.currentText().split())
        if not text:
            self.task.setEditText(self._task)
        elif text != self._task:
            self._task = text
            self._presenter.say(f"{{}} now of the task “{_braced(text)}”.", instruction=text)

    def _store_tags(self) -> None:
        tags = tuple(dict.fromkeys(" ".join(tag.split()) for tag in self.tags.text().split(",") if tag.strip()))
        added = tuple(tag for tag in tags if tag not in self._tags)
        removed = tuple(tag for tag in self._tags if tag not in tags)
        if added or removed:
            self._tags = tags
            self._presenter.say("Tags of {} changed.", add_tags=added, remove_tags=removed)

    def _store_note(self) -> None:
        self._writing.stop()
        row, text = self._shown, self.note.toPlainText().strip()
        if row is not None and text != row.note:
            identity: uuid.UUID = row.id  # another episode may be selected by then
            self._presenter.say_of([identity], "The note of {} changed.", note=text)

    def _exclude(self, excluded: bool) -> None:
        self._presenter.say("{} kept out of training." if excluded else "{} used for training.", excluded=excluded)

    # --- display ---

    def _show_result(self) -> None:
        row = self._shown
        for button, (_, value, _, _) in zip(self.results, _RESULTS, strict=True):
            button.setChecked(row is not None and row.success is value)

    def _show_tasks(self) -> None:
        names = [task.instruction for task in self._presenter.offers.tasks]
        if [self.task.itemText(i) for i in range(self.task.count())] != names:
            text = self.task.currentText()
            with QSignalBlocker(self.task):
                self.task.clear()
                self.task.addItems(names)
                self.task.setEditText(text)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(space(0.8))
        form.setVerticalSpacing(space(0.35))
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self._note_label = label("Note", "muted")
        form.addRow(label("Task", "muted"), self.task)
        form.addRow(label("Result", "muted"), row(*self.results, None, self.excluded, gap=0.3))
        form.addRow(label("Tags", "muted"), self.tags)
        form.addRow(self._note_label, self.note)
        self.setLayout(column(form))


def _braced(text: str) -> str:
    """Escape braces, so that `format` returns the text unchanged."""
    return text.replace("{", "{{").replace("}", "}}")
