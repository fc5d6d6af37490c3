"""View of the History screen: past rehearsals on the left; approval, and plan against execution, on the right."""

from pathlib import Path

import numpy as np
from PySide6.QtCore import QStandardPaths, Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QLineEdit,
    QProgressBar,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from gui.history import phrases
from gui.history.error_curve import ErrorCurve
from gui.history.playback import history_clip, kinds
from gui.history.presenter import HistoryPresenter
from gui.history.rehearsal_list import HistoryList
from gui.player.findings_list import FindingsList
from gui.player.player import Player
from gui.widgets.basics import Button, column, label, row, show_or_cancel, show_progress
from gui.widgets.facts import Facts, Note
from gui.widgets.theme import space

_SEARCH_AFTER_MS = 250
_LOWER_LINES = 12.5  # height of the panels below the timeline


class HistoryView(QWidget):
    """View of HistoryPresenter; every press is forwarded to it."""

    def __init__(self, presenter: HistoryPresenter):
        super().__init__()
        self.presenter = presenter
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search: task, person, note")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Search the history")
        self.list, self.nothing = HistoryList(), label("", "muted", wrap=True, name="history words")
        self.detail = HistoryDetail(presenter)
        self.right = QStackedWidget()
        self.hint = label(
            "Choose a rehearsal to see who approved it, and how near the arm kept to it.", "muted", wrap=True
        )
        self._typed = QTimer(self, singleShot=True, interval=_SEARCH_AFTER_MS)
        self._lay_out()
        self._typed.timeout.connect(lambda: presenter.search(self.search.text()))
        self.search.textChanged.connect(lambda: self._typed.start())
        self.list.chosen.connect(presenter.open)
        presenter.listed.connect(self._show_rows)
        presenter.opened.connect(self._show_opened)
        shortcut = QShortcut(QKeySequence("Ctrl+F"), self)
        shortcut.activated.connect(self.search.setFocus)

    def enter(self) -> None:
        self.presenter.refresh()

    def leave(self) -> None:
        self.detail.player.pause()

    def take_key(self, key: int, pressed: bool) -> bool:
        """Handle the player's keys, wherever the focus is except in a text field."""
        player = self.detail.player
        acts = player.keys()
        if key not in acts or player.film is None:
            return False
        if pressed:
            acts[Qt.Key(key)]()
        return True

    def _lay_out(self) -> None:
        side = QWidget()
        layout = column(self.search, self.list, self.nothing, gap=0.4)
        layout.setStretch(1, 1)
        side.setLayout(layout)
        side.setMinimumWidth(space(14))
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.right.addWidget(self.hint)
        self.right.addWidget(self.detail)
        splitter = QSplitter()
        splitter.addWidget(side)
        splitter.addWidget(self.right)
        splitter.setStretchFactor(1, 1)
        splitter.setHandleWidth(space(0.7))
        splitter.setChildrenCollapsible(False)
        splitter.setSizes([space(22), space(60)])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(splitter)

    def _show_rows(self) -> None:
        rows = self.presenter.rows
        self.list.show_rows(rows)
        searched = bool(self.presenter.words.strip())
        empty = "Nothing fits. Search for something else." if searched else "Nothing has been rehearsed yet."
        count = f"{len(rows)} rehearsal" if len(rows) == 1 else f"{len(rows)} rehearsals"
        self.nothing.setText(count if rows else empty)

    def _show_opened(self) -> None:
        self.right.setCurrentWidget(self.hint if self.presenter.row is None else self.detail)
        self.detail.refresh()


