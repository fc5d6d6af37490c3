"""Overview page: calibration of the cameras, whether it is still valid, and earlier calibrations."""

from datetime import datetime

from PySide6.QtWidgets import QCheckBox, QSizePolicy, QVBoxLayout, QWidget

from gui.calibrate.guide import GuidePage
from gui.calibrate.presenter import CalibratePresenter
from gui.calibrate.report_page import VERDICT_WORDS
from gui.live.presenter import LivePresenter
from gui.widgets.basics import Button, IconLabel, column, label, line, row, scrolled
from gui.widgets.theme import space

_SHOWN = 6  # older calibrations in the list
_ICONS = {"success": "check", "warning": "warning", "danger": "cross", "muted": "info", "accent": "lab"}


class PlaceRow(QWidget):
    """Status of one camera: light, name, and result of the check."""

    def __init__(self):
        super().__init__()
        self.icon, self.name, self.short = IconLabel("info"), label("", "figure"), label("", "muted")
        self.words = label("", "small", wrap=True)
        self.setLayout(column(row(self.icon, self.name, None, self.short), self.words, gap=0.1))


class VersionRow(QWidget):
    """One stored calibration, and its actions."""

    def __init__(self, version, presenter: CalibratePresenter):
        super().__init__()
        self.version = version
        when = "unknown time" if version.made_at is None else spoken_time(version.made_at)
        verdict = VERDICT_WORDS.get(str(version.verdict), "")
        words = f"{', '.join(version.cameras)}  ·  {version.held_out_mm:.2f} mm  ·  {verdict}"
        used = label("in use", "chip-accent") if version.active else QWidget()
        used.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        store = presenter.store
        self.use = Button(
            "Use", "quiet", tip="Take the cameras' places from this one", on=lambda: store.activate(version.id)
        )
        self.look = Button("Open", "quiet", tip="Look at its report again", on=lambda: store.open(version.id))
        self.delete = Button("", "quiet", icon_name="trash", tip="Delete it", on=lambda: store.delete(version.id))
        self.delete.setAccessibleName(f"Delete the calibration of {when}")
        self.use.setVisible(not version.active)
        self.delete.setVisible(not version.active)
        head = row(label(when, "figure"), used, None, self.use, self.look, self.delete)
        self.setLayout(column(head, label(version.note or words, "small", wrap=True), gap=0.0))


class OverviewPage(GuidePage):
    """First and last page of a calibration."""

    def __init__(self, presenter: CalibratePresenter, live: LivePresenter):
        super().__init__("Where the cameras stand", presenter.connection.clock, fills=True)
        self._presenter = presenter
        self.rows: dict[str, PlaceRow] = {}
        self._versions: tuple = ()
        self.places, self.list = QVBoxLayout(), QVBoxLayout()
        self.places.setSpacing(space(0.4))
        self.list.setSpacing(space(0.3))
        self.check = Button("Check now", icon_name="refresh", on=presenter.check.check_now)
        self.check.setToolTip("Look at the tags on the bench: has a camera been moved?")
        self.accept = Button("Go on all the same", "danger", icon_name="warning", on=presenter.check.acknowledge)
        self.accept.setToolTip("It is stored with everything recorded that a camera had moved")
        self.truth = QCheckBox("Use the simulation's own word instead")
        self.truth.clicked.connect(presenter.store.use_truth)
        self.outline = QCheckBox("Draw the tool where it should be seen")
        self.outline.setChecked(live.outlined)
        self.outline.toggled.connect(live.show_outline)
        self.heading_list = label("Calibrations", "muted")
        self.list.setContentsMargins(0, 0, 0, 0)
        self._scroll = scrolled(self.list)
        self._scroll.setMinimumHeight(space(4))
        self.middle.addLayout(self.places)
        self.middle.addLayout(row(self.check, self.accept, None))
        self.middle.addWidget(self.outline)
        self.middle.addWidget(self.truth)
        self.middle.addWidget(line())
        self.middle.addWidget(self.heading_list)
        self.middle.addWidget(self._scroll, 1)
        self.middle.addStretch()
        self.main.clicked.connect(presenter.start)

    def refresh(self) -> None:
        presenter = self._presenter
        check, stored = presenter.check.check, presenter.stored
        refusal = "" if check is None else check.refusal
        self.say("Where the cameras stand", self._words(), refusal or presenter.problem or presenter.store.problem)
        self._show_places()
        self.check.setVisible(stored is not None)
        self.check.setEnabled(presenter.check.can_check)
        self.check.setText("Checking …" if presenter.check.checking else "Check now")
        self.accept.setVisible(bool(refusal))
        self.truth.setVisible(presenter.simulated and bool(presenter.store.versions))
        self.truth.setChecked(presenter.store.truth)
        self.truth.setEnabled(not presenter.store.busy)
        self._show_versions()
        self.offer("Calibrate the cameras", "right", enabled=presenter.connection.opened and bool(self.rows))

    def _words(self) -> str:
        presenter = self._presenter
        if not presenter.connection.opened:
            return "Connect the cameras and the arm first, on the Set up screen."
        stored = presenter.stored
        if stored is not None:
            report = stored.report
            return (
                f"Calibrated {spoken_time(stored.made_at)}, to {report.held_out_mm:.2f} mm on poses held out. The "
                "blue-green outlines must lie on the arm's tool in every picture."
            )
        if presenter.simulated:
            return (
                "The places are known from the simulation. You can calibrate all the same, as with a real arm: it "
                "takes about five minutes."
            )
        return "Nobody has calibrated these cameras yet. It takes about five minutes; the arm moves by itself, slowly."

    def _show_places(self) -> None:
        presenter = self._presenter
        identities = presenter.lenses.identities
        if tuple(self.rows) != identities:
            for old in self.rows.values():
                self.places.removeWidget(old)
                old.deleteLater()
            self.rows = {identity: PlaceRow() for identity in identities}
            for each in self.rows.values():
                self.places.addWidget(each)
        for identity, each in self.rows.items():
            place = presenter.check.light(identity)
            each.name.setText(presenter.lenses.name(identity))
            each.short.setText(place.short)
            each.words.setText(place.sentence)
            each.icon.show_icon(_ICONS[place.light], place.light)

    def _show_versions(self) -> None:
        versions = self._presenter.store.versions[:_SHOWN]
        self.heading_list.setVisible(bool(versions))
        self._scroll.setVisible(bool(versions))
        if versions == self._versions:
            return
        self._versions = versions
        while (item := self.list.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.deleteLater()
        for version in versions:
            self.list.addWidget(VersionRow(version, self._presenter))
        self.list.addStretch(1)


def spoken_time(moment: datetime) -> str:
    """Format a time in the local time zone."""
    return f"{moment.astimezone():%d %b %Y, %H:%M}"
