"""Calibrate screen with real clicks in the real window: lab, arm, cameras, detection and solver are real."""

import numpy as np
import pytest
from calibrate_hands import LONG, in_a_thread, mounted, to_the_poses
from calibrate_pieces import computed_session
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from window_hands import click, key, make_ready

from gui.calibrate.steps import CalibrateStep, Stage
from robot.state import ArmState

PICTURE_PX = (640, 480)  # tags are looked for
SHORT = 10_000  # ms, for what only a stopped arm prevents


@pytest.fixture
def calibrate(program, qtbot):
    """The Calibrate screen at its beginning, the board not on the arm, wherever the last test ended."""
    shell, presenter = program.shell, program.screens.calibrate
    shell.show_screen("rehearse")
    qtbot.waitUntil(lambda: not presenter.poses.mounted and not presenter.busy, timeout=LONG)
    shell.show_screen("calibrate")
    qtbot.waitUntil(lambda: not presenter.busy and not presenter.poses.busy, timeout=LONG)
    presenter.go_to(CalibrateStep.OVERVIEW)
    yield shell.screens["calibrate"]
    shell.show_screen("set up")
    presenter.solver.cancel()
    presenter.poses.cancel()
    qtbot.waitUntil(lambda: not program.jobs.running, timeout=LONG)


@pytest.fixture
def gathered(program, qtbot):
    """All observations that every camera needs except for one more pose."""
    return in_a_thread(qtbot, lambda: computed_session(program.session, poses=12))


def test_the_simulation_says_where_its_cameras_stand_and_that_is_said(calibrate):
    assert "known from the simulation" in calibrate.overview.words.text()
    assert [row.short.text() for row in calibrate.overview.rows.values()] == ["simulation", "simulation"]
    assert calibrate.overview.main.text() == "Calibrate the cameras"
    assert not calibrate.overview.accept.isVisible() and not calibrate.overview.check.isVisible()


def test_the_tool_is_drawn_into_every_live_view(program, calibrate, qtbot):
    pictures = list(program.shell.screens["calibrate"].live.pictures.values())
    assert len(pictures) == 2
    qtbot.waitUntil(lambda: all(p.drawing is not None and len(p.drawing.outlines) == 3 for p in pictures), timeout=LONG)
    for picture in pictures:
        height, width = picture.rgb.shape[:2]
        for outline in picture.drawing.outlines:  # palm and fingers, inside the picture at home
            assert (outline > 0).all() and (outline < (width, height)).all()
        around = np.concatenate(picture.drawing.outlines).astype(int)
        inside = picture.rgb[around[:, 1].min() : around[:, 1].max(), around[:, 0].min() : around[:, 0].max()]
        assert (inside.max(axis=2) < 90).mean() > 0.3  # the gripper is black, the table is not
    click(calibrate.overview.outline)
    qtbot.waitUntil(lambda: all(picture.drawing is None for picture in pictures), timeout=LONG)
    click(calibrate.overview.outline)


def test_tags_are_chosen_remembered_and_written(calibrate, qtbot, tmp_path, program):
    click(calibrate.overview.main)
    page = calibrate.print_page
    page.board.setFocus()
    page.board.selectAll()
    QTest.keyClicks(page.board, "40")
    QTest.keyClick(page.board, Qt.Key.Key_Return)
    assert program.session.settings.tags.board_tag_mm == 40.0
    page.write(tmp_path / "tags")
    qtbot.waitUntil(lambda: "tags.pdf" in page.where.text(), timeout=LONG)
    assert (tmp_path / "tags.pdf").read_bytes().startswith(b"%PDF")
    page.measured.setValue(99.0)
    assert program.session.settings.tags.measured_mm == 99.0
    calibrate.presenter.choose_tags(board_tag_mm=50.0, measured_mm=100.0)
    qtbot.waitUntil(lambda: page.board.hasFocus() or page.board.value() == 50.0, timeout=LONG)


def test_what_does_not_fit_on_the_paper_is_said(calibrate, qtbot, tmp_path):
    click(calibrate.overview.main)
    calibrate.presenter.choose_tags(board_tag_mm=150.0)
    calibrate.print_page.write(tmp_path / "tags")
    qtbot.waitUntil(lambda: "Choose smaller tags" in calibrate.print_page.problem.words.text(), timeout=LONG)
    calibrate.presenter.choose_tags(board_tag_mm=50.0)


