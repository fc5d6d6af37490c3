"""Settings of the control box, on the Set up screen; the other program is the maker's own SDK."""

import contextlib

import pytest
from window_hands import click, make_ready

from robot.controller.driver import Reports, XArm
from robot.controller.endpoint import Endpoint
from robot.state import ArmState

WRONG = (0.0,) * 6  # as in a new box


@pytest.fixture
def studio(program):
    """Another client of the same arm, as UFACTORY Studio is."""
    lab = program.session.lab
    assert lab is not None
    with contextlib.closing(XArm(Endpoint(lab.address, lab.port), reports=Reports.NONE)) as link:
        yield link


def checked(program) -> dict[str, tuple[bool, str]]:
    return {check.name: (check.ok, check.sentence) for check in program.setup.checks}


def test_a_wrong_tool_point_is_shown_refuses_motion_and_is_set_right_by_one_press(program, qtbot, studio):
    shell = program.shell
    screen = shell.screens["set up"]
    make_ready(program, qtbot)
    shell.show_screen("set up")
    qtbot.waitUntil(lambda: checked(program).get("Control box") == (True, "set as the program needs it"))
    studio.write_setting("tcp_offset", WRONG)
    qtbot.waitUntil(lambda: program.connection.arm_state is not ArmState.HOLDING, timeout=30_000)
    qtbot.waitUntil(lambda: checked(program)["Control box"][0] is False, timeout=30_000)
    assert "0 / 0 / 0 mm, not 0 / 0 / 172 mm" in checked(program)["Control box"][1]
    line = screen.box.rows["tcp_offset"]
    assert line.found.text() == "0 / 0 / 0 mm" and "0 / 0 / 172 mm" in line.expected.text()
    # Nothing moves, hand guiding least of all.
    robot = program.connection.robot
    refused = []
    job = program.jobs.run(lambda *_: robot.hand_guide(), name="guide")
    job.on(failed=lambda error: refused.append(str(error)))
    qtbot.waitUntil(lambda: bool(refused), timeout=30_000)
    assert "another tool point" in refused[0]
    qtbot.waitUntil(lambda: screen.checklist.next.text() == "Set the tool point right", timeout=30_000)
    click(screen.checklist.next)
    qtbot.waitUntil(lambda: checked(program)["Control box"][0], timeout=30_000)
    qtbot.waitUntil(lambda: not program.screens.box.busy, timeout=30_000)
    assert program.connection.arm_state is ArmState.NOT_READY  # the press never makes the arm ready
    assert "It was 0 / 0 / 0 mm" in line.expected.text()
    click(line.undo)
    qtbot.waitUntil(lambda: line.found.text() == "0 / 0 / 0 mm", timeout=30_000)
    qtbot.waitUntil(lambda: line.set_right.isVisible() and line.set_right.isEnabled(), timeout=30_000)
    click(line.set_right)
    qtbot.waitUntil(lambda: line.found.text() == "0 / 0 / 172 mm", timeout=30_000)
    make_ready(program, qtbot)


def test_the_box_in_force_is_the_robot_processs(program, qtbot):
    """Check that the fields are a draft: the settings that the robot process was started with are in force."""
    shell = program.shell
    shell.show_screen("set up")
    workspace = shell.screens["set up"].workspace
    program.setup.edit("workspace", high=(0.8, 0.7, 0.9))
    assert "Z 0 to 1200 mm" in workspace.in_force.text()
    program.setup.undo()


def test_another_hand_on_the_arm_is_said(program, qtbot, studio):
    make_ready(program, qtbot)
    studio.set_mode(2)
    studio.set_ready()
    qtbot.waitUntil(lambda: program.connection.arm_state is ArmState.STOPPED, timeout=30_000)
    qtbot.waitUntil(lambda: "Another program has taken the arm" in program.arm.figures.error, timeout=30_000)
    make_ready(program, qtbot)
