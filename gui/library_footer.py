"""Below the list: how many there are, what was done last with its undo, and the trash."""

from PySide6.QtWidgets import QFrame, QWidget

from gui.library_presenter import LibraryPresenter
from gui.library_words import count
from gui.parts import Button, column, label, row
from gui.theme import look, space


class LibraryFooter(QWidget):
    """The trash is emptied only after a second press that says how many episodes it costs."""

    def __init__(self, presenter: LibraryPresenter):
        super().__init__()
        self._presenter = presenter
        self.count = label("", "muted", name="episode count")
        self.trash = Button("Trash", "quiet", icon_name="trash", tip="Show what was deleted")
        self.trash.setCheckable(True)
        self.done, self.undo = label("", wrap=True, name="last edit"), Button("Undo", "quiet", icon_name="undo")
        self.undo.setToolTip("Take it back (Ctrl+Z)")
        self.empty = Button("Empty the trash…", "danger", on=lambda: self._ask(True))
        self.question = label("", wrap=True, name="trash question")
        self.remove = Button("Remove for ever", "danger", icon_name="trash", on=self._remove)
        self.keep = Button("Keep", on=lambda: self._ask(False))
        self._asking = QWidget()
        self._asking.setLayout(column(self.question, row(self.remove, self.keep, None), gap=0.3))
        self._said = QFrame()
        look(self._said, "note-accent")
        said = row(self.done, self.undo)
        said.setStretch(0, 1)
        said.setContentsMargins(space(0.5), space(0.1), space(0.2), space(0.1))
        self._said.setLayout(said)
        self.setLayout(column(self._said, self._asking, row(self.count, None, self.empty, self.trash), gap=0.3))
        self.undo.clicked.connect(presenter.edits.undo)
        self.trash.toggled.connect(self._show_trash)
        for signal in (presenter.listed, presenter.offers_changed, presenter.edits.changed):
            signal.connect(self.refresh)
        self._ask(False)

    def refresh(self) -> None:
        presenter = self._presenter
        edits, deleted = presenter.edits, presenter.offers.deleted
        rows = presenter.model.rowCount()
        more = "" if presenter.model.whole else " or more"
        self.count.setText(count(rows) + more + (" in the trash" if presenter.in_trash else ""))
        self.trash.setText(f"Trash ({deleted:,})" if deleted else "Trash")
        self.trash.setVisible(bool(deleted) or presenter.in_trash)
        blocked = self.trash.blockSignals(True)
        self.trash.setChecked(presenter.in_trash)
        self.trash.blockSignals(blocked)
        self.empty.setVisible(presenter.in_trash and rows > 0 and not self._asked)
        if not presenter.in_trash or not rows:
            self._asked = False
        self._asking.setVisible(self._asked)
        self.done.setText("Working…" if edits.busy else edits.words)
        self._said.setVisible(bool(edits.words) or edits.busy)
        self.undo.setVisible(edits.can_undo)

    def _ask(self, asked: bool) -> None:
        self._asked = asked
        number = self._presenter.offers.deleted
        self.question.setText(f"Remove {count(number)} with all pictures? This cannot be taken back.")
        self.refresh()
        if asked:
            self.keep.setFocus()

    def _show_trash(self, shown: bool) -> None:
        self._asked = False
        self._presenter.narrow(deleted=shown)

    def _remove(self) -> None:
        self._asked = False
        self._presenter.edits.empty_trash()
        self.refresh()
