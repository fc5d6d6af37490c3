"""Presenter of the History screen: the list of past rehearsals, and the open one."""

import uuid
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from foundation.errors import KnownError
from gui.runtime.jobs import Job, Jobs
from storage.library import Library
from storage.rehearsal_list import RehearsalRow, rehearsals
from storage.rehearsals import rehearsal_folder
from workflows.cancellation import Cancellation, Report
from workflows.rehearsal.review import RehearsalReview, review_rehearsal
from workflows.rehearsal.video_export import export_mp4


class HistoryPresenter(QObject):
    """Presenter for an open library; all reading and writing is in jobs.

    `listed`: the rows have changed; `opened`: another rehearsal was opened, or none; `exporting_changed`: progress or
    end of a video export; `replay_asked` carries an instruction and the folder of the rehearsal.
    """

    listed = Signal()
    opened = Signal()
    exporting_changed = Signal()
    replay_asked = Signal(str, str)

    def __init__(self, library: Library, jobs: Jobs, parent: QObject | None = None):
        super().__init__(parent)
        self.library, self._jobs = library, jobs
        self.rows: tuple[RehearsalRow, ...] = ()
        self.words = ""
        self.row: RehearsalRow | None = None
        self.review: RehearsalReview | None = None
        self.problem = ""
        self.export_words, self.export_share = "", 0.0
        self._listing: Job | None = None
        self._opening: Job | None = None
        self._exporting: Job | None = None
        self._again = False

    @property
    def busy(self) -> bool:
        """Whether a list or a rehearsal is being loaded."""
        return self._listing is not None or self._opening is not None

    @property
    def exporting(self) -> bool:
        return self._exporting is not None

    def refresh(self) -> None:
        """Reload the list from the database."""
        if self._listing is not None:
            self._again = True
            return
        words = self.words
        self._listing = self._jobs.run(lambda *_: rehearsals(self.library.database, words), name="list the history")
        self._listing.on(done=self._listed, failed=self._failed, ended=self._list_ended)

    def search(self, words: str) -> None:
        self.words = words
        self.refresh()

    def open(self, identity: uuid.UUID | None) -> None:
        """Open one of the listed rehearsals; None closes it."""
        if self._opening is not None:
            self._opening.cancel()
        self.row = next((row for row in self.rows if row.id == identity), None)
        self.review, self.problem, self.export_words = None, "", ""
        self.opened.emit()
        row = self.row
        if row is None:
            return
        folder = rehearsal_folder(self.library.folder, row.id)
        episode = None if row.episode is None else self.library.episode_folder(row.episode)
        job = self._jobs.run(lambda *_: review_rehearsal(folder, episode), name="open a rehearsal")
        self._opening = job
        job.on(
            done=lambda review: self._is_open(job, review),
            failed=lambda error: self._failed(error),
            ended=lambda: self._open_ended(job),
        )

    def replay(self) -> None:
        """Request the replay of the motion on the Rehearse screen."""
        if self.review is not None:
            self.replay_asked.emit(self.review.record["instruction"], str(self.review.folder))

    def export(self, path: Path) -> None:
        """Export a video of the open rehearsal in a job."""
        review = self.review
        if review is None or self._exporting is not None:
            return

        def work(token: Cancellation, report: Report) -> Path:
            return export_mp4(review, path, report, token)

        self.export_words, self.export_share = "Writing the film…", 0.0
        self._exporting = self._jobs.run(work, name="export a film")
        self._exporting.on(
            done=lambda made: self._say_export(f"Written: {made}"),
            failed=lambda error: self._say_export(str(error)),
            progress=self._export_went_on,
            cancelled=lambda: self._say_export("Cancelled."),
            ended=self._export_ended,
        )
        self.exporting_changed.emit()

    def cancel_export(self) -> None:
        if self._exporting is not None:
            self._exporting.cancel()

    # --- helpers ---

    def _listed(self, rows: list[RehearsalRow]) -> None:
        self.rows = tuple(rows)
        if self.row is not None:
            self.row = next((row for row in rows if row.id == self.row.id), None)
        self.listed.emit()

    def _list_ended(self) -> None:
        self._listing = None
        if self._again:
            self._again = False
            self.refresh()

    def _is_open(self, job: Job, review: RehearsalReview) -> None:
        if self._opening is job:
            self.review = review
            self.opened.emit()

    def _open_ended(self, job: Job) -> None:
        if self._opening is job:
            self._opening = None

    def _failed(self, error: KnownError) -> None:
        self.problem = str(error)
        self.opened.emit()

    def _export_went_on(self, words: str, share: float) -> None:
        self.export_share = share
        self.exporting_changed.emit()

    def _say_export(self, words: str) -> None:
        self.export_words = words

    def _export_ended(self) -> None:
        self._exporting = None
        self.exporting_changed.emit()
