"""Segmented control: a few exclusive choices side by side."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QPushButton, QWidget

from gui.widgets.basics import row


class SegmentedControl(QWidget):
    """Exclusive buttons side by side; one of them is always selected."""

    chosen = Signal(int)

    def __init__(self, names: tuple[str, ...], on) -> None:
        super().__init__()
        self._group = QButtonGroup(self)
        layout = row(gap=0.25)
        for i, name in enumerate(names):
            button = QPushButton(name)
            button.setCheckable(True)
            self._group.addButton(button, i)
            layout.addWidget(button)
        self.setLayout(layout)
        self.choose(0)
        self._group.idClicked.connect(on)

    def choose(self, index: int) -> None:
        self._group.button(index).setChecked(True)

    def button(self, index: int) -> QPushButton:
        button = self._group.button(index)
        assert isinstance(button, QPushButton)
        return button
