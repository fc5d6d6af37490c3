"""Right side of the Library screen: the open episode with its labels, curves, quality findings and facts."""

from datetime import datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QProgressBar, QSizePolicy, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from gui.library import phrases
from gui.library.episode_curves import EpisodeCurves
from gui.library.episode_player import EpisodePlayer
from gui.library.labels import LabelsPanel
from gui.library.phrases import count
from gui.library.presenter import LibraryPresenter
from gui.widgets.basics import Button, IconLabel, column, label, row, scrolled
from gui.widgets.facts import Facts, Note
from gui.widgets.theme import space
from storage.episodes.documents import FoundQuality, ViewSpec
from storage.episodes.quality import BAD
from storage.queries import EpisodeRow
from workflows.recording.episode_review import EpisodeReview

_GOOD = "Pictures, times, arm and gripper were checked: nothing stands out."


class FindingsPanel(QWidget):
    """Findings by severity; below them when, how and with which cameras the episode was recorded."""

    def __init__(self):
        super().__init__()
        self.sentences: tuple[str, ...] = ()
        self.facts = Facts()
        self._rows = column(gap=0.3)
        scroll = scrolled(column(self._rows, label("Facts", "heading"), self.facts, None, gap=0.6))
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setLayout(column(scroll))

    def show_episode(self, found: EpisodeRow, review: EpisodeReview | None) -> None:
        findings = () if review is None else review.episode.facts.findings
        self.sentences = tuple(each.sentence for each in sorted(findings, key=lambda each: -each.level))
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for each in sorted(findings, key=lambda each: -each.level):
            self._rows.addWidget(_finding(each))
        if review is not None and not findings:
            self._rows.addWidget(_line("check", "success", "", _GOOD))
        self.facts.show_facts(facts(found, review))


def facts(found: EpisodeRow, review: EpisodeReview | None) -> dict[str, str]:
    """Return the facts about an episode by name, as text."""
    said = {
        "Recorded": f"{found.recorded_at.astimezone():%A %d %B %Y, %H:%M:%S}",
        "Length": f"{phrases.length(found.duration_s)}, {found.samples:,} samples of the arm",
        "Taught by": phrases.source(found.source) + (f", {found.operator}" if found.operator else ""),
        "Where": "Simulated lab" if found.simulated else "Real arm",
        "Pictures": f"{found.frames:,}" + (f", {found.dropped:,} lost" if found.dropped else ", none lost"),
        "Size": phrases.size(found.size_bytes),
    }
    if review is not None:
        episode = review.episode
        for spec, film in zip(episode.views, episode.facts.views, strict=True):
            rate = (film.frames - 1) / (film.last_s - film.first_s) if film.last_s > film.first_s else 0.0
            words = f"{spec.width} x {spec.height}, {rate:.1f} per s, {_calibrated(spec, found.recorded_at)}"
            said[f"Camera {spec.name}"] = words
    return said


def _calibrated(spec: ViewSpec, recorded: datetime) -> str:
    """Describe the error and age of the calibration at the time of recording."""
    calibration = spec.calibration
    if calibration is None:
        return "not calibrated"
    error = "" if calibration.error_mm is None else f" to {calibration.error_mm:.1f} mm"
    age = recorded - datetime.fromisoformat(calibration.made_at)
    days = age.total_seconds() / 86400
    old = "the same day" if days < 1 else f"{days:.0f} days before"
    return f"calibrated{error} {old} ({calibration.kind})"


def _finding(finding: FoundQuality) -> QWidget:
    bad = finding.level >= BAD
    return _line("warning", "danger" if bad else "warning", "Bad" if bad else "Notice", finding.sentence)


def _line(icon: str, colour: str, word: str, sentence: str) -> QWidget:
    line, words = QWidget(), label(sentence, wrap=True)
    words.setAccessibleName(f"{word}: {sentence}" if word else sentence)
    mark = IconLabel(icon, colour)
    mark.setToolTip(word)
    layout = row(mark, words)
    layout.setStretch(1, 1)
    line.setLayout(layout)
    return line


LABELS, CURVES, FINDINGS = range(3)
_PANEL_LINES = {LABELS: 12.0, CURVES: 18.0, FINDINGS: 12.0}  # height of the panels below the timeline
_PANEL_LEAST, _PANEL_SHARE = 11.0, 0.38


class EpisodeDetail(QWidget):
    """One episode, or what several have in common. `statistics` requests the overview instead."""

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
        """Update after another episode was opened or closed, or several were selected."""
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
        """Update the texts after labels of the selection have changed."""
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
        """Pause the player and store the note, when the screen is left."""
        self.player.player.pause()
        self.labels.store()

    # --- helpers ---

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
            self.curves.show_review(self.player.review)  # only when visible: drawing takes time
            self._curves_old = False
            self._moment_changed(self._moment)

    def _place_panel(self) -> None:
        """Set the panel's height; in a small window the images keep more than half of it."""
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
