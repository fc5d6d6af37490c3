"""Presenter of the arm: its state as text and in mm and degrees, and its guided recovery."""

import logging
import time
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal

from foundation import xarm7
from foundation.deadlines import PRODUCTION
from foundation.errors import KnownError
from foundation.poses import to_rpy
from gui.arm.phrases import STATES, STEPS
from gui.runtime.connection import Connection
from gui.runtime.jobs import Jobs
from robot.control.recovery import RecoveryStep
from robot.controller.error_codes import CONTROLLER_ERRORS, CONTROLLER_WARNINGS
from robot.service.status import RobotStatus
from robot.state import ArmState

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class ArmFigures:
    """Panel contents: `position_mm` (3,), `turn_deg` (3,) roll, pitch, yaw, `joints_deg` (7,); NaN is unknown."""

    name: str
    state: ArmState
    word: str
    look: str
    meaning: str
    error: str  # '' or the message of the error or fault
    cure: str
    warning: str
    position_mm: np.ndarray
    turn_deg: np.ndarray
    joints_deg: np.ndarray
    openness_pct: float | None
    gripper_fault: str
    steps: tuple[RecoveryStep, ...]

    @property
    def press(self) -> RecoveryStep | None:
        """Step whose button may be pressed now."""
        return next((step for step in self.steps if step is not RecoveryStep.REMOVE_CAUSE), None)


class ArmPresenter(QObject):
    """Presenter of the arm's panel and its guided recovery, in the sidebar and on the Arm screen."""

    refreshed = Signal()
    busy_changed = Signal()
    failed = Signal(KnownError)

    def __init__(self, connection: Connection, jobs: Jobs, parent: QObject | None = None):
        super().__init__(parent)
        self.connection, self._jobs = connection, jobs
        self.busy = False
        self.figures = self._read()
        connection.pulled.connect(self.refresh)

    def refresh(self) -> None:
        self.figures = self._read()
        self.refreshed.emit()

    def recover(self) -> None:
        """Execute the next recovery step; one press, one step."""
        robot, step = self.connection.robot, self.figures.press
        if robot is None or step is None or self.busy:
            return
        _log.info("press: %s", step)
        self._set_busy(True)
        self._jobs.run(lambda token, report: robot.recover(step), name=STEPS[step][0]).on(
            failed=self.failed.emit, ended=lambda: self._set_busy(False)
        )

    def connect_again(self) -> None:
        """Reconnect everything with the present settings."""
        self.connection.open(self.connection.session.settings)

    def _set_busy(self, busy: bool) -> None:
        self.busy = busy
        self.busy_changed.emit()

    def _read(self) -> ArmFigures:
        connection, status = self.connection, self.connection.status
        simulated = connection.session.simulated
        name = "Simulated arm" if simulated else "Arm"
        if status is None:
            return self._without_arm(name)
        word, look, meaning = STATES[status.state]
        error, cure = _trouble(status)
        pose_mm, turn_deg = _pose(status.position)
        return ArmFigures(
            name=name,
            state=status.state,
            word=word,
            look=look,
            meaning=meaning,
            error=error,
            cure=cure,
            warning=warning_words(status, time.monotonic(), self.connection.session.deadlines.status),
            position_mm=pose_mm,
            turn_deg=turn_deg,
            joints_deg=np.rad2deg(status.position),
            openness_pct=None if status.openness is None else 100.0 * status.openness,
            gripper_fault=status.gripper_fault,
            steps=status.steps,
        )

    def _without_arm(self, name: str) -> ArmFigures:
        opening = self.connection.opening
        word, look, meaning = STATES[ArmState.DISCONNECTED]
        if opening:
            word, look, meaning = "Connecting", "chip-accent", "A moment: the program connects to the arm."
        trouble = "" if opening else self.connection.arm_trouble
        nothing = np.full(3, np.nan)
        figures = (nothing, nothing, np.full(7, np.nan), None, "")
        return ArmFigures(name, ArmState.DISCONNECTED, word, look, meaning, trouble, "", "", *figures, ())


def warning_words(status: RobotStatus, now: float, old: float = PRODUCTION.status) -> str:
    """Return the most severe warning, '' when there is none; `now` is in s, monotonic."""
    silent = now - status.received
    if silent > old:
        return f"Nothing has been heard of the arm for {silent:.0f} s: what stands here is old. Keep clear of it."
    return status.stop_fault or CONTROLLER_WARNINGS.get(status.warning, ("", ""))[0]


def _trouble(status: RobotStatus) -> tuple[str, str]:
    """Return the fault and its remedy; the controller's error comes first."""
    if status.error:
        meaning, cure = CONTROLLER_ERRORS.get(
            status.error, ("The controller reports an error this program does not know.", "Look it up in the manual.")
        )
        return f"{meaning} (C{status.error})", cure
    return (status.fault, "") if status.state is not ArmState.HOLDING else ("", "")


def _pose(q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return TCP position (3,) mm and roll, pitch, yaw (3,) deg about the base's axes, as in UFACTORY's software."""
    if not np.isfinite(q).all():
        return np.full(3, np.nan), np.full(3, np.nan)
    base_from_tool = xarm7.forward(q)
    return 1000.0 * base_from_tool[:3, 3], np.rad2deg(to_rpy(base_from_tool))
