"""Highlighted notes, and facts as names beside values."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QWidget

from gui.widgets.basics import IconLabel, label, row
from gui.widgets.theme import look, space


class Note(QFrame):
    """Highlighted sentence on a coloured ground; hidden while it is empty."""

    def __init__(self):
        super().__init__()
        self._icon, self.words = IconLabel(), label("", wrap=True)
        layout = row(self._icon, self.words)
        layout.setContentsMargins(space(0.5), space(0.4), space(0.5), space(0.4))
        layout.setStretch(1, 1)
        layout.setAlignment(self._icon, Qt.AlignmentFlag.AlignTop)
        self.setLayout(layout)
        self.hide()

    def show_words(self, words: str, colour: str = "danger", icon: str = "warning") -> None:
        self.words.setText(words)
        self._icon.show_icon(icon, colour)
        look(self, f"note-{colour}")
        self.setVisible(bool(words))


class Facts(QWidget):
    """Names and values in two columns."""

    def __init__(self):
        super().__init__()
        # Not a QFormLayout: it assigns the height of a multi-line value to the rows above it.
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(space(1))
        self._grid.setVerticalSpacing(space(0.15))
        self._grid.setColumnStretch(1, 1)
        self._values: dict[str, QLabel] = {}

    def show_facts(self, facts: dict[str, str]) -> None:
        """Show these facts in the given order; rows are reused as long as the names are the same."""
        if list(self._values) != list(facts):
            hidden = self.isHidden()
            self.hide()  # rows added to a visible widget trigger a new layout each
            while (item := self._grid.takeAt(0)) is not None:
                if (old := item.widget()) is not None:
                    old.hide()
                    old.deleteLater()
            self._values = {name: label("", "figure", wrap=True, name=name) for name in facts}
            for number, (name, value) in enumerate(self._values.items()):
                self._grid.addWidget(label(name, "muted"), number, 0, Qt.AlignmentFlag.AlignTop)
                self._grid.addWidget(value, number, 1)
            self.setHidden(hidden)
        for name, words in facts.items():
            self._values[name].setText(words)
