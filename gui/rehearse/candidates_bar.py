"""Selection of one of several candidate motions for an instruction, or all of them side by side."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QWidget

from gui.widgets.basics import Button, label, row
from robot.planning.findings import Level
from workflows.rehearsal.facts import Candidate


class CandidatesBar(QWidget):
    """Row of candidate buttons.

    `chosen` carries a candidate's number from 0; `compared`: all are requested side by side.
    """

    chosen = Signal(int)
    compared = Signal(bool)

    def __init__(self):
        super().__init__()
        self.words = label("", "muted")
        self.compare = Button("Side by side", "quiet", tip="All candidates at once, as one camera sees them")
        self.compare.setCheckable(True)
        self.compare.toggled.connect(self.compared)
        self.buttons: tuple[Button, ...] = ()
        self._group = QButtonGroup(self)
        self._group.idClicked.connect(self.chosen)
        self._row = row(self.words, gap=0.25)
        self._row.addStretch(1)
        self._row.addWidget(self.compare)
        self.setLayout(self._row)
        self._candidates: tuple[Candidate, ...] = ()
        self.hide()

    def show_candidates(self, candidates: Sequence[Candidate], shown: str) -> None:
        """Show the candidates; `shown` is the id of the one on display."""
        candidates = tuple(candidates)
        if candidates != self._candidates:
            self._candidates = candidates
            self._make_buttons()
        for button, candidate in zip(self.buttons, candidates, strict=True):
            button.setChecked(candidate.proposal.id == shown)
        self.setVisible(len(candidates) > 1)

    def _make_buttons(self) -> None:
        for button in self.buttons:
            self._group.removeButton(button)
            self._row.removeWidget(button)
            button.deleteLater()
        made = []
        for number, candidate in enumerate(self._candidates):
            button = Button(name_of(number, candidate), tip=said(candidate))
            button.setCheckable(True)
            button.setAccessibleName(f"Candidate {number + 1}. {said(candidate)}")
            self._group.addButton(button, number)
            self._row.insertWidget(1 + number, button)
            made.append(button)
        self.buttons = tuple(made)
        good = sum(candidate.plan.executable for candidate in self._candidates)
        self.words.setText(f"{good} of {len(made)} can be done:")
        self.compare.setChecked(False)


def name_of(number: int, candidate: Candidate) -> str:
    """Return the button's label, such as "1  87 %" or "2  refused"."""
    made = candidate.proposal.made_by
    if not candidate.plan.executable:
        return f"{number + 1}  refused"
    return f"{number + 1}" if made is None else f"{number + 1}  {100 * made.score:.0f} %"


def said(candidate: Candidate) -> str:
    """Return the reasons for a candidate's rank: refusal or warnings, seed and doubts."""
    made, plan = candidate.proposal.made_by, candidate.plan
    refusals = [finding.sentence for finding in plan.findings if finding.level is Level.REFUSAL]
    warnings = sum(finding.level is Level.WARNING for finding in plan.findings)
    parts = [refusals[0]] if refusals else ["It can be done."]
    if warnings and not refusals:
        parts.append(f"{warnings} {'warning' if warnings == 1 else 'warnings'}.")
    if made is not None:
        parts.append(f"Seed {made.seed}." if not made.doubt else f"Seed {made.seed}; {made.doubt}.")
    return " ".join(parts)
