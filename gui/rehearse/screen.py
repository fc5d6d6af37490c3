"""Rehearse screen: ask, watch in every view and in 3-D, decide, run, enter the outcome."""

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from gui.live.overlay import LiveView, thinned
from gui.player.findings_list import FindingsList
from gui.player.frame_stepping import FrameStepping
from gui.player.player import Player
from gui.rehearse import phrases
from gui.rehearse.ask_bar import AskBar
from gui.rehearse.motion_drawing import MotionDrawing
from gui.rehearse.presenter import RehearsePresenter
from gui.rehearse.press_column import PressColumn
from gui.rehearse.proposal_pages import AskPage, DecidePage, WorkingPage
from gui.rehearse.run_pages import ApprovedPage, OutcomePage, RunningPage, SavedPage
from gui.rehearse.steps import Step
from gui.rehearse.waypoint_editing import WaypointEditing
from gui.view3d.meshes import Mesh
from gui.view3d.panel import ScenePanel
from gui.widgets.basics import Card, Yielding, row
from gui.widgets.step_bar import StepBar
from gui.widgets.theme import space
from model.service.client import Progress

_PANEL_LINES = 16.0  # height of the panels below the timeline
_VIEW_LINES = 4.0  # minimum height of the views
_SCENE_EVERY = 2  # pulls: the 3-D view is updated at 15 Hz
_PREVIEW_EVERY = 4  # pulls: the preview plays at about 8 fps
_FILM = (Step.WATCH, Step.APPROVED)  # steps that show the video; all others show the cameras


