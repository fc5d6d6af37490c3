"""Stalls of the GUI thread: they are detected, and an arm in motion is stopped."""

import time

import pytest
from PySide6.QtCore import QTimer
from window_hands import make_ready

from foundation.deadlines import PRODUCTION
from gui.arm.hand_control import Direction
from gui.runtime.stall_monitor import StallMonitor
from robot.state import ArmState

pytestmark = pytest.mark.alone

DEADLINES = PRODUCTION
BLOCKED = 0.25  # s: longer than the robot process waits for a heartbeat while the arm moves
TRIES = 6


def jogging(program, qtbot) -> bool:
    """Return whether the arm moves on a held button; it may be stopped before."""
    make_ready(program, qtbot)
    program.control.press(Direction(2, 1))
    qtbot.waitUntil(lambda: program.connection.arm_state is not ArmState.HOLDING, timeout=5_000)
    return program.connection.arm_state is ArmState.JOGGING


def test_a_window_that_is_held_up_for_a_quarter_of_a_second_stops_the_arm(program, qtbot):
    for _ in range(TRIES):
        if jogging(program, qtbot):
            break
        program.control.release_all()
    assert program.connection.arm_state is ArmState.JOGGING
    before: list[ArmState] = []

    def hold_up() -> None:
        before.append(program.connection.arm_state)
        time.sleep(BLOCKED)

    QTimer.singleShot(0, hold_up)
    qtbot.waitUntil(lambda: bool(before), timeout=5_000)
    assert before == [ArmState.JOGGING]
    qtbot.waitUntil(lambda: program.connection.arm_state is ArmState.STOPPED, timeout=5_000)
    assert program.connection.status.fault  # with a message
    qtbot.waitUntil(lambda: not program.control.moving, timeout=5_000)  # what is held moves nothing any more
    make_ready(program, qtbot)


def work_without_a_turn() -> None:
    began = time.thread_time()
    while time.thread_time() - began < 0.1:
        pass


def test_a_long_stretch_is_kept_with_what_ran_in_it(qtbot):
    stalls = StallMonitor(looking=True)
    try:
        stalls.during = "working"
        QTimer.singleShot(20, work_without_a_turn)
        qtbot.waitUntil(lambda: any(each.work >= 0.1 for each in stalls.stretches), timeout=5_000)
        longest = max(stalls.stretches, key=lambda each: each.work)
        assert "work_without_a_turn" in longest.what and longest.during == "working"
        assert stalls.longest >= stalls.longest_work == longest.work
        stalls.begin()
        assert stalls.longest_work < longest.work and not stalls.stretches
    finally:
        stalls.close()
