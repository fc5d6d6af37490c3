"""Simulated operator actions on the Calibrate screen."""

import threading

from window_hands import click

from gui.calibrate.steps import CalibrateStep

LONG = 60_000  # ms, for what takes long on a busy machine


def to_the_poses(calibrate, qtbot) -> None:
    """Go to the poses by the main buttons, as an operator does."""
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


def stored_by_the_report(calibrate, qtbot) -> None:
    """Save, and go back to the overview."""
    presenter, main = calibrate.presenter, calibrate.report_page.main
    qtbot.waitUntil(lambda: main.isEnabled() and main.text() == "Save and use it", timeout=LONG)
    click(main)
    qtbot.waitUntil(lambda: presenter.saved and not presenter.store.busy, timeout=LONG)
    qtbot.waitUntil(lambda: main.text() == "Done", timeout=LONG)
    click(main)
    assert presenter.step is CalibrateStep.OVERVIEW


def in_a_thread(qtbot, work):
    """Return the result of `work` in a thread, while the window goes on."""
    results = []
    worker = threading.Thread(target=lambda: results.append(work()))
    worker.start()
    qtbot.waitUntil(lambda: bool(results), timeout=LONG)
    worker.join()
    return results[0]
