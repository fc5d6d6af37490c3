"""Library card of the Set up screen: the operator's name, and the library's folder."""

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QLineEdit, QWidget

from gui.setup.presenter import SetupPresenter
from gui.widgets.basics import Button, Card, form, label, row


class LibraryCard(Card):
    """Both are stored at once without reconnecting; another folder is used from the next start on."""

    def __init__(self, presenter: SetupPresenter):
        super().__init__("Library")
        self._presenter = presenter
        self.name = QLineEdit()
        self.name.setPlaceholderText("stored with what you record")
        self.name.editingFinished.connect(self._remember_name)
        self.folder = QLineEdit(readOnly=True)
        self.change = Button("Change…", "quiet", tip="Keep the library in another folder", on=self._ask)
        self.note = label("", "small", wrap=True, name="library note")
        place = QWidget()
        place.setLayout(row(self.folder, self.change))
        self.body.addLayout(form(("Your name", self.name), ("Folder", place)))
        self.body.addWidget(self.note)
        self.body.addStretch(1)
        presenter.changed.connect(self._show)
        self._show()

    def use(self, folder: Path) -> None:
        """Keep the library in this folder from the next start on; the contents of the old one are not moved."""
        self._presenter.remember_library(folder)

    def _remember_name(self) -> None:
        if self.name.text().strip() != self._presenter.saved.operator:
            self._presenter.remember_operator(self.name.text())

    def _ask(self) -> None:
        # Qt's own dialog: it is a window of this program, so Space and Stop work in it too.
        options = QFileDialog.Option.DontUseNativeDialog | QFileDialog.Option.ShowDirsOnly
        folder = QFileDialog.getExistingDirectory(self, "Folder of the library", self.folder.text(), options=options)
        if folder:
            self.use(Path(folder))

    def _show(self) -> None:
        saved = self._presenter.saved
        if not self.name.hasFocus():
            self.name.setText(saved.operator)
        in_use = self._presenter.connection.session.library_folder
        self.folder.setText(str(saved.library_folder))
        self.folder.setToolTip(self.folder.text())
        moved = saved.library_folder != in_use
        self.note.setText("Used from the next start of the program on." if moved else "")
        self.note.setVisible(moved)
