"""Presenter of the intrinsics of every camera: reported by the camera, checked, or calibrated with a printed grid."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from cameras.intrinsics import Intrinsics
from foundation.errors import KnownError
from gui.calibrate.board_detection import BoardDetection
from gui.runtime.connection import Connection
from gui.runtime.jobs import Job, Jobs
from workflows.cancellation import Cancellation, Report

if TYPE_CHECKING:  # imported when the step is first shown
    from cameras.calibration.board_view import BoardView
    from cameras.calibration.lens_session import LensMissing, LensSession
    from cameras.calibration.lens_solve import LensCheck, LensResult

_CHECKED_WITH = 3  # minimum number of views for checking a lens


class LensPresenter(QObject):
    """One lens session per camera; views are taken automatically while the grid is held still before a camera."""

    changed = Signal()

    def __init__(self, connection: Connection, jobs: Jobs, parent: QObject | None = None):
        super().__init__(parent)
        self._connection, self._jobs = connection, jobs
        self.watch = BoardDetection(connection, jobs)
        self.sessions: dict[str, LensSession] = {}
        self.results: dict[str, LensResult] = {}
        self.checks: dict[str, LensCheck] = {}
        self.reasons: dict[str, str] = {}  # why the last view of a camera was accepted or rejected
        self.problem = ""
        self._missing: dict[str, tuple[LensSession, LensMissing]] = {}
        self._anew: set[str] = set()  # cameras to be calibrated although their intrinsics are known
        self._job: Job | None = None

    # --- state ---

    @property
    def identities(self) -> tuple[str, ...]:
        return tuple(self._connection.session.captures)

    @property
    def busy(self) -> bool:
        return self._job is not None

    def name(self, identity: str) -> str:
        return self._connection.session.names.get(identity, identity)

    def factory(self, identity: str) -> Intrinsics | None:
        """Return the intrinsics reported by the camera itself, None when there are none."""
        capture = self._connection.session.captures.get(identity)
        return None if capture is None else capture.driver.intrinsics

    def stored(self, identity: str) -> Intrinsics | None:
        """Return the intrinsics of the calibration in use, None when there are none."""
        known = self._connection.session.known.get(identity)
        return None if known is None or known.calibration_id is None else known.intrinsics

    def lens(self, identity: str) -> Intrinsics | None:
        """Return the intrinsics for the next calibration: newly calibrated, else reported, else stored ones."""
        result = self.results.get(identity)
        if result is not None and result.ok:
            return result.intrinsics
        return None if identity in self._anew else self.factory(identity) or self.stored(identity)

    def estimated(self, identity: str) -> bool:
        """Return whether this camera's intrinsics are to be calibrated with the grid."""
        return identity in self._anew or (self.factory(identity) is None and self.stored(identity) is None)

    def missing(self, identity: str) -> "LensMissing | None":
        """Return what the grid has not covered yet for this camera; None before its first view."""
        session, known = self.sessions.get(identity), self._missing.get(identity)
        if session is None:
            return None
        if known is None or known[0] is not session:  # slow with many views
            known = self._missing[identity] = session, session.missing
        return known[1]

    @property
    def complete(self) -> bool:
        return bool(self.identities) and all(self.lens(identity) is not None for identity in self.identities)

    @property
    def next_to_solve(self) -> str | None:
        """Camera with sufficient views whose intrinsics are not solved yet."""
        for identity in self.identities:
            missing = self.missing(identity)
            if self.estimated(identity) and identity not in self.results and missing is not None and missing.complete:
                return identity
        return None

    # --- actions ---

    def begin(self) -> None:
        """Start detecting the grid, when the step is shown."""
        from workflows.calibration.tag_boards import lens_grid

        self.watch.start(lens_grid(self._connection.session.settings.tags), self._taken)
        self.changed.emit()

    def end(self) -> None:
        """Stop detecting when the step is left; the views are kept."""
        self.watch.stop()

    def find_out(self, identity: str, anew: bool) -> None:
        """Set whether to calibrate this camera although its intrinsics are known; its views are dropped."""
        (self._anew.add if anew else self._anew.discard)(identity)
        for kept in (self.sessions, self.results, self.checks, self.reasons):
            kept.pop(identity, None)
        self.changed.emit()

    def solve(self, identity: str) -> None:
        """Solve for a camera's intrinsics from its views; returns at once."""
        session = self.sessions.get(identity)
        if session is None or self._job is not None:
            return
        self.problem = ""

        def work(token: Cancellation, report: Report) -> "LensResult":
            from cameras.calibration.lens_solve import solve_lens

            return solve_lens(session)

        self._job = self._jobs.run(work, name="work out the lens")
        self._job.on(
            done=lambda result: self.results.__setitem__(identity, result), failed=self._failed, ended=self._ended
        )
        self.changed.emit()

    # --- helpers ---

    def _taken(self, identity: str, view: "BoardView") -> None:
        """Consider a view of the still grid and keep it if it adds information. Runs in the detector's thread."""
        from cameras.calibration.lens_session import LensSession
        from cameras.calibration.lens_solve import check_lens
        from workflows.calibration.tag_boards import lens_grid

        if identity in self.results:
            return
        session = self.sessions.get(identity)
        if session is None or (session.width, session.height) != (view.width, view.height):
            session = LensSession(lens_grid(self._connection.session.settings.tags), view.width, view.height)
        decision = session.consider(view)
        self.reasons[identity] = decision.reason
        if decision.useful:
            session = session.added(view)
            self._missing[identity] = session, session.missing
        self.sessions[identity] = session
        lens = None if self.estimated(identity) else self.lens(identity)
        if lens is not None and decision.useful and len(session.views) >= _CHECKED_WITH:
            self.checks[identity] = check_lens(lens, session.views, session.board)

    def _failed(self, error: KnownError) -> None:
        self.problem = str(error)

    def _ended(self) -> None:
        self._job = None
        self.changed.emit()
