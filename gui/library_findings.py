"""What is known about one episode: the findings about its quality in sentences, and its facts."""

from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from gui import library_words
from gui.parts import IconLabel, column, label, row, scrolled
from gui.rehearse_pages import Facts
from storage.documents import FoundQuality, ViewSpec
from storage.quality import BAD
from storage.queries import EpisodeRow
from workflows.episode_review import EpisodeReview

_GOOD = "Pictures, times, arm and gripper were checked: nothing stands out."


class FindingsPanel(QWidget):
    """The gravest first; below them when, how and with which cameras the episode was recorded."""

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
    """Names and values, as they are read."""
    said = {
        "Recorded": f"{found.recorded_at.astimezone():%A %d %B %Y, %H:%M:%S}",
        "Length": f"{library_words.length(found.duration_s)}, {found.samples:,} samples of the arm",
        "Taught by": library_words.source(found.source) + (f", {found.operator}" if found.operator else ""),
        "Where": "Simulated lab" if found.simulated else "Real arm",
        "Pictures": f"{found.frames:,}" + (f", {found.dropped:,} lost" if found.dropped else ", none lost"),
        "Size": library_words.size(found.size_bytes),
    }
    if review is not None:
        episode = review.episode
        for spec, film in zip(episode.views, episode.facts.views, strict=True):
            rate = (film.frames - 1) / (film.last_s - film.first_s) if film.last_s > film.first_s else 0.0
            words = f"{spec.width} x {spec.height}, {rate:.1f} per s, {_calibrated(spec, found.recorded_at)}"
            said[f"Camera {spec.name}"] = words
    return said


def _calibrated(spec: ViewSpec, recorded: datetime) -> str:
    """How good the calibration was, and how old when this was recorded."""
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
