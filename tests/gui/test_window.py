"""Window as a whole, with a real lab process, a real robot process and real captures behind it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit, QVBoxLayout
from window_hands import bring_into_view, click, key, make_ready, until_ripe

from foundation import xarm7
from gui.arm.hand_control import Direction
from gui.widgets.theme import DARK, LIGHT, colours
from robot.state import ArmState

ROOT = Path(__file__).parent.parent.parent
LEFT, UP, YAW = Direction(1, 1), Direction(2, 1), Direction(5, 1)


def tool_mm(program) -> np.ndarray:
    return 1000.0 * xarm7.forward(program.connection.status.position)[:3, 3]


def test_the_window_loads_neither_the_model_s_library_nor_the_arm_s():
    script = "import gui.app, sys; assert not {'torch', 'diffusers', 'xarm'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_the_next_start_tells_of_the_crash_before(program):
    told = [message.sentence for message in program.messages.log]
    assert any("did not end properly" in each and "crash-before" in each for each in told)
    assert (program.crashes.folder / "crash-before.txt").read_text() == "it broke"  # and only once


def test_live_pictures_come_and_say_how_old_they_are(program, qtbot):
    program.shell.show_screen("arm")
    views = program.shell.live.pictures
    assert set(views) == {"lab:left", "lab:right"}
    qtbot.waitUntil(lambda: all(view.painted_live for view in views.values()), timeout=20_000)
    qtbot.waitUntil(lambda: all("fps" in view.camera.note for view in views.values()), timeout=20_000)
    assert all(view.rgb is not None and view.rgb.std() > 10 for view in views.values())


def test_a_held_button_moves_and_stop_ends_it(program, qtbot):
    make_ready(program, qtbot)
    button = program.shell.screens["arm"].jog_buttons[UP]
    bring_into_view(button)
    until_ripe(button)
    start = tool_mm(program)
    QTest.mousePress(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: tool_mm(program)[2] > start[2] + 8, timeout=30_000)
    assert abs(tool_mm(program)[:2] - start[:2]).max() < 2
    click(program.shell.stop)
    qtbot.waitUntil(lambda: program.connection.arm_state is ArmState.STOPPED, timeout=30_000)
    stopped = tool_mm(program)
    QTest.mouseRelease(button, Qt.MouseButton.LeftButton)
    qtbot.wait(300)
    assert program.connection.arm_state is ArmState.STOPPED
    assert np.linalg.norm(tool_mm(program) - stopped) < 3


def test_a_key_moves_as_long_as_it_is_held_and_space_stops(program, qtbot):
    make_ready(program, qtbot)
    shell, start = program.shell, tool_mm(program)
    for direction in (LEFT, Direction(1, -1)):
        until_ripe(shell.screens["arm"].jog_buttons[direction])
    key(shell, Qt.Key.Key_Left, release=False)
    qtbot.waitUntil(lambda: tool_mm(program)[1] > start[1] + 5, timeout=30_000)
    key(shell, Qt.Key.Key_Left, press=False)
    qtbot.waitUntil(lambda: program.connection.arm_state is ArmState.HOLDING, timeout=30_000)
    key(shell, Qt.Key.Key_Right, release=False)
    qtbot.waitUntil(lambda: program.connection.arm_state is ArmState.JOGGING, timeout=30_000)
    key(shell, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: program.connection.arm_state is ArmState.STOPPED, timeout=30_000)
    key(shell, Qt.Key.Key_Right, press=False)


def test_a_step_is_as_long_as_it_says(program, qtbot):
    make_ready(program, qtbot)
    screen = program.shell.screens["arm"]
    click(screen.steps.button(2))
    for direction, axis, step_mm in ((LEFT, 1, 5.0), (UP, 2, 5.0)):
        start = tool_mm(program)
        click(screen.jog_buttons[direction])
        qtbot.waitUntil(lambda: not program.control.moving, timeout=30_000)
        qtbot.waitUntil(lambda: program.connection.arm_state is ArmState.HOLDING, timeout=30_000)
        wanted = np.zeros(3)
        wanted[axis] = step_mm
        assert np.abs(tool_mm(program) - start - wanted).max() < 0.5
    start = xarm7.forward(program.connection.status.position)[:3, :3]
    click(screen.jog_buttons[YAW])
    qtbot.waitUntil(lambda: not program.control.moving, timeout=30_000)
    qtbot.waitUntil(lambda: program.connection.arm_state is ArmState.HOLDING, timeout=30_000)
    turned = xarm7.forward(program.connection.status.position)[:3, :3] @ start.T
    assert abs(np.rad2deg(np.arctan2(turned[1, 0], turned[0, 0])) - 5.0) < 0.4
    click(screen.steps.button(0))


def test_space_is_a_blank_in_a_text_while_the_arm_stands_and_stop_while_it_moves(program, qtbot):
    """Check also in a dialog that blocks the window behind it."""
    make_ready(program, qtbot)
    dialog, field = QDialog(program.shell), QLineEdit()
    QVBoxLayout(dialog).addWidget(field)
    dialog.setModal(True)
    dialog.show()
    dialog.activateWindow()
    field.setFocus()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is field, timeout=30_000)
    key(dialog, Qt.Key.Key_Space)
    assert field.text() == " " and program.connection.arm_state is ArmState.HOLDING
    program.control.press(LEFT)
    qtbot.waitUntil(lambda: program.connection.arm_state is ArmState.JOGGING, timeout=30_000)
    key(dialog, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: program.connection.arm_state is ArmState.STOPPED, timeout=30_000)
    assert field.text() == " "
    dialog.close()
    dialog.deleteLater()


def test_enter_presses_the_chosen_button_and_space_never_does(virtual_program, qtbot):
    program = virtual_program
    make_ready(program, qtbot)
    tab = program.shell.tabs["log"]
    tab.setFocus()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is tab, timeout=30_000)
    key(program.shell, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: program.connection.arm_state is ArmState.STOPPED, timeout=30_000)
    assert program.shell.current is program.shell.screens["arm"]
    key(program.shell, Qt.Key.Key_Return)
    assert program.shell.current is program.shell.screens["log"]


def test_home_is_one_press(virtual_program, qtbot):
    program = virtual_program
    make_ready(program, qtbot)
    click(program.shell.screens["arm"].home)
    qtbot.waitUntil(lambda: np.abs(program.connection.status.position - xarm7.HOME).max() < 0.01, timeout=20_000)
    qtbot.waitUntil(lambda: program.connection.arm_state is not ArmState.FOLLOWING, timeout=30_000)
    assert program.connection.arm_state is ArmState.HOLDING, [each.sentence for each in program.messages.log][-5:]


def test_gripper_and_hand_guiding_are_presses(virtual_program, qtbot):
    program = virtual_program
    make_ready(program, qtbot)
    screen = program.shell.screens["arm"]
    click(screen.gripper.close_)
    qtbot.waitUntil(lambda: (program.connection.status.openness or 0.0) < 0.2, timeout=30_000)
    click(screen.gripper.open)
    qtbot.waitUntil(lambda: (program.connection.status.openness or 0.0) > 0.9, timeout=30_000)
    qtbot.waitUntil(lambda: screen.guide.isEnabled(), timeout=30_000)
    click(screen.guide)
    qtbot.waitUntil(lambda: program.connection.arm_state is ArmState.HAND_GUIDING, timeout=30_000)
    qtbot.waitUntil(lambda: screen.guide.isEnabled() and screen.guide.text() == "End hand guiding", timeout=30_000)
    click(screen.guide)
    qtbot.waitUntil(lambda: program.connection.arm_state is ArmState.HOLDING, timeout=30_000)


def test_of_quick_presses_for_the_gripper_the_last_counts(virtual_program, qtbot):
    program = virtual_program
    make_ready(program, qtbot)
    gripper = program.shell.screens["arm"].gripper
    click(gripper.open)
    qtbot.waitUntil(lambda: (program.connection.status.openness or 0.0) > 0.9, timeout=30_000)
    for button in (gripper.close_, gripper.open, gripper.close_):  # without a look in between
        click(button)
    qtbot.waitUntil(lambda: program.connection.status.openness < 0.2, timeout=30_000)
    qtbot.wait(500)
    assert program.connection.status.openness < 0.2
    click(gripper.open)
    click(gripper.close_)
    click(gripper.open)
    qtbot.waitUntil(lambda: program.connection.status.openness > 0.9, timeout=30_000)


def test_an_error_is_explained_and_cleared_click_by_click(virtual_program, qtbot):
    program = virtual_program
    make_ready(program, qtbot)
    screen = program.shell.screens["arm"]
    program.session.lab.controller_fault(raise_error=31)
    qtbot.waitUntil(lambda: program.connection.arm_state is ArmState.ERROR, timeout=30_000)
    qtbot.waitUntil(lambda: screen.recovery.isVisible() and "C31" in screen.recovery.trouble.error.text())
    assert "hit something" in screen.recovery.trouble.error.text() and screen.recovery.trouble.cure.text()
    assert any("31" in sentence for sentence in program.shell.banners.sentences)
    for name, then in (
        ("step CLEAR_ERROR", ArmState.NOT_ENABLED),
        ("step ENABLE", ArmState.NOT_READY),
        ("step MAKE_READY", ArmState.HOLDING),
    ):
        button = screen.recovery.findChild(type(screen.home), name)
        qtbot.waitUntil(lambda button=button: button.isVisible() and button.isEnabled(), timeout=30_000)
        click(button)
        qtbot.waitUntil(lambda then=then: program.connection.arm_state is then, timeout=30_000)
    qtbot.waitUntil(lambda: not screen.recovery.isVisible(), timeout=30_000)
    qtbot.waitUntil(lambda: not any("31" in each for each in program.shell.banners.sentences), timeout=30_000)


def test_a_camera_that_vanishes_is_seen_and_comes_back(program, qtbot):
    program.shell.show_screen("arm")
    view = program.shell.live.pictures["lab:left"]
    qtbot.waitUntil(lambda: view.camera is not None and view.camera.live, timeout=30_000)
    program.session.lab.camera_fault("left", vanished=True)
    qtbot.waitUntil(lambda: view.camera.colour == "danger" and not view.camera.live, timeout=30_000)
    qtbot.waitUntil(lambda: any("Camera left" in each for each in program.shell.banners.sentences), timeout=30_000)
    assert program.shell.live.pictures["lab:right"].camera.colour != "danger"
    program.session.lab.camera_fault("left", vanished=False)
    qtbot.waitUntil(lambda: view.camera.live, timeout=15_000)
    qtbot.waitUntil(lambda: not any("Camera left" in each for each in program.shell.banners.sentences))


def test_a_bug_in_a_slot_stops_the_arm_and_the_window_goes_on(program, qtbot, qapp):
    make_ready(program, qtbot)
    program.control.press(LEFT)
    qtbot.waitUntil(lambda: program.connection.arm_state is ArmState.JOGGING, timeout=30_000)
    program.hooks.install()  # from pytest's own, which would fail the test
    try:
        QTimer.singleShot(0, lambda: [][1])
        qtbot.waitUntil(lambda: program.connection.arm_state is ArmState.STOPPED, timeout=30_000)
    finally:
        program.hooks.remove()
    logs = list(program.crashes.folder.glob("crash-*.new.txt"))
    assert len(logs) == 1 and "IndexError" in logs[0].read_text() and "test_window.py" in logs[0].read_text()
    assert any(str(logs[0]) in each for each in program.shell.banners.sentences)
    make_ready(program, qtbot)


def test_the_theme_switches_at_a_press(virtual_program, qtbot, qapp):
    program = virtual_program
    shell, seen = program.shell, {}
    for _ in range(3):
        click(shell.appearance)
        qtbot.wait(50)
        assert colours() is (DARK if program.theme.dark else LIGHT)
        seen[program.theme.appearance] = qapp.palette().color(QPalette.ColorRole.Window).name()
        corner = shell.rail.grab().toImage().pixelColor(3, shell.rail.height() // 2)
        assert abs(corner.lightness() - colours().q("surface").lightness()) < 10
    assert seen == {"light": LIGHT.window, "dark": DARK.window, "system": LIGHT.window}
    qtbot.waitUntil(lambda: '"system"' in program.settings_file.read_text(), timeout=30_000)
