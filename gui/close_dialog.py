"""Question shown when the window is closed while the arm moves or something is being recorded.

It is not modal and nothing is interrupted: the heartbeat continues, and Stop and Space work as usual.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QWidget

from foundation.clocks import Clock
from gui.runtime.connection import Connection
from gui.widgets.basics import Button, IconLabel, label, row
from gui.widgets.deliberate_press import DeliberateButton
from gui.widgets.theme import look, space
from robot.state import ArmState
from workflows.recording.facts import RecordState

if TYPE_CHECKING:  # the lab starts before the screens are loaded
    from gui.record.presenter import RecordPresenter
    from gui.rehearse.presenter import RehearsePresenter

WHY = "Stopped when the window was closed."  # stored with a run that ends this way


class ClosingQuestion(QFrame):
    """Banner across the top with two buttons; closing the window a second time equals "Stop and close"."""

    def __init__(self, close: Callable[[], object], clock: Clock, parent: QWidget | None = None):
        super().__init__(parent)
        look(self, "banner-danger")
        self.words = label("", wrap=True, name="closing question")
        self.close_ = DeliberateButton("Stop and close", "danger", clock=clock, icon_name="stop", on=close)
        self.close_.setToolTip("The arm is stopped, what was recorded is kept, and the window closes")
        self.stay = Button("Do not close", on=self.hide)
        layout = row(IconLabel("warning", "danger"), self.words, self.stay, self.close_, gap=0.6)
        layout.setContentsMargins(space(0.8), space(0.35), space(0.5), space(0.35))
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self.hide()

    @property
    def asking(self) -> bool:
        return not self.isHidden()

    def ask(self, under_way: str) -> None:
        self.words.setText(f"{under_way} Close the window all the same? Then the arm is stopped first.")
        self.show()


def under_way(connection: Connection, rehearse: "RehearsePresenter", record: "RecordPresenter") -> str:
    """Return a sentence that describes what closing the window would interrupt; '' for nothing."""
    if rehearse.running:
        return "A motion is running."
    if record.demonstrating:
        return "Demonstrations are being recorded."
    if record.state in (RecordState.COUNTDOWN, RecordState.RECORDING):
        return "An episode is being recorded."
    if connection.arm_state is ArmState.HAND_GUIDING:
        return "The arm is being guided by hand."
    return "The arm is moving." if connection.may_move else ""
