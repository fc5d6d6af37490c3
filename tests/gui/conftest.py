"""A virtual screen for every test of the window, and the program as a person has it: lab, arm and cameras are real."""

import time

import pytest

from benchmarks.virtual_screen import virtual_screen


@pytest.fixture(scope="session", autouse=True)
def screen():
    """A virtual screen of our own with OpenGL, so that the tests run anywhere and disturb nobody's desktop."""
    with virtual_screen():
        yield


@pytest.fixture(scope="session")
def qapp_cls():
    """OpenGL contexts must be shared before the one QApplication exists."""
    from PySide6.QtCore import QCoreApplication, Qt
    from PySide6.QtWidgets import QApplication

    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    return QApplication


def _started(qapp, folder):
    """The whole program with settings of its own and its window shown, connected to the simulated lab."""
    from gui.app import Program

    program = Program(qapp, folder / "settings.json", folder / "logs")
    program.start()
    deadline = time.monotonic() + 60.0
    while program.connection.status is None or program.connection.opening:
        assert time.monotonic() < deadline, program.session.problems
        qapp.processEvents()
        time.sleep(0.005)
    return program


def _ended(qapp, program) -> None:
    program.shell.close()
    program.close()
    program.shell.deleteLater()
    program.deleteLater()
    qapp.sendPostedEvents()
    qapp.processEvents()


@pytest.fixture(scope="module")
def program(qapp, tmp_path_factory):
    """The connected program, one for all tests of a file: each leaves it connected as it was.

    The run before has left a crash log.
    """
    folder = tmp_path_factory.mktemp("program")
    (folder / "logs").mkdir()
    (folder / "logs" / "crash-before.new.txt").write_text("it broke")
    program = _started(qapp, folder)
    yield program
    _ended(qapp, program)


@pytest.fixture
def fresh_program(qapp, tmp_path):
    """The connected program for one test alone, which may connect it anew."""
    program = _started(qapp, tmp_path)
    yield program
    _ended(qapp, program)
