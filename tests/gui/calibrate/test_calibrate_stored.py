"""Calibrations solved, stored, used, checked and extended by clicks: observations are computed, the rest is real."""

from dataclasses import replace

import numpy as np
from calibrate_hands import LONG, in_a_thread, mounted, stored_by_the_report, to_the_poses
from calibrate_pieces import as_if_moved, computed_session
from window_hands import click

from foundation.poses import distance
from gui.calibrate.steps import CalibrateStep


def test_worked_out_stored_used_and_checked(fresh_program, qtbot):
    """Go from the wrong tag size over the report to a camera that was moved, and what that blocks."""
    program, presenter = fresh_program, fresh_program.screens.calibrate
    shell = program.shell
    shell.show_screen("calibrate")
    calibrate = shell.screens["calibrate"]
    presenter.poses.begin(in_a_thread(qtbot, lambda: computed_session(program.session, board_factor=1.1)))
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
    assert calibrate.plots.isVisible() and "left" in calibrate.plots.cameras[0].title
    stored_by_the_report(calibrate, qtbot)
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
    click(calibrate.overview.main)  # the next calibration begins empty
    assert presenter.step is CalibrateStep.PRINT and presenter.session is None and presenter.report is None
    assert {each.kind for each in program.session.known.values()} == {"simulated truth"}


def a_moved_camera_blocks(program, calibrate, qtbot) -> None:
    session, shell, presenter = program.session, program.shell, program.screens.calibrate
    session.stored = replace(session.stored, session=as_if_moved(session.stored.session, "lab:left", 8.0))
    qtbot.waitUntil(calibrate.overview.check.isEnabled, timeout=LONG)
    click(calibrate.overview.check)
    qtbot.waitUntil(lambda: not presenter.check.checking, timeout=LONG)
    assert session.check.failed == ("lab:left",)
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
    assert session.check.refusal == "" and session.check.failed  # acknowledged, and continued with
    qtbot.waitUntil(lambda: not shell.banners.sentences or "does not stand" not in shell.banners.sentences[0])


def test_a_camera_that_comes_later_joins_the_calibration_in_use(fresh_program, qtbot):
    """Check that the first camera's observations stay, and poses that both see give the other one's pose too."""
    program, presenter = fresh_program, fresh_program.screens.calibrate
    program.shell.show_screen("calibrate")
    calibrate, poses = program.shell.screens["calibrate"], presenter.poses
    both = in_a_thread(qtbot, lambda: computed_session(program.session, poses=20))
    alone = replace(both, cameras=both.cameras[:1], observations=(), bench={"lab:left": both.bench["lab:left"]})
    for each in both.observations[:10]:
        alone = alone.added(replace(each, views={k: v for k, v in each.views.items() if k == "lab:left"}))
    poses.begin(alone)
    presenter.go_to(CalibrateStep.SOLVE)
    click(calibrate.solve_page.main)
    qtbot.waitUntil(lambda: presenter.report is not None and not presenter.busy, timeout=LONG)
    click(calibrate.solve_page.without)
    stored_by_the_report(calibrate, qtbot)
    first = program.session.known["lab:left"].camera.base_from_camera
    assert "lab:right" not in program.session.known

    to_the_poses(calibrate, qtbot)
    assert [each.name for each in poses.session.cameras] == ["left", "right"]
    qtbot.waitUntil(lambda: "join the calibration in use" in calibrate.poses_page.problem.words.text(), timeout=LONG)
    mounted(calibrate, qtbot)  # mounted anew, so not quite as it was
    assert not calibrate.poses_page.further.isVisible()
    for each in both.observations[10:]:
        poses.session = poses.session.added(each)
    qtbot.waitUntil(calibrate.poses_page.further.isEnabled, timeout=LONG)
    qtbot.waitUntil(calibrate.poses_page.further.isVisible, timeout=LONG)
    click(calibrate.poses_page.further)
    qtbot.waitUntil(lambda: presenter.report is not None and not presenter.busy, timeout=LONG)
    assert len(presenter.report.tool_from_board) == 2 and len(presenter.session.observations) == len(both.observations)
    click(calibrate.solve_page.without)
    stored_by_the_report(calibrate, qtbot)
    for spec in program.session.lab.scene.cameras:
        found = program.session.known[f"lab:{spec.name}"].camera.base_from_camera
        assert distance(found, spec.camera.base_from_camera)[0] < 0.005
    assert distance(program.session.known["lab:left"].camera.base_from_camera, first)[0] < 0.005
