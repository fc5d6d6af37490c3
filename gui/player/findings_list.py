"""List of the findings about a plan, one sentence each; a click on one shows the frame it refers to."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from gui.widgets.basics import Button, IconLabel, column, label, row, scrolled
from gui.widgets.theme import space
from robot.planning.findings import Finding, Level

LOOKS = {
    Level.REFUSAL: ("cross", "danger", "Refused"),
    Level.WARNING: ("warning", "warning", "Take care"),
    Level.NOTE: ("info", "accent", "Good to know"),
}
_ORDER = tuple(LOOKS)


class FindingRow(QFrame):
    """One finding; a click anywhere in it, or on its button, emits its frame as `asked`."""

    asked = Signal(int)

    def __init__(self, finding: Finding, at: str):
        super().__init__()
        self.finding = finding
        icon, colour, word = LOOKS[finding.level]
        sentence = label(finding.sentence, wrap=True)
        sentence.setAccessibleName(f"{word}: {finding.sentence}")
        mark = IconLabel(icon, colour)
        mark.setToolTip(word)
        self.button: Button | None = None
        parts: list[QWidget] = [mark, sentence]
        if finding.frame is not None:
            self.button = Button(at, "quiet", tip="Show this moment", on=self._ask)
            parts.append(self.button)
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        layout = row(*parts)
        layout.setStretch(1, 1)
        self.setLayout(layout)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        self._ask()

    def _ask(self) -> None:
        if self.finding.frame is not None:
            self.asked.emit(self.finding.frame)


class FindingsList(QWidget):
    """Findings sorted by severity. `asked` carries the frame to be shown."""

    asked = Signal(int)

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.rows: tuple[FindingRow, ...] = ()
        self._summary = label("", "heading", name="findings summary")
        self._list = QVBoxLayout()
        self._list.setContentsMargins(0, 0, space(0.3), 0)
        self._list.setSpacing(space(0.3))
        scroll = scrolled(column(self._list, None))
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setLayout(column(self._summary, scroll, gap=0.4))

    def show_findings(self, findings: Sequence[Finding], moments: Sequence[float]) -> None:
        """Show the findings; `moments` (T,) s are the times of the plan's frames."""
        self._clear()
        ordered = sorted(findings, key=lambda each: (_ORDER.index(each.level), each.frame or 0))
        rows = []
        for finding in ordered:
            frame = finding.frame
            at = "" if frame is None or frame >= len(moments) else f"{moments[frame] - moments[0]:.1f} s"
            made = FindingRow(finding, at)
            made.asked.connect(self.asked)
            self._list.addWidget(made)
            rows.append(made)
        self.rows = tuple(rows)
        self._summary.setText(summary(findings))
        if not findings:
            self._say("check", "success", "Reach, joint limits, collisions, workspace and speed were checked.")

    def show_words(self, heading: str, words: str) -> None:
        """Show a heading and a text while there is no plan."""
        self._clear()
        self._summary.setText(heading)
        if words:
            self._list.addWidget(label(words, "muted", wrap=True))

    def _clear(self) -> None:
        self.rows = ()
        while (item := self._list.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()

    def _say(self, icon: str, colour: str, words: str) -> None:
        line = QWidget()
        layout = row(IconLabel(icon, colour), label(words, "muted", wrap=True))
        layout.setStretch(1, 1)
        line.setLayout(layout)
        self._list.addWidget(line)


def summary(findings: Sequence[Finding]) -> str:
    """Return a one-line summary of the findings."""
    refused = sum(each.level is Level.REFUSAL for each in findings)
    careful = sum(each.level is Level.WARNING for each in findings)
    if refused:
        return f"Cannot be done: {_count(refused, 'reason')}"
    if careful:
        return f"Can be done, with {_count(careful, 'warning')}"
    return "No objections"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
