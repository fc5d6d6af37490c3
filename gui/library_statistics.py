"""What there is: episodes, minutes and success of every task, and where the tool has been."""

import uuid
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from gui.jobs import Job, Jobs
from gui.library_presenter import LibraryPresenter
from gui.library_words import count
from gui.parts import column, label, row
from gui.theme import space
from gui.workspace_picture import WorkspacePicture
from storage.quality import CELL
from storage.statistics import TaskStatistics, per_task
from storage.workspace import visited_cells

_COLUMNS = ("Task", "Episodes", "Minutes", "Success", "Kept out")
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_MOST_TASKS = 200  # in the table; more is no overview

Found = tuple[list[TaskStatistics], tuple[np.ndarray, np.ndarray]]


class StatisticsPanel(QWidget):
    """Read by a job while it is in sight; a press on a task shows where its episodes went."""

    def __init__(self, presenter: LibraryPresenter, jobs: Jobs):
        super().__init__()
        self._presenter, self._jobs = presenter, jobs
        self._job: Job | None = None
        self._old = True
        self._task: uuid.UUID | None = None
        self.statistics: tuple[TaskStatistics, ...] = ()
        self.summary = label("", "heading", wrap=True, name="statistics summary")
        self.table = QTableWidget(0, len(_COLUMNS))
        self.table.setHorizontalHeaderLabels(_COLUMNS)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(space(1.6))
        self.table.setShowGrid(False)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setTabKeyNavigation(False)
        self.table.setAccessibleName("Tasks")
        header = self.table.horizontalHeader()
        # Fixed: to measure the contents anew with every item takes seconds.
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setDefaultSectionSize(space(5.6))
        header.resizeSection(_COLUMNS.index("Success"), space(8))
        for number in range(len(_COLUMNS)):
            title = self.table.horizontalHeaderItem(number)
            assert title is not None
            title.setTextAlignment(_RIGHT if number else _LEFT)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        self.workspace = WorkspacePicture(CELL)
        self.legend = label("", "muted", wrap=True, name="workspace legend")
        self.setLayout(column(self.summary, self.table, self.legend, row(self.workspace), gap=0.5))
        self.table.setMinimumHeight(space(7))
        self.table.itemSelectionChanged.connect(self._choose)
        presenter.offers_changed.connect(self._out_of_date)

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self._read()

    def _out_of_date(self) -> None:
        self._old = True
        self._read()

    def _read(self) -> None:
        if self._job is not None or not self._old or not self.isVisible():
            return
        self._old = False
        database, task = self._presenter.library.database, self._task
        work = lambda *_: (per_task(database), visited_cells(database, task))  # noqa: E731
        self._job = self._jobs.run(work, name="statistics").on(done=self._show, ended=self._ended)

    def _ended(self) -> None:
        self._job = None
        self._read()

    def _show(self, found: Found) -> None:
        tasks, cells = found
        if self.statistics != tuple(tasks):
            self.statistics = tuple(tasks)
            self._show_summary()
            self._show_table([each for each in tasks if each.episodes][:_MOST_TASKS])
        self.workspace.show_cells(*cells)
        litres = self.workspace.litres
        name = next((f"“{each.instruction}”" for each in tasks if each.id == self._task), "all tasks")
        self.legend.setText(
            f"Where the tool has been, {name}: {litres:.{1 if litres < 10 else 0}f} litres of the workspace. "
            "The stronger the colour, the more episodes passed there."
        )

    def _show_summary(self) -> None:
        seconds = sum(each.duration_s for each in self.statistics)
        judged = sum(each.judged for each in self.statistics)
        success = sum(each.successes for each in self.statistics)
        parts = [count(sum(each.episodes for each in self.statistics)), f"{seconds / 60:,.0f} minutes"]
        parts.append(count(sum(each.episodes > 0 for each in self.statistics), "task"))
        if judged:
            parts.append(f"{success / judged:.0%} successful")
        self.summary.setText("  ·  ".join(parts))

    def _show_table(self, tasks: Sequence[TaskStatistics]) -> None:
        blocked = self.table.blockSignals(True)
        self.table.setRowCount(len(tasks))
        for number, each in enumerate(tasks):
            share = f"{each.successes / each.judged:.0%} of {each.judged:,}" if each.judged else "not judged"
            words = (
                each.instruction,
                f"{each.episodes:,}",
                f"{each.duration_s / 60:,.1f}",
                share,
                f"{each.excluded:,}" if each.excluded else "",
            )
            for place, text in enumerate(words):
                item = QTableWidgetItem(text)
                item.setData(Qt.ItemDataRole.UserRole, each.id)
                if place:
                    item.setTextAlignment(_RIGHT)
                self.table.setItem(number, place, item)
        self.table.clearSelection()
        for number, each in enumerate(tasks):
            if each.id == self._task:
                self.table.selectRow(number)
        self.table.blockSignals(blocked)

    def _choose(self) -> None:
        chosen = self.table.selectedItems()
        task = chosen[0].data(Qt.ItemDataRole.UserRole) if chosen else None
        if task != self._task:
            self._task = task
            self._out_of_date()
