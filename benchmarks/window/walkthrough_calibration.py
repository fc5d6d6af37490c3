"""Calibration part of the walkthrough: a short one, with the main button of each step."""

from benchmarks.window.ui_driver import UiDriver
from gui.calibrate.poses_presenter import Stage
from gui.calibrate.steps import CalibrateStep

_TRIES = 20


def calibrate(person: UiDriver) -> float:
    """Print, lenses, poses until there are enough, solve, store; return the held-out error in mm."""
    presenter, screen = person.program.screens.calibrate, person.open("calibrate")
    person.wait(0.5)
    person.look("calibrate")
    person.press(screen.overview.main)
    person.wait(0.5)
    person.look("calibrate-print")
    person.press(screen.print_page.main)
    person.wait(0.5)
    person.look("calibrate-lenses")
    person.press(screen.lens_page.main)
    person.until(lambda: presenter.poses.session is not None and not presenter.busy, "the calibration begins")
    person.wait(0.3)
    person.look("calibrate-board")
    person.press(screen.poses_page.main)
    person.until(lambda: presenter.poses.mounted and bool(presenter.poses.proposals), "poses are chosen")
    _drive(person)
    return _work_out(person)


def _drive(person: UiDriver) -> None:
    """Look around, then drive through the poses; ended with the button as soon as every camera has what it needs."""
    presenter, page = person.program.screens.calibrate, person.shell.screens["calibrate"].poses_page
    poses = presenter.poses
    for _ in range(_TRIES):
        person.until(lambda: not poses.busy, "poses are chosen")
        if poses.stage is Stage.DONE or (poses.looked_around and poses.enough):
            break
        name = "calibrate-look" if poses.stage is Stage.LOOK else "calibrate-poses"
        person.make_ready(page.arm.step)
        person.wait(0.3)
        person.look(name) if name not in person.steps else None
        if not person.can_press(page.moves):
            continue
        person.press(page.moves)
        person.until(lambda: poses.driving or not poses.busy, "the arm moves")
        person.wait(2.0)
        first = not poses.looked_around
        if poses.driving and not first and "calibrate-driving" not in person.steps:
            person.look("calibrate-driving")
        person.until(lambda first=first: not poses.driving or (not first and poses.enough), "the poses", 400.0)
        if poses.driving:
            person.press(page.main)
            person.until(lambda: not poses.busy, "the arm stands")
    person.wait(0.5)
    person.look("calibrate-enough")


def _work_out(person: UiDriver) -> float:
    presenter, screen = person.program.screens.calibrate, person.shell.screens["calibrate"]
    if presenter.step is CalibrateStep.POSES:
        person.press(screen.poses_page.further if screen.poses_page.further.isVisible() else screen.poses_page.main)
    page = screen.solve_page
    person.until(lambda: presenter.step is CalibrateStep.SOLVE and not presenter.busy, "it is worked out")
    person.until(lambda: presenter.report is not None or bool(presenter.problem), "there is a report")
    person.wait(0.5)
    person.look("calibrate-worked-out")
    person.press(page.without)
    person.wait(1.0)
    person.look("calibrate-report")
    report, end = screen.report_page, screen.report_page.main
    person.press(report.other if report.other.isVisible() and "Save" in report.other.text() else end)
    person.until(lambda: presenter.saved and not presenter.store.busy, "it is stored")
    person.press(end)
    person.until(lambda: presenter.step is CalibrateStep.OVERVIEW and not presenter.store.busy, "it is in use")
    person.wait(1.0)
    person.look("calibrated")
    assert presenter.report is not None
    return round(float(presenter.report.held_out_mm), 3)
