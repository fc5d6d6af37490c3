"""Simulated user actions for the tests of the window."""

import contextlib

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
    """Make the arm ready from any state by the button that the arm's panel offers, pressed again if need be."""
    shell = program.shell
    shell.show_screen("arm")
    shell.activateWindow()
    qtbot.waitUntil(shell.isActiveWindow, timeout=10_000)
    step = shell.arm_panel.step
    for _ in range(20):
        if program.connection.arm_state is ArmState.HOLDING:
            break
        if step.isVisible() and step.ripe and program.connection.status is not None:
            click(step)
        qtbot.wait(200)
        qtbot.waitUntil(lambda: not program.arm.busy, timeout=15_000)
        qtbot.waitUntil(lambda: program.connection.arm_state is not ArmState.PREPARING, timeout=15_000)
    assert program.connection.arm_state is ArmState.HOLDING, [m.sentence for m in program.messages.log]
    # The panel polls thirty times a second.
    qtbot.waitUntil(lambda: program.control.can_press and program.arm.figures.state is ArmState.HOLDING, timeout=5_000)


def with_a_ready_arm(program, qtbot, act, times: int = 6) -> None:
    """Do `act()` with a ready arm; again when the machine was so busy that the arm was stopped meanwhile.

    The robot process stops the arm when the window is silent for 0.2 s, and on a busy machine it rightly does.
    """
    for attempt in range(times):
        make_ready(program, qtbot)
        before = _silences(program)
        try:
            act()
            return
        except (AssertionError, qtbot.TimeoutError):
            program.control.release_all()
            with contextlib.suppress(qtbot.TimeoutError):  # the state comes before the message
                qtbot.waitUntil(lambda before=before: _silences(program) > before, timeout=2_000)
            if _silences(program) == before or attempt == times - 1:
                raise


def _silences(program) -> int:
    """Count the stops because the computer was busy: the window, or the robot process, was held up."""
    busy = ("went silent", "held this program up")
    return sum(any(words in message.sentence for words in busy) for message in program.messages.log)
