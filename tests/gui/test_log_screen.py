"""The Log screen: what was said, the diagnosis to send; and what the window does, in the log's file."""

import logging
import re
import zipfile

import pytest
from PySide6.QtWidgets import QFileDialog
from window_hands import click, make_ready

from foundation import log
from foundation.errors import KnownError
from robot.state import ArmState


@pytest.mark.timeout(300)  # its process lets everything else go first
def test_a_diagnosis_is_saved_where_the_person_says(program, qtbot, tmp_path, monkeypatch):
    program.shell.show_screen("log")
    screen, proposed = program.shell.screens["log"], []

    def answer(parent, title, path, *_, **__):
        proposed.append(path)
        return str(tmp_path / "for the office"), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    assert not screen.bar.isVisible()
    click(screen.save)
    assert screen.save.text() == "Cancel" and screen.bar.isVisible()
    qtbot.waitUntil(lambda: screen.save.text() != "Cancel", timeout=200_000)
    assert re.search(r"/rehearse-diagnosis-\d{8}-\d{4}\.zip$", proposed[0])
    file = tmp_path / "for the office.zip"
    assert f"The diagnosis is saved as {file}" in screen.saved.text() and "Left out are" in screen.saved.text()
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        assert {"README.txt", "crashes/crash-before.txt"} <= set(names)
        assert " px, scale " in archive.read("machine.json").decode()
    screen.save_to(tmp_path / "for the office")  # without the ending the dialog has not asked about that file
    qtbot.waitUntil(lambda: "There is already" in screen.saved.text(), timeout=60_000)


def test_a_diagnosis_can_be_cancelled(program, qtbot, tmp_path):
    program.shell.show_screen("log")
    screen = program.shell.screens["log"]
    screen.save_to(tmp_path / "given up.zip")
    qtbot.waitUntil(lambda: screen.bar.value() > 0, timeout=60_000)
    click(screen.save)
    qtbot.waitUntil(lambda: "Cancelled" in screen.saved.text(), timeout=30_000)
    assert not list(tmp_path.iterdir())


def test_the_list_takes_warnings_and_is_not_flooded(program, qtbot):
    shown = program.shell.screens["log"].list
    for number in range(50):
        logging.getLogger("gui.anything").info("information %d", number)
    logging.getLogger("gui.anything").warning("said in a banner already", extra=log.SHOWN)
    logging.getLogger("gui.anything").warning("a library complains")
    qtbot.waitUntil(lambda: "a library complains" in shown.item(0).text(), timeout=30_000)
    texts = [shown.item(row).text() for row in range(shown.count())]
    assert not any("information" in text or "in a banner already" in text for text in texts)


def test_the_file_tells_of_presses_jobs_and_what_was_said(program, qtbot, tmp_path):
    def fail() -> None:
        raise KnownError("The cable is out. Put it in.")

    make_ready(program, qtbot)
    with log.running("window", tmp_path):
        program.control.gripper(0.5)
        qtbot.waitUntil(lambda: program.control.can_press, timeout=10_000)
        program.jobs.run(lambda *_: fail(), name="try in vain")
        qtbot.waitUntil(lambda: not program.jobs.running, timeout=10_000)
        program.connection.stop()
        qtbot.waitUntil(lambda: program.connection.arm_state is ArmState.STOPPED, timeout=30_000)
        qtbot.waitUntil(lambda: not program.jobs.running, timeout=10_000)
    lines = (tmp_path / log.NAME).read_text().splitlines()
    for expected in (
        "INFO gui.arm.hand_control: press: gripper to 50 %",
        r"INFO gui.runtime.jobs: job gripper to 50 %: done after \d+\.\d\d s",
        r"WARNING gui.runtime.jobs: job try in vain: failed after \d+\.\d\d s. KnownError: The cable is out",
        "ERROR gui.runtime.messages: told: The cable is out. Put it in.",
        r"INFO gui.runtime.connection: press: Stop, number \d+",
    ):
        found = [line for line in lines if re.search(rf" window\[\d+\] {expected}", line)]
        assert found, (expected, lines)
        assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z \d+\.\d{6} ", found[0])
