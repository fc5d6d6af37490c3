"""Lens page: intrinsics reported by each camera, or what the grid has covered and still has to cover."""

import numpy as np
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.calibrate.guide import CameraNeeds, GuidePage
from gui.calibrate.presenter import CalibratePresenter
from gui.calibrate.steps import CalibrateStep
from gui.widgets.basics import Button, column, row, scrolled
from gui.widgets.theme import space

_METERS = ("Views", "Tilt", "Near and far")


class LensRow(QWidget):
    """Lens state of one camera."""

    def __init__(self, identity: str, presenter: CalibratePresenter):
        super().__init__()
        self._identity, self._lenses = identity, presenter.lenses
        self.needs = CameraNeeds(_METERS)
        self.anew = Button("", "quiet", on=self._toggle)
        self.setLayout(column(self.needs, row(self.anew, None), gap=0.1))

    def refresh(self) -> None:
        lenses, identity = self._lenses, self._identity
        missing, estimated = lenses.missing(identity), lenses.estimated(identity)
        result, check = lenses.results.get(identity), lenses.checks.get(identity)
        gathering = estimated and result is None
        done = lenses.lens(identity) is not None and (result is None or result.ok) and (check is None or check.ok)
        regions = np.zeros((3, 3), bool) if missing is None else missing.regions
        self.needs.show_state(lenses.name(identity), done, regions, self._words())
        self.needs.coverage.setVisible(missing is not None)
        for meter in self.needs.meters.values():
            meter.setVisible(gathering)
        if gathering:
            self._show_meters(missing)
        self.anew.setVisible(lenses.factory(identity) is not None or result is not None)
        self.anew.setText("Believe the camera" if estimated and result is None else "Measure it with the grid")
        self.anew.setToolTip("The grid is held before the camera, near and far, straight and tilted")

    def _words(self) -> str:
        lenses, identity = self._lenses, self._identity
        result, check, missing = lenses.results.get(identity), lenses.checks.get(identity), lenses.missing(identity)
        if result is not None:
            dropped = f" {len(result.dropped)} views were left out: {result.dropped[0][1]}." if result.dropped else ""
            return f"{result.sentence}{dropped}"
        if lenses.estimated(identity):
            wanted = "hold the grid still before this camera" if missing is None else missing.sentence
            reason = lenses.reasons.get(identity, "")
            return f"{wanted}{f' ({reason})' if reason else ''}"
        if check is not None:
            return check.sentence
        if lenses.factory(identity) is not None:
            return "as the camera itself says. It is checked as soon as the grid is held before it."
        return "as the calibration in use says."

    def _show_meters(self, missing) -> None:
        meters = self.needs.meters
        views, needed = (0, 30) if missing is None else (missing.views, missing.views_needed)
        tilt, tilt_needed = (0.0, 30.0) if missing is None else (missing.tilt_deg, missing.tilt_needed_deg)
        ratio, ratio_needed = (1.0, 2.0) if missing is None else (missing.distance_ratio, missing.ratio_needed)
        meters["Views"].show_value(views, needed, f"{views} of {needed}")
        meters["Tilt"].show_value(tilt, tilt_needed, f"{tilt:.0f}° of {tilt_needed:.0f}°")
        words = f"1 : {ratio:.1f} of {ratio_needed:.0f}"
        meters["Near and far"].show_value(ratio - 1.0, ratio_needed - 1.0, words)

    def _toggle(self) -> None:
        lenses = self._lenses
        asked = not (lenses.estimated(self._identity) and self._identity not in lenses.results)
        lenses.find_out(self._identity, asked)


class LensPage(GuidePage):
    """Lens page with one row per camera."""

    def __init__(self, presenter: CalibratePresenter):
        super().__init__("How each lens sees", presenter.connection.clock, fills=True)
        self._presenter = presenter
        self.rows: dict[str, LensRow] = {}
        self._list = QVBoxLayout()
        self._list.setSpacing(space(0.8))
        self._list.setContentsMargins(0, 0, 0, 0)
        self.middle.addWidget(scrolled(self._list), 1)
        self.main.clicked.connect(self._press)

    def refresh(self) -> None:
        presenter, lenses = self._presenter, self._presenter.lenses
        if tuple(self.rows) != lenses.identities:
            self._rebuild()
        for each in self.rows.values():
            each.refresh()
        needed = any(lenses.estimated(each) and each not in lenses.results for each in self.rows)
        words = (
            "Hold the printed grid before each camera that is not green: still for a moment, then another place, near "
            "and far, straight and tilted. Pictures are taken by themselves."
            if needed
            else "Every camera's lens is known. You can hold the grid before a camera to check it, or go on."
        )
        failed = next((r.sentence for r in lenses.results.values() if not r.ok), "")
        wrong = next((c.sentence for c in lenses.checks.values() if not c.ok), "")
        self.say("How each lens sees", words, lenses.problem or presenter.problem or failed or wrong, "warning")
        solvable = lenses.next_to_solve
        if lenses.busy:
            self.offer("Working it out …", "refresh", enabled=False)
        elif solvable is not None:
            self.offer(f"Work out the lens of {lenses.name(solvable)}", "refresh")
        else:
            self.offer("Go on to the poses", "right", enabled=lenses.complete)

    def _rebuild(self) -> None:
        for old in self.rows.values():
            self._list.removeWidget(old)
            old.deleteLater()
        while self._list.count():
            self._list.takeAt(0)
        self.rows = {identity: LensRow(identity, self._presenter) for identity in self._presenter.lenses.identities}
        for each in self.rows.values():
            self._list.addWidget(each)
        self._list.addStretch(1)

    def _press(self) -> None:
        solvable = self._presenter.lenses.next_to_solve
        if solvable is not None:
            self._presenter.lenses.solve(solvable)
        else:
            self._presenter.go_to(CalibrateStep.POSES)
