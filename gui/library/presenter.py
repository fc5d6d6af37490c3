"""Presenter of the Library screen: the listed episodes, the open one, and the values offered by filters."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from foundation.errors import KnownError
from gui.library.edits import EpisodeEdits
from gui.library.episode_model import EpisodeModel
from gui.library.labelling import Labelling
from gui.library.list_query import ListQuery
from gui.library.thumbnails import Thumbnails
from gui.runtime.jobs import Job, Jobs
from storage.calibration_choices import CalibrationChoice, calibration_choices
from storage.episodes.edits import Change
from storage.library import Library
from storage.queries import EpisodeFilter, EpisodeRow, Sort, choices, count
from storage.tasks import Task, tasks
from workflows.recording.episode_review import EpisodeReview, review


@dataclass(frozen=True)
class Offers:
    """Values offered by filters, and the number of `living` episodes and of `deleted` ones in the trash."""

    tasks: tuple[Task, ...] = ()
    names: dict[str, list[str]] = field(default_factory=dict)
    calibrations: tuple[CalibrationChoice, ...] = ()
    living: int = 0
    deleted: int = 0


class LibraryPresenter(QObject):
    """Presenter for an open library. All access to the database or to files is in jobs.

    `listed`: the rows or their number have changed; `opened`: another episode was opened, or none; `rehearse_asked`
    carries an instruction and the folder of the episode to replay.
    """

    listed = Signal()
    opened = Signal()
    row_changed = Signal()  # the labels of the open episode have changed
    offers_changed = Signal()
    rehearse_asked = Signal(str, str)

    def __init__(self, library: Library, jobs: Jobs, parent: QObject | None = None):
        super().__init__(parent)
        self.library, self.jobs = library, jobs
        self.model, self.edits = EpisodeModel(jobs, self), EpisodeEdits(jobs, self)
        self.thumbnails = Thumbnails(jobs, library.episode_folder, self)
        self.edits.use(library)
        self.labelling = Labelling(library, jobs, self)
        self.labelling.done.connect(self.refresh)
        self.question, self.offers = ListQuery(), Offers()
        self.ranges: tuple[tuple[int, int], ...] = ()
        self.review: EpisodeReview | None = None
        self.problem = ""  # why the episode cannot be shown
        self._row: EpisodeRow | None = None
        self._opening: Job | None = None
        self._offering: Job | None = None
        self._offer_again, self._known = False, False
        self.model.answered.connect(self.listed)
        self.model.counted.connect(lambda _: self.listed.emit())
        self.model.dataChanged.connect(lambda *_: self._look_at_row())
        self.edits.said.connect(self._said)

    # --- state ---

    @property
    def selected(self) -> int:
        """Number of selected episodes."""
        return sum(last - first + 1 for first, last in self.ranges)

    @property
    def row(self) -> EpisodeRow | None:
        """The open episode; None when none or several are selected."""
        return self._row

    @property
    def in_trash(self) -> bool:
        return self.question.which.deleted

    @property
    def empty(self) -> bool:
        """Whether the library has never contained an episode."""
        return self._known and not self.offers.living and not self.offers.deleted

    # --- queries ---

    def refresh(self) -> None:
        """Reload the list and the offered values."""
        self.model.ask(self.question, self.library.database)
        self._offer()

    def search(self, text: str) -> None:
        self.narrow(text=text)

    def narrow(self, **conditions: Any) -> None:
        """Change some conditions of EpisodeFilter."""
        self._ask(replace(self.question, which=replace(self.question.which, **conditions)))

    def show_all(self) -> None:
        """Remove all conditions."""
        self._ask(replace(self.question, which=EpisodeFilter()))

    def sort(self, by: Sort, descending: bool) -> None:
        self._ask(replace(self.question, sort=by, descending=descending))

    def select(self, ranges: Sequence[tuple[int, int]]) -> None:
        """Set the selected ranges of rows; a single episode is opened."""
        self.ranges = tuple(ranges)
        row = self.model.row(self.ranges[0][0]) if self.selected == 1 else None
        if row is None or self._row is None or row.id != self._row.id:
            self._row, self.review, self.problem = row, None, ""
            self.opened.emit()
            if row is not None:
                self._open()
        else:
            self._look_at_row()

    # --- edits ---

    def say(self, words: str, **said: Any) -> None:
        """Edit the selected episodes; keywords are those of `storage.episodes.edits.Change`."""
        if self.selected:
            self.edits.do(self.model.identities(self.ranges), Change(**said), words)

    def say_of(self, episodes: list[uuid.UUID], words: str, **said: Any) -> None:
        """Edit these episodes, whatever is selected by then."""
        self.edits.do(lambda: episodes, Change(**said), words)

    def delete(self) -> None:
        """Move the selected episodes to the trash."""
        if not self.in_trash:
            self.say("{} put into the trash.", deleted=True)

    def bring_back(self) -> None:
        """Restore the selected episodes from the trash."""
        if self.in_trash:
            self.say("{} brought back.", deleted=False)

    def rehearse(self) -> None:
        """Request a rehearsal of the open episode's motion on the Rehearse screen."""
        if self._row is not None and self.review is not None and self.review.episode.trajectory is not None:
            self.rehearse_asked.emit(self._row.instruction, str(self.library.episode_folder(self._row.id)))

    def label(self) -> None:
        """Let a model read the motion from the videos of the selected episodes."""
        if self.selected and not self.in_trash:
            self.labelling.start(self.model.identities(self.ranges))

    # --- helpers ---

    def _ask(self, question: ListQuery) -> None:
        if question != self.question:
            self.question = question
            self.model.ask(question, self.library.database)

    def _open(self) -> None:
        """Load the open episode in a job; of several pending ones, only the newest is loaded."""
        if self._opening is not None or self._row is None:
            return
        identity = self._row.id
        folder: Path = self.library.episode_folder(identity)
        self._opening = self.jobs.run(lambda *_: review(folder), name="open an episode")
        self._opening.on(
            done=lambda found: self._opened(identity, found, ""),
            failed=lambda error: self._opened(identity, None, str(error)),
            ended=lambda: self._open_ended(identity),
        )

    def _opened(self, identity: uuid.UUID, found: EpisodeReview | None, problem: str) -> None:
        if self._row is not None and self._row.id == identity:
            self.review, self.problem = found, problem
            self.opened.emit()

    def _open_ended(self, identity: uuid.UUID) -> None:
        self._opening = None
        if self._row is not None and self._row.id != identity:
            self._open()

    def cannot_play(self, error: KnownError) -> None:
        """Report that a video of the open episode is damaged."""
        self.problem = str(error)
        self.opened.emit()

    def _look_at_row(self) -> None:
        """Update from the open episode's row, which may have changed."""
        row = self.model.row(self.ranges[0][0]) if self.selected == 1 else None
        if row is not None and self._row is None:
            self.select(self.ranges)  # its page has arrived
        elif row is not None and self._row is not None and row.id == self._row.id and row != self._row:
            self._row = row
            self.row_changed.emit()

    def _said(self, episodes: list[uuid.UUID], moves: bool) -> None:
        if moves:
            self.model.ask(self.question, self.library.database)
        else:
            self.model.look_again(episodes)
        self._offer()

    def _offer(self) -> None:
        if self._offering is not None:
            self._offer_again = True
            return
        database = self.library.database

        def work(*_: object) -> Offers:
            found = choices(database)
            numbers = (count(database), count(database, EpisodeFilter(deleted=True)))
            return Offers(tuple(tasks(database)), found, tuple(calibration_choices(database)), *numbers)

        self._offer_again = False
        self._offering = self.jobs.run(work, name="choices").on(done=self._offered, ended=self._offer_ended)

    def _offered(self, offers: Offers) -> None:
        self.offers, self._known = offers, True

    def _offer_ended(self) -> None:
        self._offering = None
        if self._offer_again:
            self._offer()
        self.offers_changed.emit()
