"""Presenter of a whole calibration: the current step, running jobs, and what is stored."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from gui.calibrate.lens_presenter import LensPresenter
from gui.calibrate.place_check_presenter import PlaceCheckPresenter
from gui.calibrate.poses_presenter import PosesPresenter
from gui.calibrate.solve_presenter import SolvePresenter
from gui.calibrate.steps import CalibrateStep
from gui.calibrate.store_presenter import CalibrateStorePresenter
from gui.runtime.connection import Connection
from gui.runtime.jobs import Job, Jobs, Work
from gui.runtime.open_library import OpenLibrary
from gui.runtime.single_job import SingleJob
from gui.setup.presenter import SetupPresenter
from workflows.calibration.tag_boards import bench_tag_size, gripper_board
from workflows.cancellation import Cancellation, Report
from workflows.settings import TagSettings

if TYPE_CHECKING:  # SciPy, the solver and the database are imported when they are first needed
    from workflows.calibration.calibrate import CalibrationReport, CalibrationSession
    from workflows.calibration.store import Stored


class CalibratePresenter(QObject):
    """State machine of the steps; `step` is the current one, and the data of each step are kept when going back.

    `lenses`, `poses` and `solver` are the steps' own presenters, `store` holds the stored calibrations, `check` whether
    the one in use is still valid.
    """

    changed = Signal()
    stepped = Signal()

    def __init__(
        self,
        connection: Connection,
        setup: SetupPresenter,
        check: PlaceCheckPresenter,
        library: OpenLibrary,
        jobs: Jobs,
        parent: QObject | None = None,
    ):
        super().__init__(parent)
        self.connection, self.setup, self.check = connection, setup, check
        self.store = CalibrateStorePresenter(connection, setup, library, jobs, self)
        self.lenses, self.poses = LensPresenter(connection, jobs, self), PosesPresenter(connection, jobs, self)
        self.solver = SolvePresenter(connection, self.poses, jobs, self)
        self.step, self.saved = CalibrateStep.OVERVIEW, False
        self.printed: Path | None = None
        self._work = SingleJob(jobs, self)
        for part in (self.lenses, self.poses, self.solver, self.store, check, self._work):
            part.changed.connect(self.changed)
        self.solver.reported.connect(self._reported)
        self.poses.finished.connect(self._poses_finished)
        self.store.saved.connect(self._saved)
        self.store.opened.connect(self._reopened)
        self.store.in_use.connect(self._in_use)
        connection.changed.connect(self._connection_changed)

    # --- state ---

    @property
    def busy(self) -> bool:
        return self._work.busy or self.solver.busy

    @property
    def problem(self) -> str:
        """Last error, '' when there is none."""
        return self._work.problem or self.solver.problem

    @property
    def report(self) -> "CalibrationReport | None":
        return self.solver.report

    @property
    def simulated(self) -> bool:
        return self.connection.session.simulated

    @property
    def tags(self) -> TagSettings:
        return self.connection.session.settings.tags

    @property
    def stored(self) -> "Stored | None":
        """Calibration in use."""
        return self.connection.session.stored

    @property
    def session(self) -> "CalibrationSession | None":
        return self.poses.session

    # --- navigation ---

    def watch(self, shown: bool) -> None:
        """Set whether the screen is visible: detection and listing run only then."""
        if shown:
            self.store.look()
            self._enter()
        else:
            self._leave()

    def go_to(self, step: CalibrateStep) -> None:
        """Go to another step; all data are kept."""
        if step is self.step or self.poses.driving or self.solver.sweeping:
            return
        self._leave()
        self.step = step
        self._clear()
        if step is CalibrateStep.POSES and not self.poses.gathered:
            self.begin()
        self._enter()
        self.stepped.emit()
        self.changed.emit()

    def start(self) -> None:
        """Start from the overview: continue with data that are not stored yet, else start over."""
        if self.saved:
            self.poses.forget()
            self.solver.show(None)
        self.go_to(CalibrateStep.PRINT)

    def begin(self) -> None:
        """Start a calibration with all cameras of known intrinsics, or let new ones join the calibration in use."""
        tags, bench = self.tags, bench_tag_size(self.tags)
        lenses = {identity: self.lenses.lens(identity) for identity in self.lenses.identities}
        known = [(identity, self.lenses.name(identity), lens) for identity, lens in lenses.items() if lens is not None]
        joined = self._joined({identity for identity, *_ in known})

        def work(token: Cancellation, report: Report) -> "CalibrationSession":
            from workflows.calibration.calibrate import CalibrationSession, CameraEntry  # imports SciPy, so in the job

            cameras = tuple(CameraEntry(*each) for each in known)
            if joined is not None:
                return joined.joined_by(*cameras)
            return CalibrationSession(gripper_board(tags), cameras, bench_tag_size=bench)

        self._begin(work, "begin a calibration").on(done=lambda session: self._begun(session, joined is not None))

    def _joined(self, identities: set[str]) -> "CalibrationSession | None":
        """Return the stored session if it is still valid and only cameras were added, else None."""
        stored, check = self.stored, self.check.check
        if stored is None or (check is not None and check.failed):
            return None
        there = {camera.identity for camera in stored.session.cameras}
        same = stored.session.board == gripper_board(self.tags)
        return stored.session if same and there < identities else None

    # --- actions ---

    def choose_tags(self, **values: Any) -> None:
        """Set and store tag family, sizes and paper; an invalid value is reported in `problem`."""
        try:
            tags = replace(self.tags, **values)
        except ValueError as error:
            self._work.problem = f"This cannot be used: {error}."
        else:
            self._work.problem = ""
            self.setup.remember_tags(tags)
        self.changed.emit()

    def print_to(self, file: Path) -> None:
        """Write the PDF of the tags in a job."""
        tags, grid = self.tags, any(self.lenses.estimated(each) for each in self.lenses.identities)

        def work(token: Cancellation, report: Report) -> Path:
            from workflows.calibration.print_tags import print_tags

            return Path(print_tags(file, tags, grid=grid)["file"])

        self._begin(work, "write the tags").on(done=self._printed)

    def save(self) -> None:
        """Store the calibration with all its data, and use it from now on."""
        if self.session is not None and self.report is not None and not self.busy:
            self.store.save(self.session, self.report)

    def bench_is_wanted(self) -> None:
        """Restore the lab's bench, cleared for the board, when another screen needs it."""
        if self.simulated and self.poses.mounted and not self.poses.busy and not self.busy:
            self.poses.unmount()

    def close(self) -> None:
        """Stop detection and solver; does not block."""
        self._leave()
        self.solver.cancel()

    # --- helpers ---

    def _enter(self) -> None:
        acts = {
            CalibrateStep.LENSES: self.lenses.begin,
            CalibrateStep.POSES: self.poses.enter,
            CalibrateStep.SOLVE: self.poses.look,
            CalibrateStep.REPORT: self.poses.look,
        }
        acts.get(self.step, lambda: None)()

    def _leave(self) -> None:
        self.lenses.end()
        self.poses.leave()

    def _clear(self) -> None:
        self._work.problem = ""
        self.solver.forget_problem()

    def _reported(self) -> None:
        self.saved = False

    def _begun(self, session: "CalibrationSession", joining: bool) -> None:
        note = "The new cameras join the calibration in use: only poses that they see are still needed."
        self.poses.begin(session, note if joining else "")
        self.solver.show(None)
        if self.step is CalibrateStep.POSES:
            self.poses.enter()

    def _poses_finished(self) -> None:
        self.go_to(CalibrateStep.SOLVE)
        self.solver.solve()

    def _printed(self, file: Path) -> None:
        self.printed = file

    def _saved(self) -> None:
        self.saved = True
        self.poses.unmount()
        self.changed.emit()

    def _reopened(self, stored: "Stored") -> None:
        self.poses.begin(stored.session)
        self.solver.show(stored.report)
        self.saved = True
        self.go_to(CalibrateStep.REPORT)

    def _in_use(self) -> None:
        """Make all users of the cameras' poses reload them."""
        self.check.refresh()
        self.connection.changed.emit()

    def _connection_changed(self) -> None:
        if not self.connection.opened and self.step > CalibrateStep.PRINT:
            self.lenses.end()
            self.poses.leave()
        self.changed.emit()

    def _begin(self, work: Work, name: str) -> Job:
        self._clear()
        return self._work.begin(work, name)
