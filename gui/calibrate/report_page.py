"""Report page: how good the calibration is, in plain language, and what to do."""

import numpy as np
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from gui.calibrate.guide import CoverageMark, GuidePage
from gui.calibrate.presenter import CalibratePresenter
from gui.calibrate.steps import CalibrateStep
from gui.widgets.basics import Button, column, label, row, scrolled
from gui.widgets.facts import Facts
from gui.widgets.theme import look, space

_EXPLAINED = (
    "Held out: measured on poses that were not used for it. In the workspace: how far things will be misplaced. "
    "Halves: worked out twice, from half of the poses each."
)
_DROPPED = 3  # number of rejected poses that are listed
_VERDICTS = {
    "accept": ("Good", "note-success"),
    "marginal": ("Usable with care", "note-warning"),
    "repeat": ("Not good enough", "note-danger"),
}


VERDICT_WORDS = {verdict: words.lower() for verdict, (words, _) in _VERDICTS.items()}


class VerdictBanner(QFrame):
    """The verdict in large letters."""

    def __init__(self):
        super().__init__()
        self.name, self.figure = label("", "title"), label("", "title")
        layout = row(self.name, None, self.figure)
        layout.setContentsMargins(space(0.7), space(0.5), space(0.7), space(0.5))
        self.setLayout(layout)

    def show_verdict(self, verdict: str, millimetres: float) -> None:
        words, kind = _VERDICTS[verdict]
        self.name.setText(words)
        self.figure.setText(f"{millimetres:.2f} mm")
        look(self, kind)


class CameraFigures(QWidget):
    """Figures of one camera."""

    def __init__(self, camera):
        super().__init__()
        mark, facts = CoverageMark(1.4), Facts()
        mark.show_regions(camera.regions)
        delay = camera.delay
        facts.show_facts(
            {
                "Held out": f"{camera.held_out_mm:.2f} mm · {camera.held_out_px:.2f} px",
                "Halves agree": f"{camera.half_split_mm:.2f} mm · {camera.half_split_deg:.2f}°",
                "Delay": "not measured" if delay is None else delay_words(delay.seconds, delay.uncertainty),
            }
        )
        name = label(camera.name, "figure")
        head = row(name, label(f"{camera.views} views", "small"), None, mark)
        self.setLayout(column(head, facts, gap=0.15))


class ReportPage(GuidePage):
    """Report page: verdict, key figures, advice, and the next actions."""

    def __init__(self, presenter: CalibratePresenter):
        super().__init__("Report", presenter.connection.clock, fills=True)
        self._presenter = presenter
        self.banner, self.advice, self.facts = VerdictBanner(), label("", wrap=True), Facts()
        self._cameras = QVBoxLayout()
        self._cameras.setSpacing(space(0.5))
        explained = label(_EXPLAINED, "small", wrap=True)
        inside = column(self.facts, self.advice, self._cameras, explained, None, gap=0.6)
        inside.setContentsMargins(0, 0, space(0.3), 0)
        self.middle.addWidget(self.banner)
        self.middle.addWidget(scrolled(inside), 1)
        self.other = Button("", on=self._press_other)
        self.below.addWidget(self.other)
        self.main.clicked.connect(self._press)
        self._shown: object = None

    def refresh(self) -> None:
        presenter, report = self._presenter, self._presenter.report
        self.banner.setVisible(report is not None)
        if report is None:
            self.say("Report", "There is no report yet: work it out first.", presenter.problem)
            self.offer("Work it out", "left")
            self.other.hide()
            return
        problem = presenter.problem or presenter.store.problem
        self.say("How good it is", report.sentence, problem)
        self.banner.show_verdict(str(report.verdict), report.held_out_mm)
        left_out = [f"Pose {each.pose + 1} was left out: {each.reason}." for each in report.dropped[:_DROPPED]]
        notes = [*report.advice, *left_out]
        self.advice.setText("\n".join(f"•  {each}" for each in notes))
        self.advice.setVisible(bool(notes))
        self.facts.show_facts(_figures(report))
        if report is not self._shown:
            self._shown = report
            while (item := self._cameras.takeAt(0)) is not None:
                if (old := item.widget()) is not None:
                    old.deleteLater()
            for camera in report.cameras:
                self._cameras.addWidget(CameraFigures(camera))
        self._show_buttons()

    @property
    def _repeat(self) -> bool:
        report = self._presenter.report
        return report is not None and str(report.verdict) == "repeat"

    def _show_buttons(self) -> None:
        presenter, ready = self._presenter, self._presenter.store.ready and not self._presenter.busy
        self.other.setVisible(not presenter.saved)
        if presenter.saved:
            self.offer("Done", "check")
        elif self._repeat:
            self.offer("Repeat the poses", "refresh")
            self.other.setText("Save and use it all the same")
            self.other.setEnabled(ready)
        else:
            self.offer("Save and use it", "check", enabled=ready)
            self.other.setText("Add more poses")
            self.other.setEnabled(True)

    def _press(self) -> None:
        presenter = self._presenter
        if presenter.report is None:
            presenter.go_to(CalibrateStep.SOLVE)
        elif presenter.saved:
            presenter.go_to(CalibrateStep.OVERVIEW)
        elif self._repeat:
            presenter.go_to(CalibrateStep.POSES)
            presenter.begin()
        else:
            presenter.save()

    def _press_other(self) -> None:
        if self._repeat:
            self._presenter.save()
        else:
            self._presenter.go_to(CalibrateStep.POSES)
            self._presenter.poses.propose_again()


def _figures(report) -> dict[str, str]:
    facts = {
        "Held out": f"{report.held_out_mm:.2f} mm · {report.held_out_px:.2f} px",
        "At most": f"{report.held_out_worst_mm:.2f} mm",
        "In the workspace": f"{report.expected_mm:.2f} mm expected",
        "Halves agree": f"{report.half_split_mm:.2f} mm · {report.half_split_deg:.2f}°",
        "The arm's own error": f"{report.arm_error_mm:.2f} mm · {report.arm_error_deg:.2f}°",
    }
    return {name: words for name, words in facts.items() if "nan" not in words}


def delay_words(seconds: float, uncertainty: float) -> str:
    """Format the delay of the images' timestamps behind the arm's measurements, with its uncertainty."""
    known = f" ± {1000 * uncertainty:.1f}" if np.isfinite(uncertainty) else ""
    return f"{abs(1000 * seconds):.1f}{known} ms {'late' if seconds >= 0 else 'early'}"
