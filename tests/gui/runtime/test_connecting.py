"""Reconnecting: set-up, a hanging controller, a real address that does not answer, the end of the window."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from window_hands import click, make_ready

from robot.state import ArmState
from simulation.bench.scene import SceneSpec
from simulation.client import LabProcess
from simulation.controller.server_ports import free_loopback_address

ROOT = Path(__file__).parents[3]
_STOP = 12  # register: state of the motion


def test_a_controller_that_hangs_does_not_hold_the_window_up(fresh_program, qtbot):
    """Check with a generous bound: the figure belongs to the benchmark."""
    make_ready(fresh_program, qtbot)
    longest, last = 0.0, time.monotonic()

    def beat() -> None:
        nonlocal longest, last
        now = time.monotonic()
        longest, last = max(longest, now - last), now

    timer = QTimer(interval=5)
    timer.timeout.connect(beat)
    timer.start()
    fresh_program.session.lab.controller_fault(hang=True)
    click(fresh_program.shell.screens["arm"].gripper.close_)
    fresh_program.connection.stop()
    qtbot.waitUntil(lambda: fresh_program.connection.arm_state is ArmState.DISCONNECTED, timeout=20_000)
    banners = fresh_program.shell.banners
    qtbot.waitUntil(lambda: any("did not reach the arm" in each for each in banners.sentences), timeout=10_000)
    fresh_program.session.lab.controller_fault(hang=False)
    qtbot.wait(300)
    timer.stop()
    assert longest < 0.8
    # The lab goes on, but this arm has to be reconnected: its connections were given up.
    fresh_program.setup.apply()
    qtbot.waitUntil(lambda: fresh_program.connection.opened, timeout=40_000)
    qtbot.waitUntil(lambda: fresh_program.connection.arm_state is ArmState.NOT_ENABLED, timeout=10_000)


def test_the_setup_turns_green_and_is_remembered(fresh_program, qtbot):
    program = fresh_program
    screen = program.shell.screens["set up"]
    program.shell.show_screen("set up")
    qtbot.waitUntil(lambda: len(program.setup.checks) > 3, timeout=10_000)
    qtbot.waitUntil(lambda: [c.name for c in program.setup.checks if not c.ok] == ["Ready to move"], timeout=15_000)
    button = screen.checklist.next
    for text, then in (("Switch the motors on", ArmState.NOT_READY), ("Make ready", ArmState.HOLDING)):
        qtbot.waitUntil(lambda text=text: button.text() == text and button.isEnabled(), timeout=30_000)
        click(button)
        qtbot.waitUntil(lambda then=then: program.connection.arm_state is then, timeout=30_000)
    qtbot.waitUntil(lambda: program.setup.all_well, timeout=10_000)
    qtbot.waitUntil(lambda: all(row.icon._name == "check" for row in screen.checklist.rows), timeout=30_000)
    screen.arm.cameras.setValue(3)
    screen.speed.tool.setValue(100)
    screen.workspace.high[2].setValue(900)
    assert button.text() == "Save and connect"
    click(button)
    qtbot.waitUntil(lambda: program.connection.opened, timeout=40_000)
    assert len(program.session.captures) == 3 and not program.session.problems
    qtbot.waitUntil(lambda: len(screen.cameras.tiles) == 3, timeout=30_000)
    qtbot.waitUntil(lambda: program.settings_file.exists(), timeout=30_000)
    saved = json.loads(program.settings_file.read_text())
    assert saved["lab"]["cameras"] == 3 and saved["speed"]["tcp_mm_s"] == 100.0 and saved["workspace"]["high"][2] == 0.9


def test_a_camera_is_identified_by_unplugging_it(fresh_program, qtbot):
    program = fresh_program
    screen = program.shell.screens["set up"]
    program.shell.show_screen("set up")
    qtbot.waitUntil(lambda: "lab:right" in screen.cameras.tiles, timeout=10_000)
    click(screen.cameras.identify)
    qtbot.waitUntil(lambda: screen.cameras.hint.text().startswith("Now pull the cable"), timeout=20_000)
    program.session.lab.camera_fault("right", vanished=True)
    qtbot.waitUntil(lambda: program.setup.unplugged == "lab:right", timeout=10_000)
    qtbot.waitUntil(lambda: screen.cameras.tiles["lab:right"].found.isVisible(), timeout=30_000)
    assert not screen.cameras.tiles["lab:left"].found.isVisible()


def test_an_arm_that_does_not_answer_gets_a_sentence(fresh_program, qtbot):
    program = fresh_program
    screen = program.shell.screens["set up"]
    program.shell.show_screen("set up")
    click(screen.arm.real)
    screen.arm.address.clear()
    QTest.keyClicks(screen.arm.address, free_loopback_address())
    click(screen.checklist.next)
    qtbot.waitUntil(lambda: program.connection.opening, timeout=30_000)
    qtbot.waitUntil(lambda: not program.connection.opening, timeout=40_000)
    assert program.session.problems["arm"] in program.shell.banners.sentences
    row = next(row for row in screen.checklist.rows if row.name.text() == "Arm")
    qtbot.waitUntil(lambda: row.text.text() == program.session.problems["arm"], timeout=30_000)


def test_the_window_killed_outright_leaves_the_arm_stopped(tmp_path, screen):
    """Check with a lab of the test's own in place of the real arm, so that it can still be queried afterwards."""
    with LabProcess(SceneSpec(), address=free_loopback_address()) as lab:
        window = subprocess.Popen(
            [sys.executable, "tests/gui/jogging_window.py", f"{lab.address}:{lab.port}", str(tmp_path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert window.stdout is not None and window.stdout.readline() == "moving\n"
        children = psutil.Process(window.pid).children(recursive=True)
        os.kill(window.pid, signal.SIGKILL)
        killed = time.monotonic()
        window.wait()
        window.stdout.close()
        psutil.wait_procs(children, timeout=10.0)
        stops = [each for each in lab.commands(_STOP, since=killed) if each["params"][:1] == b"\x04"]
        assert stops, "no stop reached the controller"
        before = lab.truth().base_from_tool
        time.sleep(0.5)
        assert abs(lab.truth().base_from_tool - before).max() < 1e-3
    assert not [child for child in children if child.is_running()]
