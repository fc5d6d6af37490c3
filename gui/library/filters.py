"""Filters of the list: text search, conditions including a range of days, and the sort order."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from PySide6.QtCore import QDate, Qt, Signal
from PySide6.QtGui import QIcon, QTextCharFormat
from PySide6.QtWidgets import (
    QCalendarWidget,
    QComboBox,
    QDateEdit,
    QGridLayout,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from foundation.clocks import utc_now
from gui.library import phrases
from gui.library.presenter import LibraryPresenter
from gui.widgets.basics import Button, column, label, row
from gui.widgets.theme import space
from storage.queries import Sort

_FORMAT = "d MMM yyyy"
_AT_FIRST = 30  # days


class DayRange(QWidget):
    """Range of days, both inclusive; `changed` is emitted when it is edited."""

    changed = Signal()

    def __init__(self):
        super().__init__()
        today = utc_now().astimezone().date()
        self.first = _day("Recorded from", today - timedelta(days=_AT_FIRST))
        self.last = _day("Recorded to", today)
        parts = row(*(column(label(words, "small"), day, gap=0.05) for words, day in self._named), gap=0.4)
        parts.setContentsMargins(0, 0, 0, 0)
        self.setLayout(parts)
        self.first.dateChanged.connect(lambda _: self._chosen(self.first, self.last))
        self.last.dateChanged.connect(lambda _: self._chosen(self.last, self.first))

    @property
    def _named(self) -> tuple[tuple[str, QDateEdit], tuple[str, QDateEdit]]:
        return ("From", self.first), ("To", self.last)

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """From midnight before the first day to midnight after the last, in local time."""
        begin, end = (datetime.combine(_date(day), time()) for day in (self.first, self.last))
        return begin.astimezone(), (end + timedelta(days=1)).astimezone()

    def _chosen(self, changed: QDateEdit, other: QDateEdit) -> None:
        """Keep the range valid: when it would be reversed, the other end is moved too."""
        if self.first.date() > self.last.date():
            blocked = other.blockSignals(True)
            other.setDate(changed.date())
            other.blockSignals(blocked)
        self.changed.emit()


def _day(words: str, day: date) -> QDateEdit:
    edit = QDateEdit(QDate(day.year, day.month, day.day))
    edit.setDisplayFormat(_FORMAT)
    edit.setCalendarPopup(True)
    _dress(edit.calendarWidget())
    edit.setKeyboardTracking(False)  # a partly typed year is no date
    edit.setAccessibleName(words)
    edit.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    edit.setMinimumWidth(space(6))
    return edit


def _dress(calendar: QCalendarWidget) -> None:
    """Style a calendar like the rest of the window, in light and dark."""
    calendar.setVerticalHeaderFormat(QCalendarWidget.VerticalHeaderFormat.NoVerticalHeader)
    calendar.setHorizontalHeaderFormat(QCalendarWidget.HorizontalHeaderFormat.SingleLetterDayNames)
    for day in (Qt.DayOfWeek.Saturday, Qt.DayOfWeek.Sunday):
        calendar.setWeekdayTextFormat(day, QTextCharFormat())
    for name, sign in (("prev", "‹"), ("next", "›")):
        button = calendar.findChild(QToolButton, f"qt_calendar_{name}month")
        if button is not None:
            button.setIcon(QIcon())
            button.setText(sign)


def _date(edit: QDateEdit) -> date:
    day = edit.date()
    return date(day.year(), day.month(), day.day())


_ORDERS: tuple[tuple[str, Sort, bool], ...] = (
    ("Newest first", Sort.RECORDED, True),
    ("Oldest first", Sort.RECORDED, False),
    ("Task, A to Z", Sort.INSTRUCTION, False),
    ("Longest first", Sort.DURATION, True),
    ("Shortest first", Sort.DURATION, False),
    ("Worst quality first", Sort.QUALITY, True),
    ("Operator, A to Z", Sort.OPERATOR, False),
    ("Largest first", Sort.SIZE, True),
)
_DAYS = (("Today", 0), ("Last 7 days", 6), ("Last 30 days", 29), ("Last year", 364))
_CHOSEN_DAYS = "chosen days"

Offer = tuple[str, Any]


class FilterBar(QWidget):
    """The search line, the sort order, and below them the conditions, while unfolded."""

    def __init__(self, presenter: LibraryPresenter):
        super().__init__()
        self._presenter = presenter
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search task, note, tag, operator")
        self.search.setAccessibleName("Search episodes")
        self.search.setClearButtonEnabled(True)
        self.search.setMaxLength(200)
        self.order = QComboBox()
        self.order.setAccessibleName("Order")
        for name, sort, descending in _ORDERS:
            self.order.addItem(name, (sort, descending))
        self.toggle = Button("Filter", "quiet", icon_name="filter", tip="Choose which episodes are listed")
        self.toggle.setCheckable(True)
        self.clear = Button("Show all", "quiet", on=self._clear, tip="Take every condition and word back")
        self.conditions = _Conditions(presenter)
        self.conditions.hide()
        top = row(self.search, self.toggle, gap=0.3)
        top.setStretch(0, 1)
        self.setLayout(column(top, self.conditions, row(self.order, None, self.clear, gap=0.3), gap=0.3))
        self._clearing = False
        self.search.textChanged.connect(lambda text: None if self._clearing else presenter.search(text))
        self.order.currentIndexChanged.connect(lambda: presenter.sort(*self.order.currentData()))
        self.toggle.toggled.connect(self.conditions.setVisible)
        presenter.offers_changed.connect(self.conditions.show_offers)
        presenter.listed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the number of active conditions."""
        number = self.conditions.number
        self.toggle.setText(f"Filter ({number})" if number else "Filter")
        self.clear.setVisible(bool(number or self.search.text()))

    def _clear(self) -> None:
        self._clearing = True
        self.search.clear()
        self._clearing = False
        self.conditions.clear()
        self._presenter.show_all()
        self.refresh()


