"""Connection of the window to the session: opens and closes it in jobs, sends the heartbeat, and stops the arm."""

import logging
import time

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from foundation.clocks import Clock, SystemClock
from foundation.errors import KnownError
from gui.runtime.arm_history import ArmHistory
from gui.runtime.jobs import Job, Jobs
from robot.service.client import HEARTBEAT_PERIOD, RobotClient
from robot.service.status import RobotStatus
from robot.state import Activity, ArmState
from workflows.cancellation import Cancellation, Report
from workflows.session import Session
from workflows.settings import ProgramSettings

_log = logging.getLogger(__name__)

PULL_MS = 33  # frames and status are polled at 30 Hz
_OLD = 0.5  # s; a status arrives at 30 Hz
_STILL = (Activity.NOTHING, Activity.HOLDING)


class Connection(QObject):
    """Life cycle of the session in the window. The session object stays the same; its contents are opened and closed.

    `pulled` is emitted at 30 Hz in the GUI thread; views that show live data update on it. `moments` is the history of
    arm poses, to look up the pose at a frame's capture time. `clock` is the clock that times presses.
    """

    changed = Signal()  # opening began, open, or closed
    progress = Signal(str, float)
    pulled = Signal()
    stop_pressed = Signal()
    failed = Signal(KnownError)

    def __init__(self, session: Session, jobs: Jobs, parent: QObject | None = None, *, clock: Clock = SystemClock()):
        super().__init__(parent)
        self.session, self._jobs, self.clock = session, jobs, clock
        self._job: Job | None = None
        self._confirming: Job | None = None
        self.opened = False
        self.moments = ArmHistory()
        self._heart = QTimer(self, interval=round(1000 * HEARTBEAT_PERIOD), timerType=Qt.TimerType.PreciseTimer)
        self._heart.timeout.connect(session.heartbeat)
        self._heart.start()
        self._pull = QTimer(self, interval=PULL_MS, timerType=Qt.TimerType.PreciseTimer)
        self._pull.timeout.connect(lambda: self.moments.add(self.status))
        self._pull.timeout.connect(self.pulled)
        self._pull.start()

    # --- state ---

    @property
    def opening(self) -> bool:
        return self._job is not None

    @property
    def robot(self) -> RobotClient | None:
        return self.session.robot

    @property
    def status(self) -> RobotStatus | None:
        """Newest status of the arm; None when there is none, or the robot process has ended."""
        robot = self.session.robot
        return None if robot is None or robot.lost else robot.status

    @property
    def arm_state(self) -> ArmState:
        status = self.status
        return ArmState.DISCONNECTED if status is None else status.state

    @property
    def may_move(self) -> bool:
        """Whether the arm moves, may begin to without another press, or is not known to stand still."""
        status = self.status
        if status is None:
            return False
        return status.activity not in _STILL or time.monotonic() - status.received > _OLD

    @property
    def arm_trouble(self) -> str:
        """Reason why there is no arm, '' when there is one."""
        robot = self.session.robot
        if robot is not None and robot.lost:
            return robot.lost
        return self.session.problems.get("arm", "")

    # --- actions ---

    def open(self, settings: ProgramSettings) -> None:
        """Close the open session, then connect according to the settings; returns at once."""
        if self._job is not None:
            return

        def work(token: Cancellation, report: Report) -> None:
            report("Closing what was connected", 0.0)
            self.session.close()
            self.session.settings = settings
            self.session.open(report, token)

        _log.info("press: connect, to the %s arm with %d cameras", settings.arm.kind, len(settings.cameras))
        self.opened = False
        self._job = self._jobs.run(work, name="connect")
        self._job.on(done=self._is_open, progress=self.progress.emit, ended=self._has_ended)
        self.changed.emit()

    def cancel(self) -> None:
        """Cancel connecting."""
        if self._job is not None:
            self._job.cancel()

    def stop(self) -> None:
        """Stop the arm; returns at once. When the command does not reach the arm, `failed` reports it."""
        robot = self.session.robot
        if robot is None:
            return
        try:
            press = robot.stop()
            _log.info("press: Stop, number %d", press)
        except KnownError as error:
            self.failed.emit(error)
            return
        self.stop_pressed.emit()
        if self._confirming is None:
            self._confirming = self._jobs.run(lambda token, report: robot.stop_taken(press), name="stop")
            self._confirming.on(failed=self.failed.emit, ended=self._confirmed)

    def close(self) -> None:
        """Close the session and end the heartbeat; blocks, so only when the window closes."""
        self._pull.stop()
        if self._job is not None:
            self._job.cancel()
            self._job.join(15.0)
        self._heart.stop()
        self.session.close()
        self.opened = False

    def _is_open(self, _: object) -> None:
        self.opened = True

    def _has_ended(self) -> None:
        self._job = None
        self.changed.emit()

    def _confirmed(self) -> None:
        self._confirming = None
