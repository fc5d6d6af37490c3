"""Presenter of the main window: state of the arm, connection progress, and Stop."""

from PySide6.QtCore import QObject, Signal

from foundation.errors import KnownError
from gui.arm.phrases import STATES
from gui.runtime.connection import Connection
from gui.runtime.messages import Kind, Messages
from robot.state import ArmState

_LOST = "The connection to the arm was lost. Connect it again on the Set up screen."


class ShellPresenter(QObject):
    """Signals changes of the arm's state and reports arm faults to the operator."""

    changed = Signal()

    def __init__(self, connection: Connection, messages: Messages, parent: QObject | None = None):
        super().__init__(parent)
        self.connection, self.messages = connection, messages
        self.progress_sentence, self.progress_share = "", 0.0
        self._state, self._fault, self._was_connected = ArmState.DISCONNECTED, "", False
        connection.pulled.connect(self._pulled)
        connection.changed.connect(self._connection_changed)
        connection.progress.connect(self._progressed)
        connection.failed.connect(messages.error)
        connection.stop_pressed.connect(lambda: messages.note("Stop was pressed."))

    @property
    def arm_word(self) -> tuple[str, str]:
        """Label for the arm's state, and the style of its chip."""
        if self.connection.opening:
            return "Connecting", "chip-accent"
        word, look, _ = STATES[self._state]
        return word, look

    @property
    def arm_name(self) -> str:
        return "Simulated arm" if self.connection.session.simulated else "Arm"

    def stop(self) -> None:
        self.connection.stop()

    def fail(self, error: KnownError) -> None:
        self.messages.error(error)

    def _progressed(self, sentence: str, share: float) -> None:
        self.progress_sentence, self.progress_share = sentence, share
        self.changed.emit()

    def _connection_changed(self) -> None:
        if self.connection.opening:
            self._was_connected = False
        else:
            problems = self.connection.session.problems
            # Without the lab there is no simulated arm either: one message is enough.
            for name, sentence in problems.items():
                if not (name == "arm" and sentence == problems.get("lab")):
                    self.messages.say(Kind.DANGER, sentence)
        self.changed.emit()

    def _pulled(self) -> None:
        connection = self.connection
        state, status = connection.arm_state, connection.status
        if state is not self._state:
            self._state = state
            self.messages.note(f"{self.arm_name}: {STATES[state][0]}.")
            if state is ArmState.DISCONNECTED and self._was_connected and not connection.opening:
                self.messages.say(Kind.DANGER, connection.arm_trouble or _fault(status) or _LOST)
            self._was_connected = self._was_connected or state is not ArmState.DISCONNECTED
            self.changed.emit()
        fault = _fault(status)
        if fault != self._fault:
            self.messages.settled.emit(self._fault)
            self._fault = fault
            if fault:
                self.messages.say(Kind.DANGER if state is ArmState.ERROR else Kind.WARNING, fault)


def _fault(status) -> str:
    return "" if status is None else status.fault
