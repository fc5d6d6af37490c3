"""Simulated user actions for the tests of the window."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QScrollArea

from gui.widgets.deliberate_press import DeliberateButton
from robot.state import ArmState


def until_ripe(button) -> None:
    """Wait, as a user does, until a button that has just appeared or changed can be pressed."""
    for _ in range(400):
        if button.ripe:
            return
        QTest.qWait(20)
    raise AssertionError(f"“{button.text()}” does not become ready to be pressed")


def click(button) -> None:
    """Press a visible button with a real click."""
    bring_into_view(button)
    if isinstance(button, DeliberateButton) and button.isVisible() and button.isEnabled():
        until_ripe(button)
    assert button.isVisible() and button.isEnabled(), f"“{button.text()}” cannot be pressed"
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def bring_into_view(widget) -> None:
    """Scroll to a widget inside a scroll area."""
    above = widget.parentWidget()
    while above is not None and not isinstance(above, QScrollArea):
        above = above.parentWidget()
    if isinstance(above, QScrollArea):
        above.ensureWidgetVisible(widget)


def key(window, code, *, press: bool = True, release: bool = True) -> None:
    """Send a key as it comes from the keyboard: to the window, not to a widget of the test's choice."""
    handle = window.windowHandle()
    if press:
        QTest.keyPress(handle, code)
    if release:
        QTest.keyRelease(handle, code)


def make_ready(program, qtbot) -> None:
    """Bring the arm from any state to ready, by the button that its panel offers."""
    shell = program.shell
    shell.show_screen("arm")
    shell.activateWindow()
    qtbot.waitUntil(shell.isActiveWindow, timeout=10_000)
    step = shell.arm_panel.step

    def pressed_or_ready() -> bool:
        if program.connection.arm_state is ArmState.HOLDING:
            return True
        if step.isVisible() and step.ripe and not program.arm.busy and program.connection.status is not None:
            click(step)
        return False

    qtbot.waitUntil(pressed_or_ready, timeout=30_000)
    # The panel polls thirty times a second.
    qtbot.waitUntil(lambda: program.control.can_press and program.arm.figures.state is ArmState.HOLDING, timeout=30_000)
