"""The episodes as a model for a list: a hundred thousand rows, of which only the pages looked at are ever fetched.

A question's first page is shown as soon as it is there. Then a second job counts, and finds the keys at which the pages
begin; from then on the scroll bar knows the whole length, and any page is fetched by its key when it comes into view.
"""

import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer, Signal

from gui.library.list_query import ListQuery
from gui.runtime.jobs import Job, Jobs
from storage.database.database import Database
from storage.page_keys import PageKeys, page_keys
from storage.queries import EpisodeRow, Page, episode, page

PAGE = 100  # rows
_MOST_PAGES = 100  # kept; 10,000 rows
_MOST_WANTED = 4  # pages that are still worth fetching when somebody scrolls on
_AHEAD = 25  # rows from a page's end at which the next one is fetched
_COUNT_AFTER_MS = 200  # while somebody types, what they look for comes first
_NOWHERE = QModelIndex()
AnyIndex = QModelIndex | QPersistentModelIndex


class EpisodeModel(QAbstractTableModel):
    """One column; `row(number)` is an EpisodeRow, or None while its page is on its way.

    `answered` comes when the rows of the newest question are there, `counted` when their number is known.
    """

    answered = Signal()
    counted = Signal(int)

    def __init__(self, jobs: Jobs, parent: QObject | None = None):
        super().__init__(parent)
        self._jobs = jobs
        self._database: Database | None = None
        self._asked, self.question = ListQuery(), ListQuery()
        self._pages: OrderedDict[int, tuple[EpisodeRow, ...]] = OrderedDict()
        self._keys: PageKeys | None = None
        self._count = 0
        self._wanted: list[int] = []
        self._count_soon = QTimer(self, interval=_COUNT_AFTER_MS, singleShot=True)
        self._count_soon.timeout.connect(self._begin_counting)
        self._answering: Job | None = None
        self._counting: Job | None = None
        self._fetching: Job | None = None

    # --- asking ---

    @property
    def busy(self) -> bool:
        """Whether something is still on its way."""
        jobs = (self._answering, self._counting, self._fetching)
        return self._count_soon.isActive() or any(job is not None for job in jobs)

    @property
    def whole(self) -> bool:
        """Whether the number of rows is the number of episodes, and not of the first page alone."""
        return self._keys is not None

    def ask(self, question: ListQuery, database: Database | None = None) -> None:
        """Show the answer to this question as soon as it is there; of several that wait, the newest counts.

        The same question as before is answered in one piece, so that whoever is far down in the list stays there.
        """
        self._database = database or self._database
        self._asked = replace(question)
        if self._answering is None and self._database is not None:
            self._answer(self._database)

    def _answer(self, database: Database) -> None:
        q, again = self._asked, self._count > 0 and self._asked == self.question

        def work(*_: object) -> tuple[Page, PageKeys | None]:
            found = page(database, q.which, sort=q.sort, descending=q.descending, limit=PAGE)
            if found.next is None:
                return found, PageKeys(len(found.rows), ())
            return found, page_keys(
                database, q.which, sort=q.sort, descending=q.descending, rows=PAGE
            ) if again else None

        self._answering = self._jobs.run(work, name="search")
        self._answering.on(done=lambda found: self._answered(q, *found), ended=lambda: self._answer_ended(q))

    def _answered(self, question: ListQuery, found: Page, keys: PageKeys | None) -> None:
        if question is not self._asked:
            return  # somebody has typed on
        self.beginResetModel()
        self.question, self._keys, self._wanted = question, keys, []
        self._pages = OrderedDict({0: found.rows})
        self._count = len(found.rows) if keys is None else keys.count
        self.endResetModel()
        self.answered.emit()
        if keys is not None:
            self.counted.emit(self._count)
        else:
            self._count_soon.start()

    def _answer_ended(self, question: ListQuery) -> None:
        self._answering = None
        if question is not self._asked and self._database is not None:
            self._answer(self._database)

    # --- counting ---

    def _begin_counting(self) -> None:
        database, q = self._database, self.question
        if database is None or self.whole or self._counting is not None:
            return
        self._counting = self._jobs.run(
            lambda *_: page_keys(database, q.which, sort=q.sort, descending=q.descending, rows=PAGE), name="count"
        )
        self._counting.on(done=lambda keys: self._counted(q, keys), ended=self._count_ended)
        self._counting.failed.connect(lambda _: self._not_counted())

    def _counted(self, question: ListQuery, keys: PageKeys) -> None:
        if question is not self.question:
            return
        self._keys = keys
        if keys.count > self._count:
            self.beginInsertRows(_NOWHERE, self._count, keys.count - 1)
            self._count = keys.count
            self.endInsertRows()
        elif keys.count < self._count:
            self.beginRemoveRows(_NOWHERE, keys.count, self._count - 1)
            self._count = keys.count
            self.endRemoveRows()
        self.counted.emit(self._count)

    def _not_counted(self) -> None:
        """The first page is all there is to see; why is said in the banner."""
        self._keys = PageKeys(self._count, ())

    def _count_ended(self) -> None:
        self._counting = None
        if not self.whole and self._count:
            self._count_soon.start()

    # --- rows ---

    def row(self, number: int) -> EpisodeRow | None:
        """The episode in this row; None while it is being fetched."""
        at, within = divmod(number, PAGE)
        if within < _AHEAD and at > 0:
            self._want(at - 1)
        elif within >= PAGE - _AHEAD:
            self._want(at + 1)
        rows = self._pages.get(at)
        if rows is None:
            self._want(at)
            return None
        self._pages.move_to_end(at)
        return rows[within] if within < len(rows) else None

    def find(self, identity: uuid.UUID) -> int | None:
        """In which row an episode stands, as far as that is known."""
        for at, rows in self._pages.items():
            for within, row in enumerate(rows):
                if row.id == identity:
                    return at * PAGE + within
        return None

    def identities(self, ranges: Sequence[tuple[int, int]]) -> Callable[[], list[uuid.UUID]]:
        """A function for a job that gives the episodes of these rows (first and last of each stretch), also of those
        that were never in sight."""
        database, q, keys, pages = self._database, self.question, self._keys, dict(self._pages)

        def rows_of(at: int) -> tuple[EpisodeRow, ...]:
            if at in pages or database is None:
                return pages.get(at, ())
            after = keys.keys[at - 1] if keys is not None and at else None
            pages[at] = page(database, q.which, sort=q.sort, descending=q.descending, after=after, limit=PAGE).rows
            return pages[at]

        def find() -> list[uuid.UUID]:
            found = []
            for first, last in ranges:
                for at in range(first // PAGE, last // PAGE + 1):
                    rows = rows_of(at)
                    found += [row.id for row in rows[max(first - at * PAGE, 0) : last + 1 - at * PAGE]]
            return list(dict.fromkeys(found))

        return find

    def look_again(self, episodes: Iterable[uuid.UUID]) -> None:
        """Something was said about these episodes: show it where they stand, whether or not the question still fits."""
        database, shown = self._database, [each for each in episodes if self.find(each) is not None]
        if database is not None and shown:
            job = self._jobs.run(lambda *_: [episode(database, each) for each in shown[:PAGE]], name="look again")
            job.on(done=self._take_rows)

    def _take_rows(self, found: list[EpisodeRow]) -> None:
        for row in found:
            number = self.find(row.id)
            if number is not None:
                at, within = divmod(number, PAGE)
                rows = self._pages[at]
                self._pages[at] = (*rows[:within], row, *rows[within + 1 :])
                self.dataChanged.emit(self.index(number, 0), self.index(number, 0))

    def _want(self, at: int) -> None:
        if at in self._pages or self._keys is None or at * PAGE >= self._count:
            return
        if at in self._wanted:
            self._wanted.remove(at)
        self._wanted = [*self._wanted, at][-_MOST_WANTED:]
        if self._fetching is None:
            self._fetch()

    def _fetch(self) -> None:
        """The page wanted last: the others may have gone out of view."""
        at, q, database, keys = self._wanted.pop(), self.question, self._database, self._keys
        assert database is not None and keys is not None
        after = keys.keys[at - 1] if at else None
        job = self._jobs.run(
            lambda *_: page(database, q.which, sort=q.sort, descending=q.descending, after=after, limit=PAGE),
            name="page",
        )
        self._fetching = job.on(done=lambda found: self._fetched(q, at, found), ended=self._fetch_ended)

    def _fetched(self, question: ListQuery, at: int, found: Page) -> None:
        if question is not self.question or self._keys is None:
            return
        rows = found.rows
        if at < len(self._keys.keys):  # when rows have gone, the page reaches into the next one
            end = next((i + 1 for i, row in enumerate(rows) if row.id == self._keys.keys[at][1]), len(rows))
            rows = rows[:end]
        self._pages[at] = rows
        while len(self._pages) > _MOST_PAGES:
            self._pages.popitem(last=False)
        last = min((at + 1) * PAGE, self._count) - 1
        self.dataChanged.emit(self.index(at * PAGE, 0), self.index(last, 0))

    def _fetch_ended(self) -> None:
        self._fetching = None
        if self._wanted and self._keys is not None:
            self._fetch()

    # --- Qt ---

    def rowCount(self, parent: AnyIndex = _NOWHERE) -> int:
        return 0 if parent.isValid() else self._count

    def columnCount(self, parent: AnyIndex = _NOWHERE) -> int:
        return 0 if parent.isValid() else 1

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole) or not index.isValid():
            return None
        row = self.row(index.row())
        return "" if row is None else f"{row.instruction}, {row.recorded_at.astimezone():%d %b %Y %H:%M}"
