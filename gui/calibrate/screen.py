"""Calibrate screen: print, lenses, poses, solve, report; images and 3-D on the left, the guide on the right."""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from gui.arm.hand_control import ArmControlPresenter
from gui.arm.jog_pads import DIRECTION_OF_KEY
from gui.arm.presenter import ArmPresenter
from gui.arm.simulated_hand import SimulatedHand
from gui.calibrate.guide import GUIDE_LINES, GuidePage
from gui.calibrate.lens_page import LensPage
from gui.calibrate.live_board import BoardViews
from gui.calibrate.overview_page import OverviewPage
from gui.calibrate.poses_page import PosesPage
from gui.calibrate.presenter import CalibratePresenter
from gui.calibrate.print_page import BoardPicture, PrintPage
from gui.calibrate.report_page import ReportPage
from gui.calibrate.residual_plots import ResidualPlots
from gui.calibrate.rig_view import PoseScene, RigScene, rig_cameras
from gui.calibrate.solve_page import SolvePage
from gui.calibrate.steps import STEP_NAMES, CalibrateStep, Stage
from gui.live.presenter import LivePresenter
from gui.live.views import LiveViews
from gui.widgets.basics import Button, column, row
from gui.widgets.segmented_control import SegmentedControl
from gui.widgets.step_bar import StepBar
from gui.widgets.theme import space

_SCENE_EVERY = 2  # pulls: the 3-D view is updated at 15 Hz
_WORDS_EVERY = 6
_MOVES = ("The arm moves. Stop it with Space or the Stop button.", "danger", "warning")
_STANDS = ("Nothing moves before you press a button that says so.", "success", "check")


