"""Statistics of the library: episodes, minutes and success rate of every task; heat map of the tool's positions."""

import uuid
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableWidget, QTableWidgetItem, QWidget

from gui.library.phrases import count
from gui.library.presenter import LibraryPresenter
from gui.runtime.jobs import Job, Jobs
from gui.widgets.basics import column, label, row
from gui.widgets.theme import Colours, colours, em, space
from storage.episodes.quality import CELL
from storage.statistics import TaskStatistics, per_task
from storage.workspace_coverage import visited_cells

_LOW, _HIGH = np.array([-0.35, -0.75, -0.05]), np.array([0.85, 0.75, 0.95])  # m: reach of the xArm7 on a bench
_FAINTEST = 0.25  # opacity of a cell visited once


class WorkspaceHeatmap(QWidget):
    """Heat map of the tool's positions, from above and from the side; the more episodes visited a cell, the stronger.

    `show_cells` takes `storage.workspace_coverage.visited_cells`; `cell` is the cells' edge in m.
    """

    def __init__(self, cell: float):
        super().__init__()
        self._cell = cell
        self._cells, self._numbers = np.zeros((0, 3), int), np.zeros(0, int)
        self.setMinimumHeight(round(9 * em()))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Where the tool has been")

    def sizeHint(self) -> QSize:
        return QSize(480, 260)

    @property
    def litres(self) -> float:
        """Volume of the visited cells in litres."""
        return 1000.0 * self._cell**3 * len(self._cells)

    def show_cells(self, cells: np.ndarray, numbers: np.ndarray) -> None:
        """Show cells (n, 3), and the number of episodes (n,) that visited each."""
        self._cells, self._numbers = cells, numbers
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        c, half = colours(), self.width() / 2
        # x is ahead of the arm: up in the plan, to the right in the elevation.
        self._draw(painter, QRectF(0, 0, half - em(), self.height()), c, "From above", (1, 0), (-1, 1))
        self._draw(painter, QRectF(half, 0, half, self.height()), c, "From the side", (0, 2), (1, 1))
        painter.end()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()

    def _draw(
        self,
        painter: QPainter,
        room: QRectF,
        c: Colours,
        title: str,
        axes: tuple[int, int],
        signs: tuple[int, int],
    ) -> None:
        """Draw a projection along the third axis; `axes` point right and up, `signs` -1 reverses one."""
        painter.setPen(c.q("muted"))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, title)
        room = room.adjusted(0, 1.3 * em(), 0, 0)
        low, high = _LOW[list(axes)], _HIGH[list(axes)]
        scale = min(room.width() / (high - low)[0], room.height() / (high - low)[1])
        size = scale * (high - low)
        frame = QRectF(room.left(), room.top(), float(size[0]), float(size[1]))
        painter.fillRect(frame, c.q("sunken"))
        places, numbers = projected(self._cells, self._numbers, axes)
        most = max(int(numbers.max(initial=0)), 1)
        painter.setClipRect(frame)
        for place, number in zip(places, numbers, strict=True):
            corner = self._cell * place
            left = corner[0] - low[0] if signs[0] > 0 else high[0] - corner[0] - self._cell
            top = high[1] - corner[1] - self._cell
            colour = c.q("accent")
            colour.setAlphaF(_FAINTEST + (1 - _FAINTEST) * float(np.log1p(number) / np.log1p(most)))
            painter.fillRect(
                QRectF(frame.left() + scale * left, frame.top() + scale * top, scale * self._cell, scale * self._cell),
                colour,
            )
        self._draw_base(painter, frame, c, scale, low, high, signs)
        painter.setClipping(False)

    @staticmethod
    def _draw_base(painter: QPainter, frame: QRectF, c: Colours, scale: float, low, high, signs) -> None:
        """Draw the arm's base at the origin."""
        x = frame.left() + scale * (-low[0] if signs[0] > 0 else high[0])
        y = frame.top() + scale * high[1]
        painter.setPen(QPen(c.q("text"), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QPointF(x, y), 0.06 * scale, 0.06 * scale)
        painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y)) if signs[0] > 0 else None


def projected(cells: np.ndarray, numbers: np.ndarray, axes: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Project cells (n, 3) along the third axis: the squares (m, 2) with the maximum number over each column (m,)."""
    if not len(cells):
        return np.zeros((0, 2), int), np.zeros(0, int)
    places, which = np.unique(cells[:, list(axes)], axis=0, return_inverse=True)
    most = np.zeros(len(places), int)
    np.maximum.at(most, which.reshape(-1), numbers)
    return places, most


_COLUMNS = ("Task", "Episodes", "Minutes", "Success", "Kept out")
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_MOST_TASKS = 200  # in the table; more would be no overview

Found = tuple[list[TaskStatistics], tuple[np.ndarray, np.ndarray]]


class StatisticsPanel(QWidget):
    """Loaded in a job while visible; selecting a task shows the heat map of its episodes."""

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
        # Fixed: measuring the contents again with every item takes seconds.
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setDefaultSectionSize(space(5.6))
        header.resizeSection(_COLUMNS.index("Success"), space(8))
        for number in range(len(_COLUMNS)):
            title = self.table.horizontalHeaderItem(number)
            assert title is not None
            title.setTextAlignment(_RIGHT if number else _LEFT)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        self.workspace = WorkspaceHeatmap(CELL)
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
