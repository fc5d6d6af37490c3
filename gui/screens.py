"""Presenters and screens, made and put into the window."""

from pathlib import Path

from PySide6.QtCore import QObject

from gui.arm_control_presenter import ArmControlPresenter
from gui.arm_panel import ArmPanel
from gui.arm_presenter import ArmPresenter
from gui.arm_screen import ArmScreen
from gui.connection import Connection
from gui.gamepad import Gamepad
from gui.jobs import Jobs
from gui.live_presenter import LivePresenter
from gui.live_views import LiveViews
from gui.log_screen import LogScreen
from gui.messages import Messages
from gui.rehearse_presenter import RehearsePresenter
from gui.rehearse_screen import RehearseScreen
from gui.setup_presenter import SetupPresenter
from gui.setup_screen import SetupScreen
from gui.shell import Shell
from gui.shell_presenter import ShellPresenter
from gui.theme import Theme


class Screens(QObject):
    """One presenter each for the live views, the arm, its hand control, the set-up and the rehearsal."""

    def __init__(
        self,
        connection: Connection,
        jobs: Jobs,
        messages: Messages,
        theme: Theme,
        settings_file: Path,
        parent: QObject | None = None,
    ):
        super().__init__(parent)
        self._connection, self._messages, self._theme = connection, messages, theme
        self.live = LivePresenter(connection, self)
        self.arm = ArmPresenter(connection, jobs, self)
        self.control = ArmControlPresenter(connection, jobs, self)
        self.setup = SetupPresenter(connection, jobs, settings_file, self)
        self.rehearse = RehearsePresenter(connection, jobs, self)
        self.gamepad = Gamepad(self)
        self.gamepad.stop.connect(connection.stop)
        self.gamepad.present_changed.connect(lambda: self.control.show_gamepad(self.gamepad.name))

    def shell(self, crash_folder: str) -> Shell:
        """The window with every screen, the first one shown."""
        presenter = ShellPresenter(self._connection, self._messages, self)
        shell = Shell(presenter, LiveViews(self.live), ArmPanel(self.arm), self._theme)
        shell.add_screen("set up", SetupScreen(self.setup, self.arm, self.live, "rehearse"), "set-up")
        shell.add_screen("arm", ArmScreen(self.arm, self.control), "arm")
        shell.add_screen("rehearse", RehearseScreen(self.rehearse), "rehearse")
        shell.add_screen("log", LogScreen(self._messages, crash_folder), "log", low=True)
        arm = shell.screens["arm"]
        self.gamepad.moved.connect(lambda shares: self.control.push(shares) if arm.isVisible() else None)
        self.gamepad.gripper.connect(lambda openness: self.control.gripper(openness) if arm.isVisible() else None)
        shell.show_screen("set up")
        return shell
