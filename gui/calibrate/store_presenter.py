"""Presenter of the stored calibrations: the list, the one in use, and the simulation's ground truth instead."""

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from foundation.errors import KnownError
from gui.runtime.connection import Connection
from gui.runtime.jobs import Job, Jobs
from gui.runtime.open_library import OpenLibrary
from gui.setup.presenter import SetupPresenter
from workflows.cancellation import Cancellation, Report

if TYPE_CHECKING:  # the solver and the database are imported when they are first needed
    from storage.library import Library
    from workflows.calibration.calibrate import CalibrationReport, CalibrationSession
    from workflows.calibration.store import Stored, Version


class CalibrateStorePresenter(QObject):
    """Stored calibrations: `versions`, newest first. `in_use` is emitted when another one is used from now on."""

    changed = Signal()
    in_use = Signal()
    saved = Signal()
    opened = Signal(object)  # a Stored to be shown again

    def __init__(
        self,
        connection: Connection,
        setup: SetupPresenter,
        library: OpenLibrary,
        jobs: Jobs,
        parent: QObject | None = None,
    ):
        super().__init__(parent)
        self._connection, self._setup, self._library, self._jobs = connection, setup, library, jobs
        self.versions: tuple[Version, ...] = ()
        self.problem = ""
        self._job: Job | None = None
        library.opened.connect(self._list)
        library.failed.connect(lambda _: self.changed.emit())

    @property
    def busy(self) -> bool:
        return self._job is not None

    @property
    def ready(self) -> bool:
        """Whether a calibration can be stored now."""
        return self._library.library is not None and not self.busy

    @property
    def truth(self) -> bool:
        """Whether the simulation's ground truth is used."""
        session = self._connection.session
        return session.simulated and session.settings.lab.true_places

    def look(self) -> None:
        """Request the list; opens the library if necessary."""
        self._library.ask()

    def save(self, session: "CalibrationSession", report: "CalibrationReport") -> None:
        """Store a calibration with all its data, and use it from now on."""
        self._change(lambda store, library: store.save(library, session, report), truth=False, then=self.saved.emit)

    def activate(self, version: uuid.UUID) -> None:
        """Use this calibration from now on."""
        self._change(lambda store, library: store.activate(library, version), truth=False)

    def delete(self, version: uuid.UUID) -> None:
        self._change(lambda store, library: store.delete(library, version), truth=self.truth)

    def use_truth(self, truth: bool) -> None:
        """Use the simulation's ground truth, or the calibrated poses."""
        self._change(lambda store, library: None, truth=truth)

    def open(self, version: uuid.UUID) -> None:
        """Load a stored calibration and show it like a new one."""
        library = self._library.library
        if library is None or self.busy:
            return

        def work(token: Cancellation, report: Report) -> "Stored":
            from workflows.calibration.store import load

            return load(library, version)

        self._begin(work, "open the calibration").on(done=self.opened.emit)

    # --- helpers ---

    def _change(
        self, act: Callable[[Any, "Library"], object], *, truth: bool, then: Callable[[], object] = lambda: None
    ) -> None:
        """Apply `act` to the library, then use its active calibration, or in the lab the ground truth."""
        library, session = self._library.library, self._connection.session
        if library is None or self.busy:
            return
        lab = session.simulated

        def work(token: Cancellation, report: Report) -> None:
            from workflows.calibration import store as calibrate_store

            act(calibrate_store, library)
            session.use(None if lab and truth else calibrate_store.active(library))

        def done(_: object) -> None:
            if lab:
                self._setup.remember_true_places(truth)
            then()
            self.in_use.emit()

        self._begin(work, "change the calibration").on(done=done)

    def _list(self) -> None:
        library = self._library.library
        if library is None:
            return

        def work(token: Cancellation, report: Report) -> "list[Version]":
            from workflows.calibration.store import versions

            return versions(library)

        self._jobs.run(work, name="list the calibrations").on(done=self._listed, failed=self._failed)

    def _listed(self, found: "list[Version]") -> None:
        self.versions = tuple(found)
        self.changed.emit()

    def _begin(self, work: Callable[[Cancellation, Report], Any], name: str) -> Job:
        self.problem = ""
        self._job = self._jobs.run(work, name=name)
        self._job.on(failed=self._failed, ended=self._ended)
        self.changed.emit()
        return self._job

    def _failed(self, error: KnownError) -> None:
        self.problem = str(error)
        self.changed.emit()

    def _ended(self) -> None:
        self._job = None
        self._list()
        self.changed.emit()
