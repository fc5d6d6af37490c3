"""Virtual screen for every test of the window, and the program as a user has it: lab, arm and cameras are real."""

import gc
import time

import OpenGL.GL  # noqa: F401 - before MuJoCo, which would have it draw without a screen in this process
import pytest
from patience import PATIENT

from benchmarks.window.virtual_screen import virtual_screen

SMALL = (160, 120)  # px of a camera's images
VIRTUAL_STEP, PUMP_MS = 0.05, 4  # s of virtual time between two looks of the window, and what these are apart


@pytest.fixture(scope="session", autouse=True)
def screen():
    """A virtual screen of its own with OpenGL, so that the tests run anywhere and disturb no desktop."""
    with virtual_screen():
        yield


@pytest.fixture(scope="session", autouse=True)
def folders_of_their_own(tmp_path_factory):
    """Redirection of the user's own folders during the tests: above all the library."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        yield


@pytest.fixture(autouse=True)
def garbage():
    """Garbage collection as in the program: never in a job's thread, where a widget must not be destroyed."""
    gc.disable()
    yield
    gc.collect()


@pytest.fixture(scope="session")
def qapp_cls():
    """OpenGL contexts must be shared before the one QApplication exists."""
    from PySide6.QtCore import QCoreApplication, Qt
    from PySide6.QtWidgets import QApplication

    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    return QApplication


def _started(qapp, folder, deadlines=PATIENT):
    """Start the whole program with settings of its own and its window shown, connected to the simulated lab."""
    from gui.app import Program

    program = Program(qapp, folder / "settings.json", folder / "logs", deadlines=deadlines)
    program.start()
    _until_connected(qapp, program)
    return program


def _until_connected(qapp, program) -> None:
    deadline = time.monotonic() + 60.0
    # Its own first jobs too: else a test that is over sooner would leave their threads behind.
    while program.connection.status is None or program.connection.opening or program.jobs.running:
        assert time.monotonic() < deadline, program.session.problems
        qapp.processEvents()
        time.sleep(0.005)


def _ended(qapp, program) -> None:
    program.shell.close()
    program.close()
    program.shell.deleteLater()
    program.deleteLater()
    qapp.sendPostedEvents()
    qapp.processEvents()


def _choose_the_lab(module, folder, size=None) -> None:
    """Save the lab that a file asks for: PICTURE_PX, the size of its images, and TASK_OF_LAB, what it is for."""
    from workflows.settings import LabSettings, ProgramSettings, save

    size, task = getattr(module, "PICTURE_PX", size), getattr(module, "TASK_OF_LAB", LabSettings().instruction)
    if size is not None:
        save(ProgramSettings(lab=LabSettings(picture_px=size, instruction=task)), folder / "settings.json")


@pytest.fixture(scope="module")
def program(qapp, tmp_path_factory, request):
    """The connected program, one for all tests of a file: each leaves it connected as it was.

    The previous run has left a crash log. The lab's images are small, so that a slow machine keeps up, unless a file
    says its PICTURE_PX; and it may say its DEADLINES, where they are what it is about.
    """
    folder = tmp_path_factory.mktemp("program")
    (folder / "logs").mkdir()
    (folder / "logs" / "crash-before.new.txt").write_text("it broke")
    _choose_the_lab(request.module, folder, SMALL)
    program = _started(qapp, folder, getattr(request.module, "DEADLINES", PATIENT))
    yield program
    _ended(qapp, program)


class VirtualProgram:
    """The program over a session in virtual time, which goes on whenever the window has nothing else to do."""

    def __init__(self, qapp, folder):
        from PySide6.QtCore import QTimer

        from benchmarks.motion.virtual_session import VirtualSession
        from gui.app import Program
        from workflows.settings import ProgramSettings

        self.session = VirtualSession(ProgramSettings())
        files = folder / "settings.json", folder / "logs"
        self.program = Program(qapp, *files, session=self.session, clock=self.session.clock)
        self._pump = QTimer(interval=PUMP_MS)
        self._pump.timeout.connect(self._go_on)
        self._pump.start()
        self.program.start()
        _until_connected(qapp, self.program)

    def close(self, qapp) -> None:
        _ended(qapp, self.program)
        self._pump.stop()

    def _go_on(self) -> None:
        from benchmarks.window.press_bench import look_at_buttons

        self.session.live(VIRTUAL_STEP)
        look_at_buttons(self.program.shell)


@pytest.fixture(scope="module")
def virtual_program(qapp, tmp_path_factory):
    """The connected program in virtual time, for all tests of a file: for whatever is not about a real clock."""
    virtual = VirtualProgram(qapp, tmp_path_factory.mktemp("virtual"))
    yield virtual.program
    virtual.close(qapp)


@pytest.fixture
def fresh_virtual_program(qapp, tmp_path, monkeypatch):
    """The same for one test alone; its library is empty."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    virtual = VirtualProgram(qapp, tmp_path)
    yield virtual.program
    virtual.close(qapp)


@pytest.fixture
def fresh_program(qapp, tmp_path, monkeypatch, request):
    """The connected program for one test alone, which may reconnect it; its library is empty, as are its settings."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    _choose_the_lab(request.module, tmp_path)
    program = _started(qapp, tmp_path)
    yield program
    _ended(qapp, program)


@pytest.fixture
def arm_status():
    """Status from the robot process of an arm that stands ready at home, without any problem."""
    import numpy as np

    from foundation import xarm7
    from robot.service.servo_jitter import JitterStatistics
    from robot.service.status import RobotStatus
    from robot.state import Activity, ArmState

    return RobotStatus(
        **dict.fromkeys(("fault", "limited", "staged", "gripper_fault", "stop_fault"), ""),
        **dict.fromkeys(("error", "warning", "late_ticks", "done"), 0),
        state=ArmState.HOLDING,
        activity=Activity.HOLDING,
        steps=(),
        mode=1,
        position=xarm7.HOME.copy(),
        velocity=np.zeros(7),
        effort=np.zeros(7),
        read=100.0,
        openness=1.0,
        progress=0.0,
        gaps=JitterStatistics(0, 0.0, 0.0, 0.0),
        received=100.0,
    )
