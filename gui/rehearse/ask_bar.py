"""Input line for an instruction, with completion, the source of the motion, and the button that requests it."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QStringListModel, Qt, Signal
from PySide6.QtWidgets import QComboBox, QCompleter, QFileDialog, QLineEdit, QWidget

from gui.rehearse.generation_options import GenerationOptions
from gui.widgets.basics import Button, column, row
from gui.widgets.theme import space

MODEL, DEMONSTRATOR, REPLAY = "model", "demonstrator", "replay"
_SOURCES = {
    MODEL: ("Model", "The model imagines from the cameras' pictures how the arm would do it: watch it, then decide"),
    DEMONSTRATOR: ("Scripted demonstrator", "The lab's own script does the task: for the simulated lab only"),
    REPLAY: ("Replay a stored motion", "A motion that was stored as a file is shown and done again"),
}


class AskBar(QWidget):
    """Input line; `asked` carries the instruction, the source and the file of a replay ("" without)."""

    asked = Signal(str, str, str)

    def __init__(self):
        super().__init__()
        self.instruction = QLineEdit()
        self.instruction.setPlaceholderText("What should the arm do?  For example: pick up the red cube")
        self.instruction.setAccessibleName("Instruction")
        self.instruction.setMaxLength(200)
        self._known = QStringListModel(self)
        completer = QCompleter(self._known, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setMaxVisibleItems(8)
        self.instruction.setCompleter(completer)
        self._completer = completer
        self.source = QComboBox()
        self.source.setAccessibleName("Where the motion comes from")
        self.file = Button("Choose a file…", on=self._choose_file, tip="The stored motion to show again")
        self.path = ""
        self.show_me = Button("Show me", "primary", icon_name="play", on=self._ask)
        self.show_me.setToolTip("Work out the motion and show it. The arm does not move (Enter)")
        self.show_me.setMinimumWidth(space(7))
        self.more, self.fold = Button("More", "quiet", icon_name="small-down"), GenerationOptions()
        self.more.setToolTip("Which model, candidates, steps, seed and cameras; in parts, with a new look before each")
        self.more.setCheckable(True)
        line = row(self.instruction, self.source, self.more, self.file, self.show_me)
        line.setStretch(0, 1)
        self.setLayout(column(line, self.fold, gap=0.3))
        self.more.toggled.connect(lambda: self._refresh())
        self.instruction.returnPressed.connect(self._ask)
        self.instruction.textChanged.connect(lambda: self._refresh())
        self.source.currentIndexChanged.connect(lambda: self._refresh())
        self._enabled = True
        self.show_sources(tuple(_SOURCES))
        self._refresh()

    @property
    def ready(self) -> bool:
        """Whether the inputs are complete and a motion may be requested."""
        replay = self.source.currentData() == REPLAY
        return self._enabled and bool(self.instruction.text().strip()) and (bool(self.path) or not replay)

    def show_known(self, instructions: Sequence[str]) -> None:
        """Set the instructions offered by completion."""
        if self._known.stringList() != list(instructions):
            self._known.setStringList(list(instructions))

    def show_sources(self, sources: Sequence[str]) -> None:
        """Set the available sources of motions; the selected one is kept where possible."""
        if [self.source.itemData(i) for i in range(self.source.count())] == list(sources):
            return
        chosen = self.source.currentData()
        self.source.clear()
        for key in sources:
            name, tip = _SOURCES[key]
            self.source.addItem(name, key)
            self.source.setItemData(self.source.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.source.setCurrentIndex(max(0, self.source.findData(chosen)))

    def allow(self, enabled: bool, primary: bool) -> None:
        """Set whether a motion may be requested, and whether that is the primary action."""
        self._enabled = enabled
        for widget in (self.instruction, self.source, self.file, self.fold):
            widget.setEnabled(enabled)
        self.show_me.show_as("primary" if primary else "")
        self._refresh()

    def choose_path(self, path: str, words: str = "") -> None:
        """Set the file to replay, or an episode's folder; `words` is its label, by default its name."""
        self.path = path
        self.file.setText(words or (Path(path).name if path else "Choose a file…"))
        self.file.setToolTip(path or "The stored motion to show again")
        self._refresh()

    def replay(self, instruction: str, folder: str, words: str) -> None:
        """Request the replay of an episode or an earlier rehearsal, as if it had been selected here."""
        self.instruction.setText(instruction)
        self.source.setCurrentIndex(self.source.findData(REPLAY))
        self.choose_path(folder, words)
        self._ask()

    def _choose_file(self) -> None:
        # Qt's own dialog: it is a window of this program, so Space and Stop work in it too.
        path, _ = QFileDialog.getOpenFileName(
            self, "A stored motion", self.path, "Motions (*.json)", options=QFileDialog.Option.DontUseNativeDialog
        )
        if path:
            self.choose_path(path)

    def _ask(self) -> None:
        if self.ready:
            if (offers := self._completer.popup()) is not None:
                offers.hide()
            self.more.setChecked(False)
            self.asked.emit(self.instruction.text().strip(), self.source.currentData(), self.path)

    def _refresh(self) -> None:
        model = self.source.currentData() == MODEL
        self.file.setVisible(self.source.currentData() == REPLAY)
        foldable = model or self.source.currentData() == DEMONSTRATOR
        self.more.setVisible(foldable)
        self.fold.show_for(model)
        self.more.set_icon("small-up" if self.more.isChecked() else "small-down")
        self.fold.setVisible(foldable and self.more.isChecked())
        self.show_me.setEnabled(self.ready)
