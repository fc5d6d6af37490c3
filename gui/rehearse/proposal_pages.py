"""Pages of a rehearsal up to the approval: ask, wait, decide."""

from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QProgressBar, QSizePolicy, QWidget

from gui.rehearse import phrases
from gui.rehearse.candidates_bar import CandidatesBar
from gui.rehearse.presenter import RehearsePresenter
from gui.rehearse.press_column import PressColumn
from gui.widgets.basics import Button, column, label, row
from gui.widgets.facts import Facts, Note
from gui.widgets.theme import space

REASONS = ("It takes the wrong thing", "It goes the wrong way", "It comes too close to something", "It looks unsafe")
_SUGGESTIONS = 4


class AskPage(QWidget):
    """Page before the first request, or after an error."""

    def __init__(self, presenter: RehearsePresenter, choose, draw):
        super().__init__()
        self._presenter, self._choose = presenter, choose
        self.draw = Button("Draw the motion yourself…", "quiet", icon_name="plus", on=draw)
        self.draw.setToolTip("Click into the pictures where the tool should go, and see what would happen")
        self.problem = Note()
        self.words = label("", "muted", wrap=True)
        self.suggestions: tuple[Button, ...] = ()
        self._grid = QGridLayout()
        self._grid.setSpacing(space(0.35))
        self.setLayout(
            column(
                label("What should the arm do?", "heading"),
                self.problem,
                self.words,
                self._grid,
                row(self.draw, None),
                None,
            )
        )

    def refresh(self) -> None:
        presenter = self._presenter
        self.problem.show_words(presenter.problem)
        self.words.setText(phrases.ask_words(presenter))
        self.draw.setEnabled(presenter.can_ask)
        offered = presenter.suggestions[:_SUGGESTIONS]
        if tuple(button.text() for button in self.suggestions) == offered:
            return
        for button in self.suggestions:
            self._grid.removeWidget(button)
            button.deleteLater()
        self.suggestions = tuple(self._suggestion(text) for text in offered)
        for i, button in enumerate(self.suggestions):
            self._grid.addWidget(button, i // 2, i % 2)

    def _suggestion(self, text: str) -> Button:
        button = Button(text, tip="Put this into the line above", on=lambda: self._choose(text))
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        return button


class WorkingPage(QWidget):
    """Page shown while the motion is generated."""

    def __init__(self, presenter: RehearsePresenter):
        super().__init__()
        self._presenter = presenter
        self.words, self.bar = label("", "muted", wrap=True), QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.cancel = Button("Cancel", icon_name="cross", on=presenter.cancel)
        heading = label("Working it out. The arm does not move.", "heading", wrap=True)
        self.setLayout(column(heading, self.words, self.bar, row(None, self.cancel), None))

    def refresh(self) -> None:
        words, share = self._presenter.progress
        self.words.setText(f"{words}\n{phrases.elapsed_words(self._presenter)}")
        self.bar.setValue(round(1000 * share))


class DecidePage(QWidget):
    """Page for the decision: the motion can be watched, then approved or rejected."""

    def __init__(self, presenter: RehearsePresenter, presses: PressColumn):
        super().__init__()
        self._presenter, self._presses = presenter, presses
        self.heading, self.problem, self.facts = label("", "heading", wrap=True), Note(), Facts()
        self.candidates = CandidatesBar()
        self.cover = QCheckBox("")
        self.cover.setToolTip(
            "Each further part is worked out from a new look and run without another press, as long as the tool stays "
            "in the box that is drawn in 3-D. Stop ends that, as it ends everything"
        )
        self.approve, self.confirm = presses.approve, presses.confirm
        self.approve.taken.connect(self._approve)
        self.confirm.taken.connect(self._reject)
        self.reject = Button("Reject…", "danger", icon_name="cross", on=lambda: self._show_reasons(True))
        self.reject.setToolTip("Do not do this, and say why if you like")
        self.again = Button("Show me another", icon_name="refresh", on=presenter.ask_again)
        self.again.setToolTip("Drop this motion and work it out once more from the present pictures")
        self.reason = QComboBox()
        self.reason.setEditable(True)
        self.reason.addItems(["", *REASONS])
        self.reason.setAccessibleName("Reason for rejecting")
        line_edit = self.reason.lineEdit()
        if line_edit is not None:
            line_edit.setPlaceholderText("Why not? (you may leave this empty)")
        self.keep = Button("Back", "quiet", on=lambda: self._show_reasons(False))
        self._decide, self._reasons = QWidget(), QWidget()
        self._decide.setLayout(row(self.reject, self.again, None))
        reasons = row(self.reason, self.keep)
        reasons.setStretch(0, 1)
        self._reasons.setLayout(reasons)
        self._reasons.hide()
        self.adjust = Button("Adjust…", "quiet", tip="Move a waypoint, by the mouse in 3-D or by numbers")
        self.imagine = Button("Imagine it", "quiet", on=presenter.what_if)
        self.imagine.setToolTip("Let the model imagine a video of exactly this motion. The arm does not move")
        top = row(self.heading, self.adjust, self.imagine, gap=0.2)
        top.setStretch(0, 1)
        parts = (top, self.candidates, self.problem, self.facts, self.cover)
        self.setLayout(column(*parts, None, self._decide, self._reasons))

    def refresh(self) -> None:
        presenter = self._presenter
        self.heading.setText(phrases.decide_words(presenter))
        self.problem.show_words(presenter.problem)
        self.facts.show_facts(phrases.motion_words(presenter))
        self.facts.setVisible(not presenter.problem)  # not enough space for both, and the error comes first
        proposal = presenter.rehearsal.proposal
        if proposal is not None:
            self.candidates.show_candidates(presenter.rehearsal.candidates, proposal.id)
        parts = presenter.parts
        self.cover.setVisible(parts is not None and parts.number < parts.most and presenter.cover is None)
        if parts is not None:
            more = parts.most - parts.number
            others = "the further part" if more == 1 else f"up to {more} further parts"
            self.cover.setText(f"Approve {others} with it, within the box")
        self.adjust.setEnabled(not presenter.busy)
        self.imagine.setVisible(presenter.can_imagine)
        self.imagine.setEnabled(not presenter.busy)
        self.again.show_as("" if presenter.can_approve else "primary")

    def begin(self) -> None:
        """Reset the inputs for a new motion."""
        self._show_reasons(False)
        self.reason.setCurrentIndex(0)
        self.cover.setChecked(False)

    def _show_reasons(self, shown: bool) -> None:
        self._decide.setVisible(not shown)
        self._reasons.setVisible(shown)
        self._presses.deciding = shown
        if shown:
            self.reason.setFocus()
        self._presses.refresh(by_hand=False)

    def _approve(self) -> None:
        self._presenter.approve(further_parts=self.cover.isChecked() and self.cover.isVisible())

    def _reject(self) -> None:
        self._presenter.reject(self.reason.currentText().strip())
