"""Solve page: the available data, errors with their remedies, and the slow sweep for the delays."""

from PySide6.QtWidgets import QCheckBox, QProgressBar

from gui.arm.presenter import ArmPresenter
from gui.arm.state_line import ArmLine
from gui.calibrate.guide import GuidePage
from gui.calibrate.presenter import CalibratePresenter
from gui.calibrate.steps import CalibrateStep
from gui.widgets.basics import Button, label
from gui.widgets.facts import Facts


class SolvePage(GuidePage):
    """Solve for the cameras' poses first, then measure each camera's delay."""

    def __init__(self, presenter: CalibratePresenter, arm: ArmPresenter):
        super().__init__("Work it out", presenter.connection.clock)
        self._presenter, self._solver = presenter, presenter.solver
        self.facts = Facts()
        self.refine = QCheckBox("Also improve the lenses, where enough was seen")
        self.refine.clicked.connect(self._choose_refining)
        self.bar, self.doing = QProgressBar(maximum=1000, textVisible=False), label("", "muted", wrap=True)
        self.arm = ArmLine(arm)
        self.way_out = Button("", on=self._take_way_out)
        self.without = Button("Go on without the delays", on=self._go_on)
        for part in (self.facts, self.refine, self.bar, self.doing, self.arm):
            self.middle.addWidget(part)
        for part in (self.way_out, self.without):
            self.below.addWidget(part)
        self.main.clicked.connect(self._press)
        self.moves.taken.connect(self._solver.sweep)

    def refresh(self) -> None:
        presenter = self._presenter
        report, solving = presenter.report, self._solver.solving
        self.say("Work it out", self._words(), presenter.problem)
        self.facts.show_facts(self._facts())
        self.refine.setVisible(report is None)
        self.refine.setEnabled(not presenter.busy)
        self.refine.setChecked(self._solver.refine_lens)
        words, share = self._solver.progress
        for part in (self.bar, self.doing):
            part.setVisible(solving)
        self.bar.setValue(round(1000 * share))
        self.doing.setText(words)
        sweep_due = report is not None and not self._solver.measured_delays
        self.arm.setVisible(sweep_due and not self._solver.sweeping)
        self.without.setVisible(sweep_due and not self._solver.sweeping)
        self._show_way_out()
        self._show_main()

    def _words(self) -> str:
        presenter = self._presenter
        if self._solver.sweeping:
            return "The arm moves slowly to and fro. Keep clear of it; Stop or Space stops it at once."
        if presenter.report is not None and not self._solver.measured_delays:
            return (
                "The cameras' places are known. One slow motion to and fro now tells how late each camera's pictures "
                "come; without it, moving things are seen a little behind."
            )
        if presenter.report is not None:
            return "Places and delays are known. Look at the report before you save it."
        return "Where every camera stands is worked out from all poses together. Nothing moves."

    def _facts(self) -> dict[str, str]:
        session, report = self._presenter.session, self._presenter.report
        if session is None:
            return {}
        facts = {"Poses": f"{len(session.observations)}"}
        for camera in session.cameras:
            facts[camera.name] = f"saw the board in {len(session.views_of(camera.identity))} of them"
        if report is not None:
            facts["Held out"] = f"{report.held_out_mm:.2f} mm, {report.held_out_px:.2f} px"
        return facts

    def _show_way_out(self) -> None:
        trouble = self._solver.trouble
        suggested, after = getattr(trouble, "suggested", None), getattr(trouble, "after", None)
        self.way_out.setVisible(suggested is not None or after is not None)
        if suggested is not None:
            self.way_out.setText(f"The tags are {1000 * suggested:.1f} mm: work it out again")
        elif after is not None:
            self.way_out.setText(f"It moved once, after pose {after + 1}: go on with that")

    def _show_main(self) -> None:
        presenter = self._presenter
        self.main.show_as("danger" if self._solver.sweeping else "primary")
        if self._solver.solving:
            self.offer("Cancel", "cross")
        elif self._solver.sweeping:
            self.offer("End the motion", "cross")
        elif presenter.report is None:
            self.offer("Work it out", "refresh", enabled=presenter.session is not None and not presenter.busy)
        elif not self._solver.measured_delays:
            self.offer_to_move("Measure the delays: the arm moves", enabled=self._solver.can_sweep)
        else:
            self.offer("See the report", "right")

    def _press(self) -> None:
        presenter = self._presenter
        if self._solver.solving or self._solver.sweeping:
            self._solver.cancel()
        elif presenter.report is None:
            self._solver.solve()
        elif self._solver.measured_delays:
            self._go_on()

    def _go_on(self) -> None:
        self._presenter.go_to(CalibrateStep.REPORT)

    def _choose_refining(self, chosen: bool) -> None:
        self._solver.refine_lens = chosen

    def _take_way_out(self) -> None:
        trouble = self._solver.trouble
        suggested, after = getattr(trouble, "suggested", None), getattr(trouble, "after", None)
        if suggested is not None:
            self._solver.solve_with_size(float(suggested))
        elif after is not None:
            self._solver.solve_slipped(int(after))
