"""Presenter of the control box: its settings beside those the program requires; each can be set, and restored."""

import logging

from PySide6.QtCore import QObject, Signal

from gui.runtime.connection import Connection
from gui.runtime.jobs import Jobs
from gui.runtime.single_job import SingleJob
from robot.box_check import Compared, differences

_log = logging.getLogger(__name__)


class ControlBoxPresenter(QObject):
    """`lines` are all checked settings, empty without an arm. Nothing here makes an arm ready or moves it."""

    changed = Signal()

    def __init__(self, connection: Connection, jobs: Jobs, parent: QObject | None = None):
        super().__init__(parent)
        self.connection = connection
        self.lines: tuple[Compared, ...] = ()
        self.was: dict[str, str] = {}  # overwritten values, as text
        self._work = SingleJob(jobs, self)
        self._work.changed.connect(self.changed)
        self._seen: object = None
        connection.pulled.connect(self._look)
        connection.changed.connect(self._connection_changed)

    @property
    def busy(self) -> bool:
        return not self._work.free

    @property
    def problem(self) -> str:
        """Error of the last write, '' when it succeeded."""
        return self._work.problem

    @property
    def different(self) -> tuple[Compared, ...]:
        """Settings that differ, those that refuse motion first."""
        return differences(self.lines)

    @property
    def box_words(self) -> str:
        """Model and firmware of the control box."""
        robot = self.connection.robot
        return "" if robot is None else f"{robot.model}, firmware {'.'.join(map(str, robot.firmware))}"

    def write(self, line: Compared) -> None:
        """Set one setting to the required value."""
        robot = self.connection.robot
        if robot is None or not line.write or self.busy:
            return
        _log.info("press: set %s in the control box", line.name)
        job = self._work.begin(lambda token, report: robot.write_setting(line.name), "set the control box")
        job.on(done=lambda _: self._written(line))

    def undo(self, name: str) -> None:
        """Restore a setting to its value before `write`."""
        robot = self.connection.robot
        if robot is None or name not in self.was or self.busy:
            return
        _log.info("press: set %s back in the control box", name)
        job = self._work.begin(lambda token, report: robot.restore_setting(name), "undo")
        job.on(done=lambda _: self._undone(name))

    def _written(self, line: Compared) -> None:
        self.was[line.name] = line.found
        self.changed.emit()

    def _undone(self, name: str) -> None:
        self.was.pop(name, None)
        self.changed.emit()

    def _look(self) -> None:
        status, robot = self.connection.status, self.connection.robot
        seen = None if status is None else (status.box, status.gripper_fault, status.openness is None)
        if seen != self._seen:
            self._seen = seen
            self.lines = () if robot is None else robot.control_box
            self.changed.emit()

    def _connection_changed(self) -> None:
        if not self.connection.opened:
            self.was.clear()
        self.changed.emit()
