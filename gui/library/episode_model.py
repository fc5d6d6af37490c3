"""Item model of the episodes: a hundred thousand rows, of which only the pages in view are fetched.

The first page of a query is shown as soon as it arrives. A second job then counts the rows and finds the keys at which
the pages begin (keyset pagination); from then on the scroll bar has its full length, and a page is fetched by its key
when it comes into view.
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
_MOST_PAGES = 100  # cached pages; 10,000 rows
_MOST_WANTED = 4  # pending pages still worth fetching while scrolling continues
_AHEAD = 25  # rows before a page's end at which the next one is prefetched
_COUNT_AFTER_MS = 200  # while typing, the search results come first
_NOWHERE = QModelIndex()
AnyIndex = QModelIndex | QPersistentModelIndex


class EpisodeModel(QAbstractTableModel):
    """Table model of one column; `row(number)` is an EpisodeRow, or None while its page is being fetched.

    `answered` is emitted when the rows of the newest query have arrived, `counted` when their number is known.
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

    # --- queries ---

    @property
    def busy(self) -> bool:
        """Whether a job is pending."""
        jobs = (self._answering, self._counting, self._fetching)
        return self._count_soon.isActive() or any(job is not None for job in jobs)

    @property
    def whole(self) -> bool:
        """Whether the row count is that of all episodes, not only of the first page."""
        return self._keys is not None

    def ask(self, question: ListQuery, database: Database | None = None) -> None:
        """Show the result of this query when it arrives; of several pending ones, only the newest is executed.

        A repeated query is answered together with its count, so that the scroll position can be kept.
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
            return  # superseded by a newer query
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
        """Keep to the first page when counting failed; the error is shown in the banner."""
        self._keys = PageKeys(self._count, ())

    def _count_ended(self) -> None:
        self._counting = None
        if not self.whole and self._count:
            self._count_soon.start()

    # --- rows ---

    def row(self, number: int) -> EpisodeRow | None:
        """Return the episode in this row; None while it is being fetched."""
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
        """Return the row of an episode, None when it is not loaded."""
        for at, rows in self._pages.items():
            for within, row in enumerate(rows):
                if row.id == identity:
                    return at * PAGE + within
        return None

    def identities(self, ranges: Sequence[tuple[int, int]]) -> Callable[[], list[uuid.UUID]]:
        """Return a function, for use in a job, that returns the episodes in ranges of rows (first, last).

        It also fetches pages that were never in view.
        """
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
        """Reload the rows of these edited episodes in place, even if they no longer match the query."""
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
        """Fetch the page requested last: the others may have been scrolled out of view."""
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
        if at < len(self._keys.keys):  # after deletions, the page extends into the next one
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
