"""Application object of the GUI: settings, session, screens and crash handling."""

import contextlib
import logging
import os
import signal
import sys
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from foundation.clocks import Clock, SystemClock
from foundation.deadlines import PRODUCTION, Deadlines
from foundation.errors import KnownError
from foundation.log import log_folder
from gui.close_dialog import WHY, under_way
from gui.runtime.connection import Connection
from gui.runtime.crash import CrashHooks, CrashLog
from gui.runtime.garbage_collection import GarbageCollection
from gui.runtime.jobs import Jobs
from gui.runtime.messages import Kind, LogBridge, Messages
from gui.stop_key import StopKey
from gui.widgets.theme import Theme
from workflows import settings as program_settings
from workflows.session import Session

_SWITCH = 0.0001  # s
_BEFORE_OTHERS = -7  # nice value


def application() -> QApplication:
    """Return the process's only QApplication; set the attributes that must be set before it is created."""
    present = QApplication.instance()
    if isinstance(present, QApplication):
        return present
    _hurry()
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    app = QApplication(["rehearse"])
    app.setApplicationName("rehearse")
    app.setApplicationDisplayName("Rehearse")
    app.setDesktopFileName("rehearse")
    return app


def _hurry() -> None:
    """Give the GUI thread priority, so that the heartbeat is sent in time beside other work.

    The process priority is raised above that of other programs where the system permits it, and a short switch interval
    makes job threads release the GIL often. Of the program's own processes only the arm's has a higher priority.
    """
    sys.setswitchinterval(_SWITCH)
    with contextlib.suppress(OSError):  # not permitted for every user
        os.setpriority(os.PRIO_PROCESS, 0, _BEFORE_OTHERS)


class Program(QObject):
    """Everything behind one window. `start` shows it and begins to connect; `close` ends every thread and process.

    Args:
        settings_file, crashes: None means the default locations of this user.
        library: None means the library folder from the settings.
    `session` and `clock` may be others, for a window in virtual time.
    """

    def __init__(
        self,
        app: QApplication,
        settings_file: Path | None = None,
        crashes: Path | None = None,
        library: Path | None = None,
        *,
        deadlines: Deadlines = PRODUCTION,
        session: Session | None = None,
        clock: Clock = SystemClock(),
    ):
        super().__init__()
        self.settings_file = settings_file or program_settings.settings_file()
        first_start = not self.settings_file.exists()
        settings, damaged = program_settings.load(self.settings_file)
        self.session = session or Session(settings, library, deadlines=deadlines)
        self.jobs, self.messages = Jobs(self), Messages(self)
        self.connection = Connection(self.session, self.jobs, self, clock=clock)
        self.garbage = GarbageCollection(lambda: not self.connection.may_move, self)
        self.connection.open(settings)  # the simulated lab starts while the window is being built
        self.crashes = CrashLog(crashes or log_folder())
        self.hooks = CrashHooks(self.crashes, self.connection.stop, self.messages.error, self._crashed)
        self._bridge = LogBridge(self.messages)
        logging.getLogger().addHandler(self._bridge)
        self.theme = Theme(app, settings.appearance)
        # Imported late: the import takes half a second, in which the simulated lab is already starting.
        from gui.screens import Screens

        self.screens = Screens(
            self.connection, self.jobs, self.messages, self.theme, self.settings_file, self.crashes.folder, self
        )
        self.live, self.arm, self.control = self.screens.live, self.screens.arm, self.screens.control
        self.setup, self.record, self.rehearse = self.screens.setup, self.screens.record, self.screens.rehearse
        self.shell = self.screens.shell()
        self.key = StopKey(app, lambda: self.connection.may_move, self.shell.take_key)
        self._connect_signals()
        self._say_first(damaged, first_start)
        self._closed = False

    def start(self) -> None:
        self.shell.show()

    def close(self) -> None:
        """Stop the arm and end all threads and processes; may be called twice."""
        if self._closed:
            return
        self._closed = True
        if under_way(self.connection, self.rehearse, self.record):
            self.connection.stop()
        self.control.release_all()
        self.rehearse.end_run(WHY)
        self.key.close()
        self.screens.gamepad.close()
        try:
            self.record.close()  # while its cameras still deliver frames
        except KnownError as error:
            logging.getLogger(__name__).warning("%s", error)
        self.screens.calibrate.close()
        self.connection.close()
        self.jobs.close()
        self.screens.library.close()
        self.rehearse.close()
        logging.getLogger().removeHandler(self._bridge)
        self.hooks.remove()
        self.crashes.close()
        self.garbage.close()

    def _connect_signals(self) -> None:
        for presenter in (self.jobs, self.arm, self.control, self.setup):
            presenter.failed.connect(self.messages.error)
        self.live.lost.connect(lambda sentence: self.messages.say(Kind.WARNING, sentence))
        self.live.back.connect(self.messages.settled)
        self.key.stop.connect(self.connection.stop)
        self.connection.changed.connect(self.garbage.keep_what_is_there, Qt.ConnectionType.SingleShotConnection)
        self.key.keyboard_left.connect(self.shell.keyboard_left)
        self.setup.go_on.connect(self.shell.show_screen)
        self.rehearse.asked.connect(self.setup.remember_instruction)
        self.rehearse.hold_chosen.connect(self.setup.remember_hold_to_run)
        self.theme.changed.connect(lambda: self.setup.remember_appearance(self.theme.appearance))
        self.shell.closing.connect(self.close)
        self.shell.under_way = lambda: under_way(self.connection, self.rehearse, self.record)

    def _say_first(self, damaged: str | None, first_start: bool) -> None:
        if damaged:
            self.messages.say(Kind.WARNING, damaged)
        if first_start:
            self.messages.note("First start: the simulated lab is used. Nothing real moves.")
        if self.crashes.unseen:
            newest = self.crashes.unseen[-1]
            self.messages.say(
                Kind.WARNING,
                "The program did not end properly the last time. What happened is written in "
                f"{newest}: send that file to whoever looks after the program.",
            )
            self.crashes.mark_seen()

    def _crashed(self, path: Path) -> None:
        self.messages.say(
            Kind.DANGER,
            "Something in the program went wrong, so the arm was stopped. You can go on; if it happens again, send "
            f"the file {path} to whoever looks after the program.",
        )


def run(library: Path | None = None) -> int:
    """Show the window until it is closed and return the exit code of the program."""
    app = application()
    program = Program(app, library=library)
    # Ctrl-C in the terminal closes the window; the timer lets Python process the signal.
    signal.signal(signal.SIGINT, lambda *_: program.shell.close())
    wake = QTimer(app, interval=200)
    wake.timeout.connect(lambda: None)
    wake.start()
    program.start()
    try:
        return app.exec()
    finally:
        program.close()
