"""Closing the window while the arm moves asks first; work in progress is stored as it was."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from rehearse_hands import Hands
from window_hands import bring_into_view, click, key, make_ready, until_ripe

from gui.arm.hand_control import Direction
from gui.close_dialog import WHY
from gui.rehearse.steps import Step
from robot.state import ArmState
from workflows.rehearsal.files import read_record

PICTURE_PX, TASK_OF_LAB = (160, 120), "reach the bowl"
UP = Direction(2, 1)


def test_nothing_is_asked_while_nothing_moves(fresh_virtual_program, qtbot):
    shell = fresh_virtual_program.shell
    qtbot.waitUntil(lambda: shell.under_way() == "", timeout=20_000)
    shell.close()
    assert shell.isHidden()


def test_while_the_arm_is_jogged_it_asks_and_everything_goes_on(fresh_program, qtbot):
    program, shell = fresh_program, fresh_program.shell

    make_ready(program, qtbot)
    button = shell.screens["arm"].jog_buttons[UP]
    bring_into_view(button)
    until_ripe(button)
    start = program.connection.status.position.copy()
    QTest.mousePress(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: program.connection.arm_state is ArmState.JOGGING, timeout=10_000)
    qtbot.waitUntil(lambda: np.abs(program.connection.status.position - start).max() > 1e-4, timeout=10_000)
    shell.close()
    assert shell.isVisible() and shell.question.isVisible() and "moving" in shell.question.words.text()
    assert shell.stop.isVisible() and shell.stop.isEnabled()
    key(shell, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: program.connection.arm_state is ArmState.STOPPED, timeout=30_000)
    QTest.mouseRelease(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not shell.question.isVisible(), timeout=30_000)  # there is nothing to ask any more
    assert shell.isVisible()


@pytest.mark.parametrize("how", ["a second close", "the button"])
def test_a_run_that_the_closed_window_ends_is_stored_as_that(fresh_virtual_program, qtbot, how):
    hands, shell = Hands(fresh_virtual_program, qtbot), fresh_virtual_program.shell
    shell.resize(1000, 700)
    shell.show_screen("rehearse")
    hands.begin()
    hands.watch("reach the bowl")
    hands.approve()
    hands.start(25)
    hands.until(lambda: hands.presenter.frame_now >= 1)
    assert hands.step is Step.RUNNING
    folder = hands.presenter.rehearsal.folder
    shell.close()
    assert shell.isVisible() and "motion is running" in shell.question.words.text()
    click(shell.question.stay)
    assert not shell.question.isVisible() and hands.step in (Step.RUNNING, Step.OUTCOME)
    shell.close()
    if how == "the button":
        click(shell.question.close_)
    else:
        shell.close()
    assert shell.isHidden()
    record = read_record(folder)
    assert record["run"]["over"] and record["run"]["fault"] == WHY and record["outcome"] is None
    assert record["tracking_error_p95_mm"] is not None and (folder / "run-1.npz").exists()
