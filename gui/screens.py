"""Creation of the presenters and screens, and their insertion into the main window."""

from pathlib import Path

from PySide6.QtCore import QObject

from gui.arm.gamepad import Gamepad
from gui.arm.hand_control import ArmControlPresenter
from gui.arm.panel import ArmPanel
from gui.arm.presenter import ArmPresenter
from gui.arm.screen import ArmScreen
from gui.calibrate.place_check_presenter import PlaceCheckPresenter
from gui.calibrate.presenter import CalibratePresenter
from gui.calibrate.screen import CalibrateScreen
from gui.diagnosis_presenter import DiagnosisPresenter
from gui.history.screen import HistoryScreen
from gui.library.screen import LibraryScreen
from gui.live.presenter import LivePresenter
from gui.live.views import LiveViews
from gui.log_screen import LogScreen
from gui.record.presenter import RecordPresenter
from gui.record.screen import RecordScreen
from gui.rehearse.presenter import RehearsePresenter
from gui.rehearse.screen import RehearseScreen
from gui.runtime.connection import Connection
from gui.runtime.jobs import Jobs
from gui.runtime.messages import Kind, Messages
from gui.runtime.open_library import OpenLibrary
from gui.setup.control_box_presenter import ControlBoxPresenter
from gui.setup.presenter import SetupPresenter
from gui.setup.screen import SetupScreen
from gui.shell import Shell
from gui.shell_presenter import ShellPresenter
from gui.widgets.theme import Theme


class Screens(QObject):
    """One presenter each for the live views, the arm, its hand control, the set-up, the recorder and the rehearsal."""

    def __init__(
        self,
        connection: Connection,
        jobs: Jobs,
        messages: Messages,
        theme: Theme,
        settings_file: Path,
        logs: Path,
        parent: QObject | None = None,
    ):
        super().__init__(parent)
        self._connection, self._jobs, self._messages, self._theme = connection, jobs, messages, theme
        self.live = LivePresenter(connection, self)
        self.arm = ArmPresenter(connection, jobs, self)
        self.control = ArmControlPresenter(connection, jobs, self)
        self.setup = SetupPresenter(connection, jobs, settings_file, self)
        self.box = ControlBoxPresenter(connection, jobs, self)
        self.library = OpenLibrary(jobs, lambda: connection.session.library_folder, self)
        self.rehearse = RehearsePresenter(connection, jobs, self, library=self.library)
        self._noticed: object = None
        self.library.opened.connect(self._say_notices)
        self.check = PlaceCheckPresenter(connection, jobs, self)
        self.calibrate = CalibratePresenter(connection, self.setup, self.check, self.library, jobs, self)
        self.check.refused.connect(lambda sentence: messages.say(Kind.WARNING, sentence))
        self.check.settled.connect(messages.settled)
        self.record = RecordPresenter(connection, self.control, self.library, jobs, self)
        self.diagnosis = DiagnosisPresenter(connection, jobs, settings_file, logs, self)
        self.gamepad = Gamepad(self)
        self.gamepad.stop.connect(connection.stop)
        self.gamepad.present_changed.connect(lambda: self.control.show_gamepad(self.gamepad.name))

    def shell(self) -> Shell:
        """Create the main window with every screen and show the first one."""
        presenter = ShellPresenter(self._connection, self._messages, self)
        shell = Shell(presenter, LiveViews(self.live), ArmPanel(self.arm), self._theme)
        shell.add_screen("set up", SetupScreen(self.setup, self.arm, self.box, self.live, "rehearse"), "set-up")
        shell.add_screen("arm", ArmScreen(self.arm, self.control), "arm")
        calibrate = CalibrateScreen(self.calibrate, self.live, self.arm, self.control, self.record.hand)
        shell.add_screen("calibrate", calibrate, "calibrate")
        shell.add_screen("record", RecordScreen(self.record, self.arm), "record")
        shell.add_screen("library", self._library_screen(shell), "library")
        shell.add_screen("rehearse", RehearseScreen(self.rehearse), "rehearse")
        shell.add_screen("history", self._history_screen(shell), "history")
        shell.add_screen("log", LogScreen(self._messages, self.diagnosis), "log", low=True)
        moving = (shell.screens["arm"], shell.screens["record"])

        def shown() -> bool:
            return any(screen.isVisible() for screen in moving)

        self.gamepad.moved.connect(lambda shares: self.control.push(shares) if shown() else None)
        self.gamepad.gripper.connect(lambda openness: self.control.push_gripper(openness) if shown() else None)
        bench = ("rehearse", "record")
        shell.screen_changed.connect(lambda name: self.calibrate.bench_is_wanted() if name in bench else None)
        self._theme.dress(shell)
        shell.show_screen("set up")
        return shell

    def _library_screen(self, shell: Shell) -> LibraryScreen:
        screen = LibraryScreen(self.library, self._jobs)

        def replay(instruction: str, folder: str) -> None:
            shell.show_screen("rehearse")
            shell.screens["rehearse"].replay(instruction, folder)

        screen.rehearse_asked.connect(replay)
        screen.record_asked.connect(lambda: shell.show_screen("record"))
        return screen

    def _history_screen(self, shell: Shell) -> HistoryScreen:
        screen = HistoryScreen(self.library, self._jobs)

        def replay(instruction: str, folder: str) -> None:
            shell.show_screen("rehearse")
            shell.screens["rehearse"].replay(instruction, folder, "From the history")

        screen.replay_asked.connect(replay)
        return screen

    def _say_notices(self) -> None:
        """Report once what was repaired when the library was opened."""
        library = self.library.library
        if library is not None and library.notices and self._noticed is not library:
            self._noticed = library
            for notice in library.notices:
                self._messages.say(Kind.WARNING, notice)