class HistoryDetail(QWidget):
    """One rehearsal: its video, facts, findings, and tracking error over time."""

    def __init__(self, presenter: HistoryPresenter):
        super().__init__()
        self.presenter = presenter
        self.heading, self.problem = label("", "heading", wrap=True), Note()
        self.player, self.curve = Player(self), ErrorCurve()
        self.player.hide()  # only the controller: its parts are in this widget's layout
        self.facts, self.findings, self.tabs = Facts(), FindingsList(), QTabWidget()
        self.pictures = QComboBox()
        self.pictures.setAccessibleName("Which pictures")
        self.replay = Button("Rehearse it again", icon_name="rehearse", on=presenter.replay)
        self.replay.setToolTip("Show on the Rehearse screen how the arm would do this now. Nothing moves")
        self.export = Button("Save as a film…", icon_name="down", on=self._export)
        self.export.setToolTip("All views with what is drawn over them and captions, as one MP4")
        self.exported = label("", "small", wrap=True, name="export words")
        self.exported.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.bar = QProgressBar(maximum=1000, textVisible=False)
        self._shown: object = None
        self._lay_out()
        self.pictures.currentTextChanged.connect(lambda: self._show_film())
        self.player.moment_changed.connect(self._moment_changed)
        self.curve.asked.connect(self._go_to)
        self.findings.asked.connect(self._go_to_frame)
        presenter.exporting_changed.connect(self._show_export)

    def refresh(self) -> None:
        """Update after another rehearsal was opened, or its state has changed."""
        presenter, review = self.presenter, self.presenter.review
        row_ = presenter.row
        self.heading.setText("" if row_ is None else row_.instruction)
        damage = "" if review is None else review.damage
        self.problem.show_words(presenter.problem or damage, "danger" if presenter.problem else "warning")
        for button in (self.replay, self.export, self.pictures):
            button.setEnabled(review is not None)
        self._show_export()
        if review is self._shown:
            return
        self._shown = review
        self.pictures.blockSignals(True)
        self.pictures.clear()
        self.pictures.addItems([] if review is None else kinds(review))
        self.pictures.blockSignals(False)
        self._show_film()
        if review is None:
            self.facts.show_facts({})
            self.findings.show_words("Findings", "")
            self.curve.show_error(np.zeros(0), np.zeros(0), "")
            return
        self.facts.show_facts(phrases.facts(review.record))
        self.findings.show_findings(review.plan.findings, list(review.plan.frame_moments))
        self.curve.show_error(review.moments, review.error_mm, phrases.off_the_plan(review))

    # --- helpers ---

    def _lay_out(self) -> None:
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        inside.setLayout(column(self.facts, None))
        scroll.setWidget(inside)
        self.tabs.addTab(scroll, "What happened")
        self.tabs.addTab(self.findings, "Findings")
        self.tabs.setDocumentMode(True)
        lower = row(self.tabs, self.curve)
        lower.setStretch(0, 1)
        lower.setStretch(1, 1)
        below = QWidget()
        below.setLayout(lower)
        below.setFixedHeight(space(_LOWER_LINES))
        top = row(self.heading, None, self.pictures, self.replay, self.export)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(space(0.3))
        layout.addLayout(top)
        layout.addWidget(self.bar)
        layout.addWidget(self.exported)
        layout.addWidget(self.problem)
        layout.addWidget(self.player.grid, 1)
        layout.addWidget(self.player.below)
        layout.addWidget(below)

    def _show_film(self) -> None:
        review, kind = self.presenter.review, self.pictures.currentText()
        if review is None or not kind:
            self.player.show_film(None)
            self.player.grid.show_names(())
            self.player.grid.show_words("" if self.presenter.problem else "A moment: it is being read.")
            return
        frame = self.player.frame
        self.player.show_film(history_clip(review, kind))
        self.player.go_to(min(frame, self.player.timeline.maximum()))

    def _moment_changed(self, moment: float) -> None:
        review = self.presenter.review
        if review is not None:
            self.curve.show_moment(moment + float(review.moments[0]))

    def _go_to(self, moment: float) -> None:
        review = self.presenter.review
        if review is not None:
            self.player.go_to(int(np.argmin(np.abs(review.moments - moment))))

    def _go_to_frame(self, frame: int) -> None:
        review = self.presenter.review
        if review is not None and frame < len(review.plan.frame_moments):
            self._go_to(float(review.plan.frame_moments[frame]))

    def _export(self) -> None:
        if self.presenter.exporting:
            self.presenter.cancel_export()
            return
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.MoviesLocation)
        name = "".join(c if c.isalnum() else "-" for c in self.heading.text())[:60]
        # Qt's own dialog: it is a window of this program, so Space and Stop work in it too.
        path, _ = QFileDialog.getSaveFileName(
            self,
            "Save as a film",
            f"{folder}/{name}.mp4",
            "Films (*.mp4)",
            options=QFileDialog.Option.DontUseNativeDialog,
        )
        if path:
            self.export_to(path if path.endswith(".mp4") else f"{path}.mp4")

    def export_to(self, path: str) -> None:
        """Export the video to this path."""
        self.presenter.export(Path(path))

    def _show_export(self) -> None:
        presenter = self.presenter
        show_progress(self.bar, self.exported, presenter.exporting, presenter.export_share, presenter.export_words)
        show_or_cancel(self.export, "Save as a film…", presenter.exporting)
