"""Test bench for thousands of presses: the Rehearse screen in its window, over the real robot loop in virtual time."""

from dataclasses import replace
from pathlib import Path

from PySide6.QtWidgets import QApplication, QWidget

from benchmarks.motion.virtual_session import VirtualSession
from gui.arm.panel import ArmPanel
from gui.arm.presenter import ArmPresenter
from gui.live.presenter import LivePresenter
from gui.live.views import LiveViews
from gui.rehearse.presenter import RehearsePresenter
from gui.rehearse.screen import RehearseScreen
from gui.runtime.connection import Connection
from gui.runtime.jobs import Jobs
from gui.runtime.messages import Messages
from gui.shell import Shell
from gui.shell_presenter import ShellPresenter
from gui.stop_key import StopKey
from gui.widgets.deliberate_press import DeliberateButton
from gui.widgets.theme import Theme
from workflows.settings import ArmSettings, ProgramSettings

STEP = 0.05  # s of virtual time per step of the window


def look_at_buttons(window: QWidget) -> None:
    """Let the deliberate buttons that can be seen look at their clock, as they do by themselves in real time."""
    for button in window.findChildren(DeliberateButton):
        if button.isVisible():
            button.look()


class PressBench:
    """The window with the Rehearse screen. `live` advances virtual time for the arm, the window and its buttons."""

    def __init__(self, app: QApplication, folder: Path, size: tuple[int, int]):
        settings = ProgramSettings(arm=ArmSettings(kind="real", address="127.0.0.1"), operator="Ada")
        self.session, self.jobs = VirtualSession(settings, folder).opened(), Jobs()
        self.clock = self.session.clock
        self.connection = Connection(self.session, self.jobs, clock=self.clock)
        self.connection.opened = True
        self.presenter = RehearsePresenter(self.connection, self.jobs)
        self.presenter.hold_chosen.connect(self.choose_hold)
        self.screen = RehearseScreen(self.presenter)
        live, arm = LiveViews(LivePresenter(self.connection)), ArmPanel(ArmPresenter(self.connection, self.jobs))
        self.messages = Messages()
        theme = Theme(app, "light")
        self.window = Shell(ShellPresenter(self.connection, self.messages), live, arm, theme)
        self.window.add_screen("rehearse", self.screen, "rehearse")
        theme.dress(self.window)
        self.keys = StopKey(app, lambda: self.connection.may_move, self.window.take_key)
        self.window.show_screen("rehearse")
        self.window.resize(*size)
        self.window.show()
        self.window.activateWindow()

    def live(self, seconds: float) -> None:
        for _ in range(max(round(seconds / STEP), 1)):
            self.session.live(STEP)
            QApplication.processEvents()
            self.connection.pulled.emit()
            look_at_buttons(self.window)

    def until(self, so, steps: int = 4000) -> bool:
        """Advance time until `so()`; return whether it came true."""
        for _ in range(steps):
            if so():
                return True
            self.live(STEP)
        return False

    def close(self) -> None:
        self.keys.close()
        self.presenter.stop()
        self.until(lambda: not self.presenter.busy)
        self.window.under_way = lambda: ""
        self.window.close()
        self.connection.close()
        self.jobs.close()
        self.presenter.close()

    def choose_hold(self, hold: bool) -> None:
        """Switch hold-to-run, as the settings do."""
        self.session.settings = replace(self.session.settings, hold_to_run=hold)
