"""Driver of the user interface that acts like a person: press what is visible, type, wait, take screenshots."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEventLoop, QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QComboBox, QWidget

from foundation.errors import ProcessError
from gui.app import Program
from gui.widgets.deliberate_press import DeliberateButton
from robot.state import ArmState

_LOOK_EVERY_MS = 40
_PRESS_AGAIN = 1.0  # s after which a button that is still enabled is pressed again
_LONGEST = 120.0  # s


class UiDriver:
    """Real mouse presses and keys on a real window; `pictures` is the folder for a screenshot of every step, or None.

    Raises ProcessError, which names what was waited for, on a timeout.
    """

    def __init__(self, program: Program, pictures: Path | None = None):
        self.program, self.shell = program, program.shell
        self.steps: list[str] = []
        self._pictures = pictures
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)

    def wait(self, seconds: float) -> None:
        """Run the event loop for this time."""
        loop = QEventLoop()
        QTimer.singleShot(round(1000 * seconds), loop.quit)
        loop.exec()

    def until(self, so: Callable[[], object], what: str, seconds: float = _LONGEST) -> None:
        """Wait until `so()`; `what` describes it in the error message. Raises ProcessError after `seconds`."""
        deadline = time.monotonic() + seconds
        while not so():
            if time.monotonic() > deadline:
                said = "; ".join(message.sentence for message in list(self.program.messages.log)[-3:])
                raise ProcessError(f"Within {seconds:.0f} s this did not happen: {what}. The window said: {said}.")
            self.wait(_LOOK_EVERY_MS / 1000.0)

    def can_press(self, button: QAbstractButton) -> bool:
        if isinstance(button, DeliberateButton):
            return button.ripe
        return button.isVisible() and button.isEnabled()

    def press(self, button: QAbstractButton) -> None:
        """Press a button as soon as it can be pressed."""
        self.until(lambda: self.can_press(button), f"“{button.text()}” can be pressed")
        at = QPoint(8, button.height() // 2) if isinstance(button, QCheckBox) else QPoint()
        QTest.mouseClick(button, Qt.MouseButton.LeftButton, pos=at)

    def press_until(
        self, button: QAbstractButton, so: Callable[[], object], what: str, seconds: float = _LONGEST
    ) -> None:
        """Press a button whenever it is enabled, until `so()`: an arm stopped by load has to be made ready again."""
        pressed = 0.0

        def done() -> bool:
            nonlocal pressed
            if so():
                return True
            if self.can_press(button) and time.monotonic() - pressed > _PRESS_AGAIN:
                pressed = time.monotonic()
                QTest.mouseClick(button, Qt.MouseButton.LeftButton)
            return False

        self.until(done, what, seconds)

    def make_ready(self, button: QAbstractButton) -> None:
        """Make the arm ready with the button for it on this screen."""
        self.press_until(button, lambda: self.arm_ready, "the arm is ready")

    @property
    def arm_ready(self) -> bool:
        return self.program.connection.arm_state is ArmState.HOLDING

    def type(self, field: QWidget, text: str, *, enter: bool = False) -> None:
        """Replace the text of a field."""
        self.until(lambda: field.isVisible() and field.isEnabled(), "a field can be written in")
        field.setFocus()
        QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClicks(field, text)
        if enter:
            QTest.keyClick(field, Qt.Key.Key_Return)

    def choose(self, box: QComboBox, value: Any) -> None:
        """Select an entry with the arrow keys. Raises ProcessError when it does not exist."""
        box.setFocus()
        QTest.keyClick(box, Qt.Key.Key_Home)
        for _ in range(box.count()):
            if box.currentData() == value:
                return
            QTest.keyClick(box, Qt.Key.Key_Down)
        raise ProcessError(f"“{value}” is not among what can be chosen.")

    def open(self, screen: str) -> Any:
        """Open another screen with its navigation button and return it."""
        self.press(self.shell.tabs[screen])
        return self.shell.screens[screen]

    def look(self, step: str) -> None:
        """Record a step, with a screenshot."""
        self.steps.append(step)
        if self._pictures is None:
            return
        # A grab of the screen, not of the widgets: it includes OpenGL, and nothing is redrawn while the arm is ready.
        image = self.shell.screen().grabWindow(self.shell.winId()).toImage()
        file = self._pictures / f"{len(self.steps):02d}-{step}.png"
        self.program.jobs.run(lambda *_: image.save(str(file)), name="keep a picture")
