"""Requests on the Rehearse screen: a motion is generated, selected, changed, imagined or rejected.

The arm does not move.
"""

import time
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from gui.live.overlay import LiveOverlay
from gui.player.playback_clip import PlaybackClip
from gui.rehearse.ask_bar import MODEL, REPLAY
from gui.rehearse.facts import PROPOSE, RehearseFacts
from gui.rehearse.shown_motion import ShownMotion, shown_motion, side_by_side
from gui.rehearse.steps import Step
from gui.runtime.connection import Connection
from gui.runtime.jobs import Jobs
from gui.runtime.open_library import OpenLibrary
from gui.view3d.lab_objects import lab_objects
from workflows.proposals.drawn_motion import DrawnPoint, DrawnSource
from workflows.proposals.model_source import GenerationSettings
from workflows.proposals.proposal import Source
from workflows.proposals.receding_horizon import RecedingHorizonSource
from workflows.proposals.waypoint_edit import EditedSource, WaypointEdit
from workflows.rehearsal.facts import Part
from workflows.rehearsal.rehearsal import DemonstratorSource, ReplaySource

DRAWN = "drawn"  # beside the selectable sources: a motion drawn by hand


class RehearseAsking(RehearseFacts):
    """Presenter of requests. Every motion on display is a rehearsal of its own and needs a new approval."""

    asked = Signal(str)  # the instruction of a motion that was generated

    def __init__(self, connection: Connection, jobs: Jobs, parent: QObject | None, library: OpenLibrary | None):
        super().__init__(connection, jobs, parent, library)
        self._question = ("", "", "")
        self._most_parts = 1
        self._points: tuple[DrawnPoint, ...] = ()

    def use(self, folder: Path | None, asking: GenerationSettings, parts: int) -> None:
        """Set the model's folder, its settings and the number of parts for the next request."""
        self.model.use(folder, asking)
        self._most_parts = parts

    def ask(self, instruction: str, source: str, file: str = "") -> None:
        """Generate a motion for the current scene and show it."""
        if not self.can_ask:
            return
        self._question = (instruction, source, file)
        self.cover = None
        whole = self._most_parts < 2 or source in (REPLAY, DRAWN)
        self.parts = None if whole else Part(1, self._most_parts, "")
        self._propose(instruction, self._source(source, file))

    def draw(self, instruction: str, points: tuple[DrawnPoint, ...]) -> None:
        """Show the motion through these points; a model can then imagine a video of it."""
        self._points = points
        self.ask(instruction, DRAWN)

    def ask_again(self) -> None:
        """Repeat the last request with the current camera frames."""
        if self._question[0]:
            self.ask(*self._question)

    def cancel(self) -> None:
        """Cancel the generation of a motion."""
        self._work.cancel(PROPOSE)

    def choose(self, number: int) -> None:
        """Select another candidate; an earlier approval is revoked."""
        if self.step is not Step.WATCH or self.busy:
            return
        rehearsal = self.rehearsal

        def work(*_: Any) -> ShownMotion:
            proposal = rehearsal.choose(number)
            assert rehearsal.plan is not None
            return shown_motion(proposal, rehearsal.plan)

        self._work.when_free(lambda: self._work.begin(work, "choose").on(done=self._show))

    def edit(self, change: WaypointEdit) -> None:
        """Plan and check the motion with one waypoint moved."""
        shown = self.shown
        if shown is not None:
            self._change(EditedSource(shown.plan.intended, change, shown.proposal.id))

    def what_if(self) -> None:
        """Let the model generate a video of the motion on display."""
        shown = self.shown
        if shown is not None and self.can_imagine and self.step is Step.WATCH and not self.busy:
            source = self.model.what_if(shown.plan.intended, shown.proposal.id)
            self._work.when_free(lambda: self._propose(shown.proposal.instruction, source))

    def compare(self, wanted: bool) -> None:
        """Show all candidates side by side, or the selected one again."""
        if not wanted or self.step is not Step.WATCH:
            if self.comparison is not None:
                self._compared(None)
            return
        candidates = self.rehearsal.candidates
        work = lambda *_: side_by_side(candidates)  # noqa: E731
        self._work.when_free(lambda: self._work.begin(work, "compare").on(done=self._compared))

    def note_frame(self, frame: int) -> None:
        """Record that a frame was shown; the last one marks the video as watched."""
        if self.comparison is not None:
            return
        if self.shown is not None and frame >= len(self.shown.film) - 1 and not self.watched:
            self.watched = True
            self.changed.emit()

    def reject(self, reason: str) -> None:
        """Reject the motion on display and store the reason."""
        if self.step not in (Step.WATCH, Step.APPROVED):
            return

        def work(*_: Any) -> None:
            self.rehearsal.reject(reason)
            self.rehearsal.withdraw("The motion was rejected.")

        self._work.when_free(lambda: self._work.begin(work, "reject").on(done=self._rejected))

    def begin_new(self) -> None:
        """Reset for the next instruction."""
        if self.step in (Step.SAVED, Step.ASK) and not self.busy:
            self._over()

    # --- helpers ---

    def _source(self, name: str, file: str) -> Source:
        session = self.connection.session
        if name == REPLAY:
            return ReplaySource(session, Path(file))
        if name == DRAWN:
            return DrawnSource(self._points)
        return self.model.source() if name == MODEL and self.model.available else DemonstratorSource(session)

    def _change(self, source: Source) -> None:
        """Show a changed version of the motion on display; changes by hand make a single motion without parts."""
        shown = self.shown
        if shown is not None and self.step in (Step.WATCH, Step.APPROVED) and not self.busy:
            self.parts, self.cover = None, None
            self._work.when_free(lambda: self._propose(shown.proposal.instruction, source))

    def _propose(self, instruction: str, origin: Source) -> None:
        """Start a new rehearsal and show what this source proposes."""
        session, before, part = self.connection.session, self.rehearsal, self.parts
        covered = self.cover is not None
        if part is not None:
            origin = RecedingHorizonSource(origin, part.number, part.most)
        self.rehearsal = rehearsal = self._new_rehearsal()
        self._show(None)
        self.progress = ("Looking at the scene", 0.0)
        self.asked_at = time.monotonic()

        def work(token, report) -> ShownMotion:
            before.revoke("Another motion was asked for.")
            before.close()
            if not covered:
                before.withdraw("Another motion was asked for.")
            proposal = rehearsal.propose(instruction, origin, report, token, part=part)
            if part is not None:
                self.parts = rehearsal.part
            assert rehearsal.plan is not None
            self.things = () if session.lab is None else lab_objects(session.lab)
            return shown_motion(proposal, rehearsal.plan)

        job = self._work.begin(work, PROPOSE)
        job.on(done=self._proposed, progress=self._progressed, cancelled=lambda: self._show(None))

    def _progressed(self, words: str, share: float) -> None:
        self.progress = (words, share)
        self.changed.emit()

    def _proposed(self, shown: ShownMotion) -> None:
        self.asked.emit(shown.proposal.instruction)
        self._show(shown)

    def _compared(self, film: PlaybackClip | None) -> None:
        self.comparison = film
        self.motion_changed.emit()

    def _rejected(self, _: object) -> None:
        self._over()
        self.rejected = True

    def _over(self) -> None:
        """End this rehearsal and clear the display."""
        self.rehearsal = self._new_rehearsal()
        self.parts, self.cover = None, None
        self.rejected = False
        self._show(None)

    def _show(self, shown: ShownMotion | None) -> None:
        self.shown, self.verdict, self.watched, self._work.problem = shown, None, False, ""
        self._watch, self.comparison, self.model.preview = None, None, None
        if shown is not None:
            self.memory.look_up(shown.proposal.instruction)
        self._overlay = LiveOverlay(self.connection.session)
        self.motion_changed.emit()
        self.changed.emit()
