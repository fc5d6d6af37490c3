"""The Calibrate screen with real clicks in the real window: lab, arm, cameras, detection and solver are real."""

import threading

import numpy as np
import pytest
from calibrate_pieces import as_if_moved, computed_session
from PySide6.QtTest import QTest
from window_hands import click, with_a_ready_arm

from gui.calibrate_poses_presenter import Stage
from gui.calibrate_step import CalibrateStep
from robot.state import ArmState

LONG, SHORT = 60_000, 10_000  # ms: what takes long on a busy machine, and what only an arm that was stopped keeps away


@pytest.fixture
def calibrate(program, qtbot):
    """The Calibrate screen at its beginning."""
    shell, presenter = program.shell, program.screens.calibrate
    shell.show_screen("calibrate")
    qtbot.waitUntil(lambda: not presenter.busy and not presenter.poses.busy, timeout=LONG)
    presenter.go_to(CalibrateStep.OVERVIEW)
    yield shell.screens["calibrate"]
    shell.show_screen("set up")
    presenter.cancel()
    presenter.poses.cancel()
    qtbot.waitUntil(lambda: not program.jobs.running, timeout=LONG)


def to_the_poses(calibrate, qtbot) -> None:
    """By the main buttons, as a technician goes."""
    click(calibrate.overview.main)
    click(calibrate.print_page.main)
    click(calibrate.lens_page.main)
    presenter = calibrate.presenter
    qtbot.waitUntil(lambda: presenter.poses.session is not None and not presenter.busy, timeout=LONG)
    assert presenter.step is CalibrateStep.POSES


def mounted(calibrate, qtbot) -> None:
    poses = calibrate.presenter.poses
    if not poses.mounted:
        qtbot.waitUntil(calibrate.poses_page.main.isEnabled, timeout=LONG)
        click(calibrate.poses_page.main)
    qtbot.waitUntil(lambda: poses.mounted and not poses.busy, timeout=LONG)


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
    QTest.keyClick(page.board, "\r")
    assert program.session.settings.tags.board_tag_mm == 40.0
    page.write(tmp_path / "tags")
    qtbot.waitUntil(lambda: "tags.pdf" in page.where.text(), timeout=LONG)
    assert (tmp_path / "tags.pdf").read_bytes().startswith(b"%PDF")
    page.measured.setValue(99.0)
    assert program.session.settings.tags.measured_mm == 99.0
    calibrate.presenter.choose_tags(board_tag_mm=50.0, measured_mm=100.0)
    assert page.board.hasFocus() or page.board.value() == 50.0


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
    qtbot.waitUntil(lambda: "the arm moves" in calibrate.poses_page.main.text(), timeout=LONG)
    assert not calibrate.poses_page.main.isEnabled()  # the motors are off
    seen = poses.watch.seen
    qtbot.waitUntil(lambda: any(each.sighting.view is not None for each in seen.values()), timeout=LONG)
    assert np.abs(program.connection.status.position - before).max() < 0.01
    program.shell.show_screen("rehearse")  # the bench is wanted there: the board goes, what was cleared away comes back
    qtbot.waitUntil(lambda: program.session.lab.scene.names == things, timeout=LONG)
    assert not poses.mounted


def test_stop_ends_the_drive_and_it_goes_on_where_it_was(program, calibrate, qtbot):
    to_the_poses(calibrate, qtbot)
    mounted(calibrate, qtbot)
    poses, page = calibrate.presenter.poses, calibrate.poses_page

    def stopped_once() -> None:
        program.shell.show_screen("calibrate")
        if not poses.proposals:
            poses.propose_again()
        qtbot.waitUntil(lambda: bool(poses.proposals) and not poses.busy, timeout=LONG)
        qtbot.waitUntil(page.main.isEnabled, timeout=SHORT)
        click(page.main)
        qtbot.waitUntil(lambda: program.connection.arm_state is ArmState.FOLLOWING or not poses.busy, timeout=SHORT)
        assert poses.stage is Stage.DRIVING
        click(program.shell.stop)
        qtbot.waitUntil(lambda: not poses.busy, timeout=SHORT)
        assert poses.stage is Stage.BROKEN and poses.problem

    with_a_ready_arm(program, qtbot, stopped_once)
    words = f"Go on with pose {poses.next_pose + 1}"
    qtbot.waitUntil(lambda: page.main.text().startswith(words), timeout=SHORT)
    assert not page.main.isEnabled() and page.arm.step.text() == "Make ready"  # first the arm, then the next pose
    assert f"go on with pose {poses.next_pose + 1}" in page.problem.words.text()


