"""Presenter of the check of the cameras' poses: its lights, repetition on demand, and the operator's override."""

from PySide6.QtCore import QObject, Signal

from foundation.errors import KnownError
from gui.live.calibration_status import CalibrationStatus, calibration_status
from gui.runtime.connection import Connection
from gui.runtime.jobs import Job, Jobs
from workflows.calibration.place_check import PlaceCheck
from workflows.cancellation import Cancellation, Report


class PlaceCheckPresenter(QObject):
    """Result of the session's check; see `workflows.calibration.place_check`.

    `refused` carries the message of a failed check, `settled` the same message when it no longer applies.
    """

    changed = Signal()
    failed = Signal(KnownError)
    refused = Signal(str)
    settled = Signal(str)

    def __init__(self, connection: Connection, jobs: Jobs, parent: QObject | None = None):
        super().__init__(parent)
        self._connection, self._jobs = connection, jobs
        self._job: Job | None = None
        self._said = ""
        connection.changed.connect(self.refresh)

    @property
    def check(self) -> PlaceCheck | None:
        return self._connection.session.check

    @property
    def checking(self) -> bool:
        return self._job is not None

    @property
    def can_check(self) -> bool:
        return self._connection.opened and not self.checking and self._connection.session.stored is not None

    def light(self, identity: str) -> CalibrationStatus:
        """Return the calibration status of one camera."""
        session = self._connection.session
        return calibration_status(session.known.get(identity), session.check, identity)

    def check_now(self) -> None:
        """Check the cameras' poses with the tags on the bench; returns at once."""
        if not self.can_check:
            return
        session = self._connection.session

        def work(token: Cancellation, report: Report) -> PlaceCheck | None:
            return session.check_places()

        self._job = self._jobs.run(work, name="check the cameras' places")
        self._job.on(failed=self.failed.emit, ended=self._ended)
        self.changed.emit()

    def acknowledge(self) -> None:
        """Continue although a camera has moved, on the operator's decision; stored with everything recorded."""
        session = self._connection.session
        if session.check is not None and session.check.failed:
            session.check = session.check.acknowledged(session.settings.operator)
            self.refresh()

    def refresh(self) -> None:
        """Update after the calibration or its check has changed."""
        check = self.check
        refusal = "" if check is None else check.refusal
        if refusal != self._said:
            if self._said:
                self.settled.emit(self._said)
            self._said = refusal
            if refusal:
                self.refused.emit(refusal)
        self.changed.emit()

    def _ended(self) -> None:
        self._job = None
        self.refresh()
