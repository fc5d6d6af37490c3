"""Presenter of the solver: the cameras' poses from the observations, remedies after a failure, and the slow sweep."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from foundation.errors import KnownError
from gui.calibrate.poses_presenter import PosesPresenter
from gui.runtime.connection import Connection
from gui.runtime.jobs import Job, Jobs, Work
from gui.runtime.single_job import SingleJob
from robot.state import ArmState
from workflows.cancellation import Cancellation, Report

if TYPE_CHECKING:  # SciPy and the solver are imported when they are first needed
    from workflows.calibration.calibrate import CalibrationReport, CalibrationSession

_SOLVE, _SWEEP = "work out the calibration", "slow sweep"


class SolvePresenter(QObject):
    """`report` is the result for the session that `poses` holds, None while there is none."""

    changed = Signal()
    reported = Signal()  # another report on display, or none

    def __init__(self, connection: Connection, poses: PosesPresenter, jobs: Jobs, parent: QObject | None = None):
        super().__init__(parent)
        self._connection, self._poses = connection, poses
        self._work = SingleJob(jobs, self)
        self._work.changed.connect(self.changed)
        self.report: CalibrationReport | None = None
        self.refine_lens = False
        self.progress = ("", 0.0)
        self.trouble: KnownError | None = None  # why there is no report; it may suggest a remedy

    # --- state ---

    @property
    def busy(self) -> bool:
        return self._work.busy

    @property
    def solving(self) -> bool:
        return self._work.name == _SOLVE

    @property
    def sweeping(self) -> bool:
        return self._work.name == _SWEEP

    @property
    def problem(self) -> str:
        """Error of the last job."""
        return self._work.problem

    @property
    def session(self) -> "CalibrationSession | None":
        return self._poses.session

    @property
    def can_sweep(self) -> bool:
        ready = self._connection.arm_state is ArmState.HOLDING and self._poses.mounted
        return self.report is not None and ready and not self.busy

    @property
    def measured_delays(self) -> bool:
        return self.report is not None and all(camera.delay is not None for camera in self.report.cameras)

    # --- actions ---

    def show(self, report: "CalibrationReport | None") -> None:
        """Set the report on display."""
        self.report, self.trouble = report, None
        self.reported.emit()
        self.changed.emit()

    def solve(self) -> None:
        """Solve for the cameras' poses; the arm does not move."""
        session, refine = self.session, self.refine_lens
        if session is None or self.busy:
            return
        self.show(None)

        def work(token: Cancellation, report: Report) -> "CalibrationReport":
            from workflows.calibration.calibrate import solve

            return solve(session, refine_lens=refine, report=report, token=token)

        self._begin(work, _SOLVE).on(done=self.show, progress=self._progressed)

    def solve_with_size(self, tag_size: float) -> None:
        """Set the tag size, m, to the one derived from the arm's motion, and solve again."""
        if self.session is not None:
            board = self.session.board.resized(tag_size / self.session.board.tag_size)
            self._poses.session = replace(self.session, board=board)
            self.solve()

    def solve_slipped(self, after: int) -> None:
        """Treat the board as remounted after that pose, and solve again."""
        if self.session is not None:
            self._poses.session = self.session.slipped(after)
            self.solve()

    def sweep(self) -> None:
        """Move the arm slowly to and fro once, and measure each camera's delay from it."""
        session, report_, robot = self.session, self.report, self._connection.robot
        if not self.can_sweep or session is None or report_ is None or robot is None:
            return
        captures = dict(self._connection.session.captures)

        def work(token: Cancellation, report: Report) -> Any:
            from workflows.calibration.calibrate import report_with_delays
            from workflows.calibration.sweep import sweep

            said = lambda words: report(words, 0.0)  # noqa: E731
            swept = sweep(session, report_, robot, captures, token=token, progress=said)
            return swept, report_with_delays(report_, swept)

        self._begin(work, _SWEEP).on(done=self._swept, progress=self._progressed)

    def cancel(self) -> None:
        """Cancel the solver or the sweep."""
        self._work.cancel(self._work.name)

    def forget_problem(self) -> None:
        """Clear the error of the last job."""
        self._work.problem = ""

    # --- helpers ---

    def _swept(self, found: Any) -> None:
        self._poses.session = found[0]
        self.show(found[1])

    def _progressed(self, words: str, share: float) -> None:
        self.progress = (words, share)
        self.changed.emit()

    def _begin(self, work: Work, name: str) -> Job:
        self.trouble, self.progress = None, ("", 0.0)
        return self._work.begin(work, name).on(failed=self._failed)

    def _failed(self, error: KnownError) -> None:
        self.trouble = error