def test_a_pose_is_taken_by_hand(program, calibrate, qtbot):
    to_the_poses(calibrate, qtbot)
    mounted(calibrate, qtbot)
    poses, page = calibrate.presenter.poses, calibrate.poses_page

    def taken() -> None:
        program.shell.show_screen("calibrate")
        click(page.way.button(1))
        qtbot.waitUntil(lambda: page.main.text() == "Take this pose" and page.main.isEnabled(), timeout=SHORT)
        had = len(poses.session.observations)
        click(page.main)
        qtbot.waitUntil(lambda: not poses.busy, timeout=SHORT)
        assert len(poses.session.observations) == had + 1, poses.problem

    with_a_ready_arm(program, qtbot, taken)
    assert poses.session.observations[-1].views
    qtbot.waitUntil(lambda: any(each.poses for each in poses.missing), timeout=LONG)
    click(page.way.button(0))


def test_worked_out_stored_used_and_checked(fresh_program, qtbot):
    """From the wrong tag size over the report to a camera that was moved, and what that stops."""
    program, presenter = fresh_program, fresh_program.screens.calibrate
    shell = program.shell
    shell.show_screen("calibrate")
    calibrate = shell.screens["calibrate"]
    gathered = []
    worker = threading.Thread(target=lambda: gathered.append(computed_session(program.session, board_factor=1.1)))
    worker.start()
    qtbot.waitUntil(lambda: bool(gathered), timeout=LONG)
    worker.join()
    presenter.poses.begin(gathered[0])
    presenter.go_to(CalibrateStep.SOLVE)
    click(calibrate.solve_page.main)
    qtbot.waitUntil(lambda: not presenter.busy, timeout=LONG)
    assert (
        "50.0 mm" in calibrate.solve_page.problem.words.text()
        and "45.5 mm" in calibrate.solve_page.problem.words.text()
    )
    click(calibrate.solve_page.way_out)
    qtbot.waitUntil(lambda: presenter.report is not None and not presenter.busy, timeout=LONG)
    qtbot.waitUntil(calibrate.solve_page.without.isVisible, timeout=LONG)
    click(calibrate.solve_page.without)
    assert calibrate.report_page.banner.name.text() == "Good" and presenter.report.held_out_mm < 1.0
    click(calibrate.tabs.button(1))
    assert calibrate.plots.isVisible() and "left" in calibrate.plots.board.ci.getItem(0, 0).titleLabel.text
    qtbot.waitUntil(calibrate.report_page.main.isEnabled, timeout=LONG)
    click(calibrate.report_page.main)
    qtbot.waitUntil(lambda: presenter.saved and not presenter.store.busy, timeout=LONG)
    click(calibrate.report_page.main)
    assert presenter.step is CalibrateStep.OVERVIEW
    qtbot.waitUntil(lambda: len(presenter.store.versions) == 1, timeout=LONG)
    known = program.session.known
    truth = {f"lab:{spec.name}": spec.camera for spec in program.session.lab.scene.cameras}
    for identity, each in known.items():
        assert each.kind == "calibration"
        apart = each.camera.base_from_camera[:3, 3] - truth[identity].base_from_camera[:3, 3]
        assert 1000 * np.linalg.norm(apart) < 5.0  # mm
    assert all(row.short.text().endswith("px") for row in calibrate.overview.rows.values())
    a_moved_camera_blocks(program, calibrate, qtbot)
    qtbot.waitUntil(lambda: calibrate.overview.truth.isVisible() and calibrate.overview.truth.isEnabled(), timeout=LONG)
    click(calibrate.overview.truth)
    qtbot.waitUntil(lambda: program.session.stored is None and not presenter.store.busy, timeout=LONG)
    click(calibrate.overview.main)  # the next calibration begins with nothing
    assert presenter.step is CalibrateStep.PRINT and presenter.session is None and presenter.report is None
    assert {each.kind for each in program.session.known.values()} == {"simulated truth"}


def a_moved_camera_blocks(program, calibrate, qtbot) -> None:
    from dataclasses import replace

    session, shell = program.session, program.shell
    session.stored = replace(session.stored, session=as_if_moved(session.stored.session, "lab:left", 8.0))
    click(calibrate.overview.check)
    qtbot.waitUntil(lambda: session.check is not None and session.check.failed == ("lab:left",), timeout=LONG)
    qtbot.waitUntil(lambda: any("The camera left does not stand" in each for each in shell.banners.sentences))
    shell.show_screen("rehearse")
    rehearse = shell.screens["rehearse"]
    rehearse.ask_bar.instruction.setText("pick up the red cube")
    qtbot.waitUntil(rehearse.ask_bar.show_me.isEnabled, timeout=LONG)
    click(rehearse.ask_bar.show_me)
    qtbot.waitUntil(lambda: not program.rehearse.busy and "does not stand" in program.rehearse.problem, timeout=LONG)
    shell.show_screen("calibrate")
    qtbot.waitUntil(calibrate.overview.accept.isVisible, timeout=LONG)
    click(calibrate.overview.accept)
    assert session.check.refusal == "" and session.check.failed  # known, and gone on with
    qtbot.waitUntil(lambda: not shell.banners.sentences or "does not stand" not in shell.banners.sentences[0])