class _Conditions(QWidget):
    """One combo box per condition; its first entry is "all"."""

    changed = Signal()

    def __init__(self, presenter: LibraryPresenter):
        super().__init__()
        self._presenter = presenter
        self.choices: dict[str, QComboBox] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(space(0.4))
        grid.setVerticalSpacing(space(0.25))
        for i, (name, words) in enumerate(_NAMES.items()):
            choice = QComboBox()
            choice.setObjectName(f"filter {name}")
            choice.setAccessibleName(words)
            choice.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            choice.setMinimumWidth(space(6))
            choice.currentIndexChanged.connect(lambda _, name=name: self._choose(name))
            self.choices[name] = choice
            title = label(words, "small")
            grid.addLayout(column(title, choice, gap=0.05), i // 2, i % 2)
        self.days = DayRange()
        self.days.hide()
        self.days.changed.connect(lambda: self._choose("recorded"))
        grid.addWidget(self.days, (len(_NAMES) + 1) // 2, 0, 1, 2)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        self.show_offers()

    @property
    def number(self) -> int:
        """Number of active conditions."""
        return sum(choice.currentIndex() > 0 for choice in self.choices.values())

    def show_offers(self) -> None:
        """Set the available values of each condition; the selected one is kept where possible."""
        for name, choice in self.choices.items():
            offers = _OFFERS[name](self._presenter)
            if [(choice.itemText(i), choice.itemData(i)) for i in range(1, choice.count())] == offers:
                continue
            chosen = choice.currentData()
            blocked = choice.blockSignals(True)
            choice.clear()
            choice.addItem("All", None)
            for words, value in offers:
                choice.addItem(words, value)
                choice.setItemData(choice.count() - 1, words, Qt.ItemDataRole.ToolTipRole)
            choice.setCurrentIndex(next((i for i in range(choice.count()) if choice.itemData(i) == chosen), 0))
            choice.blockSignals(blocked)

    def clear(self) -> None:
        for choice in self.choices.values():
            blocked = choice.blockSignals(True)
            choice.setCurrentIndex(0)
            choice.blockSignals(blocked)
        self.days.hide()

    def _choose(self, name: str) -> None:
        value = self.choices[name].currentData()
        if name == "recorded":
            self.days.setVisible(value == _CHOSEN_DAYS)
            since, until = self.days.moments if value == _CHOSEN_DAYS else (_since(value), None)
            self._presenter.narrow(since=since, until=until)
        elif name == "quality":
            low, check = value if value is not None else (None, None)
            self._presenter.narrow(quality=low, finding=check)
        else:
            self._presenter.narrow(**{name: value})


def _since(days: int | None) -> datetime | None:
    """Return local midnight, `days` days ago."""
    if days is None:
        return None
    today = utc_now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days)


def _tasks(presenter: LibraryPresenter) -> Sequence[Offer]:
    return [(task.instruction, task.id) for task in presenter.offers.tasks]


def _calibrations(presenter: LibraryPresenter) -> Sequence[Offer]:
    return [
        (f"{each.camera}, {each.made_at.astimezone():%d %b %Y %H:%M} ({each.kind})", each.id)
        for each in presenter.offers.calibrations
    ]


def _qualities(presenter: LibraryPresenter) -> Sequence[Offer]:
    """Return upper bounds for the quality level, and the single findings."""
    findings = presenter.offers.names.get("finding", [])
    return [
        ("Good only", (0, None)),
        ("Good, or a notice", (1, None)),
        *((f"Found: {name}", (None, name)) for name in findings),
    ]


def _named(key: str, words: Callable[[str], str] = str) -> Callable[[LibraryPresenter], Sequence[Offer]]:
    return lambda presenter: [(words(name), name) for name in presenter.offers.names.get(key, [])]


_NAMES = {
    "task": "Task",
    "success": "Result",
    "recorded": "Recorded",
    "operator": "Operator",
    "source": "Taught by",
    "tag": "Tag",
    "quality": "Quality",
    "calibration": "Calibration",
    "excluded": "Training",
    "simulated": "Where",
}
_OFFERS: dict[str, Callable[[LibraryPresenter], Sequence[Offer]]] = {
    "task": _tasks,
    "success": lambda _: [("Success", "success"), ("Failure", "failure"), ("Not judged", "unknown")],
    "recorded": lambda _: [*_DAYS, ("From … to …", _CHOSEN_DAYS)],
    "operator": _named("operator"),
    "source": _named("source", phrases.source),
    "tag": _named("tag"),
    "quality": _qualities,
    "calibration": _calibrations,
    "excluded": lambda _: [("Used for training", False), ("Kept out", True)],
    "simulated": lambda _: [("Simulated lab", True), ("Real arm", False)],
}
