"""The right side of the Library screen: the episode that is open, what is said about it, and what can be done."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar, QSizePolicy, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from gui.episode_curves import EpisodeCurves
from gui.episode_player import EpisodePlayer
from gui.library_findings import FindingsPanel
from gui.library_labels import LabelsPanel
from gui.library_presenter import LibraryPresenter
from gui.library_words import count
from gui.parts import Button, label, row
from gui.rehearse_pages import Note
from gui.theme import space

LABELS, CURVES, FINDINGS = range(3)
_PANEL_LINES = {LABELS: 12.0, CURVES: 18.0, FINDINGS: 12.0}  # height of what stands below the timeline
_PANEL_LEAST, _PANEL_SHARE = 11.0, 0.38


class EpisodeDetail(QWidget):
    """One episode, or what several have in common. `statistics` asks for the overview instead."""

    statistics = Signal()

    def __init__(self, presenter: LibraryPresenter):
        super().__init__()
        self._presenter = presenter
        self.heading = label("", "heading", name="episode heading")
        self.heading.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.overview = Button("Statistics", "quiet", icon_name="info", on=self.statistics.emit)
        self.overview.setToolTip("What there is of every task, and where the tool has been (Escape)")
        self.rehearse = Button("Rehearse this", icon_name="rehearse", on=presenter.rehearse)
        self.rehearse.setToolTip("Show on the Rehearse screen how the arm would repeat this motion now")
        self.delete = Button("Delete", "danger", icon_name="trash", on=presenter.delete)
        self.delete.setToolTip("Put it into the trash, from which it can be brought back (Delete)")
        self.back = Button("Bring back", "primary", icon_name="undo", on=presenter.bring_back)
        self.problem, self.player = Note(), EpisodePlayer(presenter.jobs)
        self.tabs, self.panels = QTabBar(), QStackedWidget()
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.labels, self.curves, self.findings = LabelsPanel(presenter), EpisodeCurves(), FindingsPanel()
        for words, panel in (("Labels", self.labels), ("Curves", self.curves), ("Quality", self.findings)):
            self.tabs.addTab(words)
            self.panels.addWidget(panel)
        self._lay_out()
        self.tabs.currentChanged.connect(self._show_panel)
        self.player.trimmed.connect(
            lambda start, end: presenter.say("{} trimmed.", trim=(start, end)) if presenter.row else None
        )
        self.player.failed.connect(presenter.cannot_play)
        self.player.moment_changed.connect(self._moment_changed)
        self.curves.asked.connect(self.player.show_moment)

    def refresh(self) -> None:
        """Another episode is open, or none, or several are selected."""
        presenter, row = self._presenter, self._presenter.row
        if self.player.review is not presenter.review:
            self.player.show_review(presenter.review)
            self._curves_old = True
        if presenter.review is None:
            several = presenter.selected > 1
            words = "Choose one episode alone to watch it." if several else "" if presenter.problem else "Opening…"
            self.player.player.grid.show_words(words)
        self.problem.show_words(presenter.problem)
        self.labels.show_selection()
        if row is not None:
            self.findings.show_episode(row, presenter.review)
        self._show_panel()
        self.refresh_words()

    def refresh_words(self) -> None:
        """Something was said of what is selected."""
        presenter, row = self._presenter, self._presenter.row
        self.heading.setText(row.instruction if row is not None else f"{count(presenter.selected)} selected")
        self.heading.setToolTip("" if row is None else row.instruction)
        self.rehearse.setEnabled(presenter.review is not None and presenter.review.episode.trajectory is not None)
        for button, shown in ((self.rehearse, True), (self.delete, True), (self.back, False)):
            button.setVisible(shown is not presenter.in_trash)
        self.panels.setEnabled(not presenter.in_trash)
        number = len(self.findings.sentences) if row is not None else 0
        self.tabs.setTabText(FINDINGS, f"Quality ({number})" if number else "Quality")
        for tab in (CURVES, FINDINGS):
            self.tabs.setTabEnabled(tab, row is not None)
        self.labels.show_row()
        if row is not None and self.player.review is not None:
            self.player.show_span(row.trim_start_s, row.trim_end_s)

    def close_film(self) -> None:
        """The screen is left: nothing plays, and what was written is stored."""
        self.player.player.pause()
        self.labels.store()

    # --- parts ---

    def _label(self) -> None:
        labelling = self._presenter.labelling
        if labelling.running:
            labelling.cancel()
        else:
            self._presenter.label()

    def _show_labelling(self) -> None:
        labelling = self._presenter.labelling
        self.label.setVisible(labelling.running or labelling.model is not None)
        self.label.setText("Cancel reading" if labelling.running else "Read the motion")
        self.label_bar.setVisible(labelling.running)
        self.label_bar.setValue(round(1000 * labelling.share))
        self.labelling.setText(labelling.words)
        self.labelling.setVisible(bool(labelling.words))

    def _show_panel(self) -> None:
        if self._presenter.row is None and self.tabs.currentIndex() != LABELS:
            self.tabs.setCurrentIndex(LABELS)
        self.panels.setCurrentIndex(self.tabs.currentIndex())
        self._place_panel()
        if self.tabs.currentIndex() == CURVES and self._curves_old:
            self.curves.show_review(self.player.review)  # only now: drawing them takes a moment
            self._curves_old = False
            self._moment_changed(self._moment)

    def _place_panel(self) -> None:
        """In a small window the pictures keep more than half of it."""
        wanted = space(_PANEL_LINES[self.tabs.currentIndex()])
        self.panels.setFixedHeight(max(min(wanted, round(_PANEL_SHARE * self.height())), space(_PANEL_LEAST)))

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._place_panel()

    def _moment_changed(self, seconds: float) -> None:
        self._moment = seconds
        if self.tabs.currentIndex() == CURVES:
            self.curves.show_moment(seconds)

    def _lay_out(self) -> None:
        self._curves_old, self._moment = True, 0.0
        self.label = Button("Read the motion", "quiet", icon_name="camera")
        self.label.setToolTip(
            "A model reads from the films what the arm does, and adds that as new episodes. Where the arm stands at "
            "first comes from the episode; where that is not known, its home posture is assumed"
        )
        self.label.clicked.connect(self._label)
        self.labelling, self.label_bar = label("", "muted", wrap=True, name="label words"), QProgressBar(maximum=1000)
        self.label_bar.setTextVisible(False)
        self._presenter.labelling.changed.connect(self._show_labelling)
        head = row(self.heading, self.label, self.rehearse, self.delete, self.back, self.overview, gap=0.3)
        head.setStretch(0, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(space(0.35))
        layout.addLayout(head)
        layout.addWidget(self.label_bar)
        layout.addWidget(self.labelling)
        layout.addWidget(self.problem)
        self._show_labelling()
        layout.addWidget(self.player, 1)
        layout.addWidget(self.tabs)
        layout.addWidget(self.panels)