def test_before_anything_moves_the_poses_are_shown(program, calibrate, qtbot):
    before = program.connection.status.position.copy()
    things = program.session.lab.scene.names
    to_the_poses(calibrate, qtbot)
    poses = calibrate.presenter.poses
    assert poses.stage is Stage.MOUNT and "Put the board on" in calibrate.poses_page.main.text()
    mounted(calibrate, qtbot)
    qtbot.waitUntil(lambda: len(poses.proposals) >= 3, timeout=LONG)
    qtbot.waitUntil(lambda: "Nothing has moved yet" in calibrate.pose_scene.legend.text(), timeout=LONG)
    qtbot.waitUntil(lambda: "the arm moves" in calibrate.poses_page.moves.text(), timeout=LONG)
    assert not calibrate.poses_page.moves.isEnabled()  # the motors are off
    seen = poses.watch.seen
    qtbot.waitUntil(lambda: any(each.sighting.view is not None for each in seen.values()), timeout=LONG)
    assert np.abs(program.connection.status.position - before).max() < 0.01
    program.shell.show_screen("rehearse")  # the bench is needed there: the board is removed, the cleared objects return
    qtbot.waitUntil(lambda: program.session.lab.scene.names == things, timeout=LONG)
    assert not poses.mounted


def test_stop_ends_the_drive_and_it_goes_on_where_it_was(program, calibrate, qtbot):
    to_the_poses(calibrate, qtbot)
    mounted(calibrate, qtbot)
    poses, page = calibrate.presenter.poses, calibrate.poses_page

    make_ready(program, qtbot)
    program.shell.show_screen("calibrate")
    if not poses.proposals:
        poses.propose_again()
    qtbot.waitUntil(lambda: bool(poses.proposals) and not poses.busy, timeout=LONG)
    qtbot.waitUntil(page.moves.isEnabled, timeout=SHORT)
    click(page.moves)
    qtbot.waitUntil(lambda: program.connection.arm_state is ArmState.FOLLOWING or not poses.busy, timeout=SHORT)
    assert poses.stage is Stage.DRIVING
    click(program.shell.stop)
    qtbot.waitUntil(lambda: not poses.busy, timeout=SHORT)
    assert poses.stage is Stage.BROKEN and poses.problem
    words = f"Go on with pose {poses.next_pose + 1}"
    qtbot.waitUntil(lambda: page.moves.text().startswith(words), timeout=SHORT)
    assert not page.moves.isEnabled() and page.arm.step.text() == "Make ready"  # first the arm, then the next pose
    assert f"go on with pose {poses.next_pose + 1}" in page.problem.words.text()


@pytest.mark.timeout(300)
def test_poses_are_finished_by_hand(program, calibrate, qtbot, gathered):
    """Check the last missing pose: the arm is guided to it by hand, it is taken, and that is enough."""
    to_the_poses(calibrate, qtbot)
    mounted(calibrate, qtbot)
    presenter, poses, page = calibrate.presenter, calibrate.presenter.poses, calibrate.poses_page
    poses.begin(gathered)
    had = len(gathered.observations)

    make_ready(program, qtbot)
    program.shell.show_screen("calibrate")
    qtbot.waitUntil(lambda: page.way.button(1).isVisible() and page.way.button(1).isEnabled(), timeout=60_000)
    click(page.way.button(1))
    qtbot.waitUntil(lambda: page.guide.isVisible() and page.guide.isEnabled(), timeout=60_000)
    assert "Page ↑" in page.guide_words.text()  # in the lab keys are the hand
    click(page.guide)
    qtbot.waitUntil(lambda: program.control.guiding, timeout=60_000)
    before = program.connection.status.position.copy()
    key(program.shell, Qt.Key.Key_PageUp, release=False)
    qtbot.waitUntil(lambda: np.abs(program.connection.status.position - before).max() > 0.03, timeout=60_000)
    key(program.shell, Qt.Key.Key_PageUp, press=False)
    qtbot.waitUntil(lambda: np.abs(program.connection.status.velocity).max() < 0.005, timeout=60_000)
    qtbot.waitUntil(lambda: page.main.text() == "Take this pose" and page.main.isEnabled(), timeout=60_000)
    click(page.main)
    qtbot.waitUntil(lambda: not poses.busy, timeout=LONG)
    assert len(poses.session.observations) == had + 1, poses.problem
    assert poses.session.observations[-1].views
    qtbot.waitUntil(page.further.isVisible, timeout=LONG)
    click(page.further)
    qtbot.waitUntil(lambda: presenter.report is not None and not presenter.busy, timeout=LONG)
    assert presenter.step is CalibrateStep.SOLVE and presenter.report.dropped == ()
    assert presenter.report.held_out_mm < 1.5
    poses.choose_by_hand(False)