class CalibrateScreen(QWidget):
    """View of CalibratePresenter; every press is forwarded to it."""

    title = "Calibrate"
    shows_live_views = False  # this screen has larger ones of its own

    def __init__(
        self,
        presenter: CalibratePresenter,
        live: LivePresenter,
        arm: ArmPresenter,
        control: ArmControlPresenter,
        hand: SimulatedHand,
    ):
        super().__init__()
        self.presenter, self._live, self._control, self._hand = presenter, live, control, hand
        self.strip = StepBar(STEP_NAMES)
        self.back = Button("Back", "quiet", icon_name="left", on=self._go_back)
        self.live, self.board_picture = LiveViews(live), BoardPicture()
        moments = presenter.connection.moments
        self.lens_views = BoardViews(live, moments, "grid")
        self.pose_views, self.proof = BoardViews(live, moments), BoardViews(live, moments)
        self.pose_scene, self.rig = PoseScene(), RigScene()
        self.plots = ResidualPlots()
        self.overview, self.print_page = OverviewPage(presenter, live), PrintPage(presenter, self.board_picture)
        self.lens_page, self.poses_page = LensPage(presenter), PosesPage(presenter, arm, control)
        self.solve_page, self.report_page = SolvePage(presenter, arm), ReportPage(presenter)
        self.page_of: dict[CalibrateStep, GuidePage] = {
            CalibrateStep.OVERVIEW: self.overview,
            CalibrateStep.PRINT: self.print_page,
            CalibrateStep.LENSES: self.lens_page,
            CalibrateStep.POSES: self.poses_page,
            CalibrateStep.SOLVE: self.solve_page,
            CalibrateStep.REPORT: self.report_page,
        }
        self.pages, self.pictures = QStackedWidget(), QStackedWidget()
        self._pulls = 0
        self._lay_out()
        # Simultaneous changes are shown in one update: laying out the guide's text is slow.
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._refresh)
        presenter.changed.connect(self._soon.start)
        presenter.stepped.connect(self._show_step)
        presenter.solver.reported.connect(self._show_report)
        presenter.poses.proposed.connect(self._show_proposals)
        live.refreshed.connect(self._pulled)
        self._show_step()

    # --- called by the shell ---

    def leave(self) -> None:
        """Release held inputs: another screen is shown, or the keyboard focus was lost."""
        self._control.release_all()
        self._hand.let_go()

    def take_key(self, key: int, pressed: bool) -> bool:
        """Handle keys for poses by hand: G for hand guiding, Return takes a pose; in the lab, arrows move the arm."""
        by_hand = self.presenter.step is CalibrateStep.POSES and self.presenter.poses.stage is Stage.BY_HAND
        direction = DIRECTION_OF_KEY.get(Qt.Key(key))
        if direction is not None:
            (self._hand.pull if pressed and by_hand else self._hand.release)(direction)
            return by_hand and self._hand.can_pull
        if not by_hand or key not in (Qt.Key.Key_G, Qt.Key.Key_Return):
            return False
        if pressed and key == Qt.Key.Key_G:
            self.poses_page.guide.press_by_own_key()
        elif pressed:
            self.poses_page.main.click()
        return True

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.presenter.watch(True)
        self._refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.presenter.watch(False)

    # --- layout ---

    def _lay_out(self) -> None:
        poses, report = QWidget(), QWidget()
        poses.setLayout(column(self.pose_scene, self.pose_views, gap=0.5))
        self.pose_scene.setMinimumHeight(space(12))
        self.tabs = SegmentedControl(
            ("The rig", "Residuals", "Pictures"), lambda index: self.report_views.setCurrentIndex(index)
        )
        self.report_views = QStackedWidget()
        for view in (self.rig, self.plots, self.proof):
            self.report_views.addWidget(view)
        inside = column(row(self.tabs, None), self.report_views, gap=0.4)
        inside.setStretch(1, 1)
        report.setLayout(inside)
        self._picture_of = {
            CalibrateStep.OVERVIEW: self.live,
            CalibrateStep.PRINT: self.board_picture,
            CalibrateStep.LENSES: self.lens_views,
            CalibrateStep.POSES: poses,
            CalibrateStep.SOLVE: poses,
            CalibrateStep.REPORT: report,
        }
        for widget in dict.fromkeys(self._picture_of.values()):
            self.pictures.addWidget(widget)
        for page in self.page_of.values():
            self.pages.addWidget(page)
        self.pages.setFixedWidth(space(GUIDE_LINES))
        middle = row(self.pictures, self.pages, gap=0.7)
        middle.setStretch(0, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(space(0.9), space(0.6), space(0.7), space(0.7))
        layout.setSpacing(space(0.4))
        head = row(self.back, self.strip, gap=0.4)
        head.setStretch(1, 1)
        layout.addLayout(head)
        layout.addLayout(middle, 1)

    # --- updates from the presenter ---

    def _show_step(self) -> None:
        step = self.presenter.step
        self.pages.setCurrentWidget(self.page_of[step])
        self.pictures.setCurrentWidget(self._picture_of[step])
        self._refresh()

    def _refresh(self) -> None:
        if not self.isVisible():
            return
        presenter = self.presenter
        moves = presenter.poses.driving or presenter.solver.sweeping
        self.strip.show_step(presenter.step, *(_MOVES if moves else _STANDS))
        self.back.setVisible(presenter.step is not CalibrateStep.OVERVIEW)
        self.back.setEnabled(not moves and not presenter.busy)
        due = presenter.step is CalibrateStep.POSES and presenter.poses.stage in (Stage.LOOK, Stage.POSES)
        self.pose_scene.play(due and not moves)
        self.page_of[presenter.step].refresh()

    def _show_proposals(self) -> None:
        poses = self.presenter.poses
        if poses.session is not None:
            from workflows.calibration.poses import NOMINAL_MOUNT  # already imported by the job that proposed the poses

            outline = poses.session.board.outline
            self.pose_scene.show_poses(poses.proposals, poses.rough.values(), outline, NOMINAL_MOUNT)

    def _show_report(self) -> None:
        report = self.presenter.report
        if report is not None:
            self.pose_scene.show_cameras(rig_cameras(report))
        for views in (self.pose_views, self.proof):
            views.expect(report)
        self.rig.show_report(report)
        self.plots.show_report(report)

    def _pulled(self) -> None:
        """Update the live data at each pull."""
        if not self.isVisible():
            return
        presenter, step = self.presenter, self.presenter.step
        self._pulls += 1
        if step is CalibrateStep.LENSES:
            self.lens_views.show_found(presenter.lenses.watch)
        elif step in (CalibrateStep.POSES, CalibrateStep.SOLVE):
            self.pose_views.show_found(presenter.poses.watch)
        elif self.proof.isVisible():
            self.proof.show_found(presenter.poses.watch)
        if self._pulls % _SCENE_EVERY == 0:
            self._show_arm()
        if self._pulls % _WORDS_EVERY == 0:
            self._refresh()

    def _show_arm(self) -> None:
        status = self.presenter.connection.status
        openness = 1.0 if status is None or status.openness is None else status.openness
        for scene in (self.pose_scene, self.rig):
            if scene.isVisible():
                scene.show_arm(None if status is None else status.position, openness)

    def _go_back(self) -> None:
        self.presenter.go_to(CalibrateStep(self.presenter.step - 1))
