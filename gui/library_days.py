"""From one day to another, chosen from calendars."""

from datetime import date, datetime, time, timedelta

from PySide6.QtCore import QDate, Qt, Signal
from PySide6.QtGui import QIcon, QTextCharFormat
from PySide6.QtWidgets import QCalendarWidget, QDateEdit, QSizePolicy, QToolButton, QWidget

from foundation.clocks import utc_now
from gui.parts import column, label, row
from gui.theme import space

_FORMAT = "d MMM yyyy"
_AT_FIRST = 30  # days


class DayRange(QWidget):
    """Both days belong to it; `changed` comes when another one is chosen."""

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
        """From the midnight before the first day to the one after the last, here."""
        begin, end = (datetime.combine(_date(day), time()) for day in (self.first, self.last))
        return begin.astimezone(), (end + timedelta(days=1)).astimezone()

    def _chosen(self, changed: QDateEdit, other: QDateEdit) -> None:
        """A range is never the wrong way round: the other end goes along."""
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
    edit.setKeyboardTracking(False)  # a year that is half typed is no year
    edit.setAccessibleName(words)
    edit.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    edit.setMinimumWidth(space(6))
    return edit


def _dress(calendar: QCalendarWidget) -> None:
    """As plain as the rest of the window, in light and dark."""
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