class RehearseScreen(QWidget):
    """View of RehearsePresenter; every press is forwarded to it."""

    title = "Rehearse"
    shows_live_views = False  # this screen has larger ones of its own

    def __init__(self, presenter: RehearsePresenter):
        super().__init__()
        self.presenter = presenter
        self.strip, self.ask_bar = StepBar(), AskBar()
        self.player, self.scene, self.findings = Player(), ScenePanel(), FindingsList()
        self.pages = QStackedWidget()
        self.ask_page = AskPage(presenter, self._take_suggestion, self._draw)
        self.presses = PressColumn(presenter)
        self.working_page, self.decide_page = WorkingPage(presenter), DecidePage(presenter, self.presses)
        self.approved_page, self.running_page = (
            ApprovedPage(presenter, self.presses),
            RunningPage(presenter, self.presses),
        )
        self.outcome_page, self.saved_page = OutcomePage(presenter, self.presses), SavedPage(presenter)
        self.page_of = {
            Step.ASK: self.ask_page,
            Step.WORKING: self.working_page,
            Step.WATCH: self.decide_page,
            Step.APPROVED: self.approved_page,
            Step.RUNNING: self.running_page,
            Step.OUTCOME: self.outcome_page,
            Step.SAVED: self.saved_page,
        }
        self.waypoints = WaypointEditing(presenter, self.player, self.scene, self)
        self.drawing = MotionDrawing(presenter, self.player.grid, self.scene, self)
        self.adjust = self.waypoints.panel
        for page in (*self.page_of.values(), self.adjust, self.drawing.panel):
            self.pages.addWidget(page)
        self._step: Step | None = None
        self._overlay: object = None
        self._things: tuple[Mesh, ...] = ()
        self._pulls = 0
        self._arrows = FrameStepping(self.player, self)
        self._lay_out()
        self._connect()
        self._show_motion()
        self._refresh()

    # --- called by the shell ---

    def enter(self) -> None:
        """Load what the screen needs: task history and models."""
        self.presenter.memory.ask()
        library = self.presenter.connection.session.library_folder
        self.ask_bar.fold.show_models(self.presenter.model.models(library))
        if self.presenter.step is Step.ASK:
            self.ask_bar.instruction.setFocus()

    def leave(self) -> None:
        """Release held inputs: another screen is shown, or the keyboard focus was lost."""
        self.presenter.hold(False)
        self._arrows.hold(0)

    def replay(self, instruction: str, folder: str, words: str = "From the library") -> None:
        """Request the replay of a motion; when requests are not possible yet, it is left in the input line."""
        self.ask_bar.replay(instruction, folder, words)

    def take_key(self, key: int, pressed: bool) -> bool:
        """Handle the player's keys and H (hold to run), wherever the focus is except in a text field."""
        player = self.player
        if key == Qt.Key.Key_H:
            self.presses.run.hold_by_key(pressed)
            return True
        if self._step not in _FILM or player.film is None:
            return False
        acts = {
            Qt.Key.Key_Home: lambda: player.go_to(0),
            Qt.Key.Key_End: lambda: player.go_to(player.timeline.maximum()),
            Qt.Key.Key_P: player.toggle,
            Qt.Key.Key_L: player.controls.loop.toggle,
        }
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._arrows.hold((1 if key == Qt.Key.Key_Right else -1) if pressed else 0)
        elif key not in acts:
            return False
        elif pressed:
            acts[Qt.Key(key)]()
        return True

    # --- layout ---

    def _lay_out(self) -> None:
        guide, found = Card(), Card()
        inside = row(self.pages, self.presses)
        inside.setStretch(0, 1)
        guide.body.addLayout(inside)
        found.body.addWidget(self.findings)
        for card in (guide, found):
            card.setFixedHeight(space(_PANEL_LINES))
            card.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        # The views shrink for messages at the top, so that no button moves.
        middle, below = Yielding(self.player.grid, self.scene, lines=_VIEW_LINES), row(found, guide)
        below.setStretch(0, 3)
        below.setStretch(1, 5)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(space(0.9), space(0.6), space(0.9), space(0.7))
        layout.setSpacing(space(0.4))
        layout.addWidget(self.strip)
        layout.addWidget(self.ask_bar)
        layout.addWidget(middle, 1)
        layout.addWidget(self.player.below)
        layout.addLayout(below)

    def _connect(self) -> None:
        presenter, player = self.presenter, self.player
        self.ask_bar.asked.connect(presenter.ask)
        fold = self.ask_bar.fold
        fold.changed.connect(lambda: presenter.use(fold.folder, fold.asking, fold.parts.value()))
        self.decide_page.candidates.chosen.connect(presenter.choose)
        self.decide_page.candidates.compared.connect(presenter.compare)
        self.findings.asked.connect(player.go_to)
        player.frame_changed.connect(presenter.note_frame)
        self.decide_page.cover.toggled.connect(lambda *_: self._show_box())
        self.decide_page.adjust.clicked.connect(self._adjust)
        for hands in (self.waypoints, self.drawing):
            hands.ended.connect(self._back_to_page)
        player.moment_changed.connect(self._show_moment)
        presenter.changed.connect(self._refresh)
        presenter.motion_changed.connect(self._show_motion)
        presenter.live_changed.connect(self._show_live)

    # --- updates from the presenter ---

    def _refresh(self) -> None:
        presenter, step = self.presenter, self.presenter.step
        if step is not self._step:
            self._enter_step(step)
        self.strip.show_step(phrases.strip_step(presenter), *phrases.safety(presenter))
        self.ask_bar.show_sources(presenter.sources)
        self.ask_bar.show_known(presenter.suggestions)
        self.ask_bar.fold.show_cameras([camera.name for camera in presenter.connection.session.cameras.values()])
        self.ask_bar.allow(presenter.can_ask, primary=step is Step.ASK)
        self.player.grid.show_words(phrases.no_picture_words(presenter))
        self.page_of[step].refresh()
        self._show_presses()

    def _show_presses(self) -> None:
        self.presses.refresh(by_hand=self.adjusting or self.drawing.active)

    def _enter_step(self, step: Step) -> None:
        """Switch to a step: its page, and the contents of the views."""
        self._step = step
        page = self.page_of[step]
        self.waypoints.end()
        self.drawing.end()
        if isinstance(page, DecidePage | ApprovedPage | OutcomePage):
            page.begin()
        self.pages.setCurrentWidget(page)
        self.player.below.setEnabled(self.player.film is not None and step in _FILM)
        self.scene.show_legend(_LEGENDS[step])
        self._show_box()
        if step in _FILM:
            self.player.show_again()
        else:
            self.player.pause()
            self.scene.show_ghost(None)
        if step is Step.OUTCOME:
            self.player.show_progress(self.presenter.frame_now)
        if step is Step.ASK and self.isVisible():
            self.ask_bar.instruction.setFocus()

    def _show_motion(self) -> None:
        """Show another motion, or none."""
        shown = self.presenter.shown
        self.scene.show_actual(np.zeros((0, 3)))
        if shown is None:
            self.player.show_film(None)
            self.scene.show_path(None)
            self.scene.show_ghost(None)
            self.findings.show_words("Findings", phrases.findings_words(self.presenter))
            return
        if self.presenter.comparison is not None:
            self.player.show_film(self.presenter.comparison)
        else:
            self.player.show_film(shown.film, shown.marks)
        self.scene.show_path(shown.path)
        self.findings.show_findings(shown.plan.findings, list(shown.film.moments))
        self.player.play()

    def _show_moment(self, moment: float) -> None:
        shown = self.presenter.shown
        if shown is not None and self._step not in (Step.RUNNING, Step.OUTCOME, Step.SAVED):
            self.scene.show_ghost(*shown.ghost_at(moment))

    def _show_live(self) -> None:
        """Show the live state: the arm in 3-D, and before and during a run the cameras."""
        if not self.isVisible():
            return
        presenter = self.presenter
        if presenter.overlay is not self._overlay:
            self._overlay = presenter.overlay
            self.scene.show_cameras(presenter.overlay.cameras.values())
        self._pulls += 1
        preview = presenter.model.preview
        if self._step is Step.WORKING and preview is not None and preview.rgb is not None:
            self._show_preview(preview)
        elif self._step not in _FILM:
            self._show_views(presenter.live_views())
        if self._pulls % _SCENE_EVERY:
            return
        if presenter.things is not self._things:
            self._things = presenter.things
            self.scene.show_things(self._things)
        status = presenter.connection.status
        openness = 1.0 if status is None or status.openness is None else status.openness
        self.scene.show_arm(None if status is None else status.position, openness)
        if self._step is Step.RUNNING:
            self.player.show_progress(presenter.frame_now)
            tracking = presenter.rehearsal.tracking
            if tracking is not None:
                self.scene.show_actual(thinned(tracking.actual))

    def _show_preview(self, preview: Progress) -> None:
        """Show the intermediate video during denoising, played in a loop."""
        assert preview.rgb is not None
        frame = self._pulls // _PREVIEW_EVERY % preview.rgb.shape[1]
        names = [f"view {number}" for number in range(1, len(preview.rgb) + 1)]
        for picture, video in zip(self.player.grid.show_names(names), preview.rgb, strict=True):
            picture.show_rgb(video[frame])
            picture.show_drawing(None)
            picture.show_note(f"imagining, step {preview.done} of {preview.total}", "warning")

    def _show_views(self, views: list[LiveView]) -> None:
        for picture, view in zip(self.player.grid.show_names([v.name for v in views]), views, strict=True):
            if view.rgb is not picture.rgb:  # together with its overlay, so that both belong to the same frame
                picture.show_rgb(view.rgb)
                picture.show_drawing(view.drawing)
            picture.show_note(view.note, view.colour)
            picture.show_light(view.place.light, view.place.short, view.place.sentence)

    def _show_box(self) -> None:
        """Show the box in which further parts may move, where their approval is requested or valid."""
        allowance = self.presenter.allowance(self.decide_page.cover.isChecked())
        self.scene.show_workspace(*((None, None) if allowance is None else (allowance.low, allowance.high)))

    # --- editing and drawing by hand ---

    @property
    def adjusting(self) -> bool:
        return self.waypoints.active

    def _adjust(self) -> None:
        """Start moving the waypoint on display."""
        if self._step is Step.WATCH and self.presenter.shown is not None:
            self.pages.setCurrentWidget(self.adjust)
            self.waypoints.begin()
            self._show_presses()

    def _draw(self) -> None:
        """Start drawing a motion by hand."""
        if self._step in _DRAWN_AT and self.presenter.can_ask:
            self.pages.setCurrentWidget(self.drawing.panel)
            self.scene.show_legend(_DRAWING)
            self.drawing.begin(self.ask_bar.instruction.text())

    def _back_to_page(self) -> None:
        """Return to the step's page after editing by hand was cancelled."""
        if self._step is not None:
            self.pages.setCurrentWidget(self.page_of[self._step])
            self.scene.show_legend(_LEGENDS[self._step])
        self._show_presses()

    def _take_suggestion(self, text: str) -> None:
        self.ask_bar.instruction.setText(text)
        self.ask_bar.instruction.setFocus()


_DRAWN_AT = (Step.ASK,)  # the live images are visible, for clicks into them
_DRAWING = "Line: the tool's way as you draw it. Grey: the arm now."
_NOW = "Grey: the arm now."
_PLAN = "Blue: the plan at the moment looked at. Grey: the arm now."
_RUN = "Line from blue to red: the plan. Pink: where the tool really was."
_LEGENDS = {
    Step.ASK: _NOW,
    Step.WORKING: _NOW,
    Step.WATCH: _PLAN,
    Step.APPROVED: _PLAN,
    Step.RUNNING: _RUN,
    Step.OUTCOME: _RUN,
    Step.SAVED: _RUN,
}
