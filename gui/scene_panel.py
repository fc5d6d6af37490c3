"""The 3-D view with its points of view to choose, and what its colours mean."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.parts import Button, label, row
from gui.scene_view import SceneView
from gui.theme import space


class ScenePanel(SceneView):
    """A SceneView with buttons in its upper corner and a legend below."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.legend = label("", "legend", wrap=True, name="3-D legend")
        buttons = []
        for name in self.view_names():
            button = Button(name.capitalize(), "quiet", tip=_TIPS[name], on=lambda name=name: self.look_from(name))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAccessibleName(f"3-D view from {name}")
            buttons.append(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(space(0.3), space(0.2), space(0.3), space(0.2))
        layout.addLayout(row(None, *buttons, gap=0.1))
        layout.addStretch(1)
        layout.addWidget(self.legend)

    def show_legend(self, words: str) -> None:
        self.legend.setText(words)


_TIPS = {
    "free": "From the side and above; drag to turn, wheel to come nearer (a double click brings this view back)",
    "front": "Looking at the arm from the front",
    "side": "From the arm's right side",
    "top": "Straight down",
}
