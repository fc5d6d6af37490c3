"""What the Rehearse screen knows and may do; everything that waits is a job, everything that moves is a press."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from cameras.health import State
from foundation.errors import KnownError
from gui.ask_bar import DEMONSTRATOR, MODEL, REPLAY
from gui.bench_things import bench_things
from gui.connection import Connection
from gui.film import Film
from gui.jobs import Job, Jobs, Work
from gui.live_overlay import LiveOverlay, LiveView
from gui.model_asker import ModelAsker
from gui.open_library import OpenLibrary
from gui.rehearse_memory import RehearseMemory
from gui.rehearse_step import Step
from gui.shown_motion import ShownMotion, shown_motion, side_by_side
from gui.solids import Solid
from robot.allowance import Allowance
from robot.recovery import RecoveryStep
from robot.state import ArmState
from simulation.bench.judging import Verdict
from simulation.bench.tasks import possible_tasks
from simulation.errors import SimulationError
from workflows.model_source import Asking
from workflows.parts import Cover, PartSource, allowance_for
from workflows.proposal import Source
from workflows.rehearsal_facts import Part
from workflows.rehearse import FIRST_SPEED, DemonstratorSource, Rehearsal, RehearsalState, ReplaySource
from workflows.watch import CameraWatch
from workflows.waypoint_edit import EditedSource, WaypointEdit

_LOOK_EVERY = 2.0  # s between looks at the bench while an approval waits
_WORDS_EVERY = 6  # pulls of the connection: words five times a second, pictures thirty times
_SETTLE = 0.4  # s after a motion before the lab judges it: what was let go comes to rest
_USUAL = {"place": 0, "pick up": 1, "reach": 2}  # which kinds of task are suggested first
_PROPOSE, _LOOK = "propose", "look"
_STEPS = {
    RehearsalState.EMPTY: Step.ASK,
    RehearsalState.REJECTED: Step.ASK,
    RehearsalState.PROPOSED: Step.WATCH,
    RehearsalState.APPROVED: Step.APPROVED,
    RehearsalState.RUNNING: Step.RUNNING,
    RehearsalState.DONE: Step.OUTCOME,
    RehearsalState.SAVED: Step.SAVED,
}


class RehearsePresenter(QObject):
    """One rehearsal after the other, over what is connected. Its facts are plain attributes and properties; how they
    are said stands in `gui.rehearse_words`.

    Only one thing that waits is under way at a time. A press while the bench is being looked at waits for that.
    """

    changed = Signal()  # the step, or what there is to say about it
    motion_changed = Signal()  # another motion to look at, or none
    live_changed = Signal()  # thirty times a second
    asked = Signal(str)  # an instruction that led to a motion
    hold_chosen = Signal(bool)  # whether motions go on only while a button is held, for the settings

    def __init__(
        self,
        connection: Connection,
        jobs: Jobs,
        parent: QObject | None = None,
        *,
        library: OpenLibrary | None = None,
    ):
        super().__init__(parent)
        self.connection, self._jobs = connection, jobs
        self.memory = RehearseMemory(jobs, library, self)
        self.memory.changed.connect(self.changed)
        self.rehearsal = self._new_rehearsal()
        self.shown: ShownMotion | None = None
        self.verdict: Verdict | None = None  # what the lab's checker says, in the simulated lab
        self.watched = False  # whether the film was seen to its end
        self.rejected = False  # whether the motion before was rejected
        self.progress = ("", 0.0)
        self.things: tuple[Solid, ...] = ()  # on the bench, as far as they are known and stand still
        self.asked_at = 0.0  # s monotonic: when the motion that is worked out was asked for
        self._problem = ""
        self._job: Job | None = None
        self._afterwards: Callable[[], object] | None = None
        self._question = ("", "", "")
        self._most_parts, self._speed = 1, FIRST_SPEED
        self.parts: Part | None = None  # which part of a task is at hand, where it is done in parts
        self.cover: Cover | None = None  # the approval of several parts that holds
        self.model = ModelAsker()
        self.comparison: Film | None = None  # all candidates side by side, while that is looked at
        self._overlay = LiveOverlay(connection.session)
        self._watch: CameraWatch | None = None
        self._watching = contextlib.ExitStack()
        self._looked, self._pulls = 0.0, 0
        self._presses = 0  # of the button that is held
        self._held, self.held_run = False, False  # whether the hand is on the button, and whether this run needs it
        connection.pulled.connect(self._pulled)
        connection.changed.connect(self._connection_changed)

    # --- what is known ---

    @property
    def step(self) -> Step:
        """Computed from the rehearsal's own state, and whether a motion is being worked out."""
        if self._job is not None and self._job.name == _PROPOSE:
            return Step.WORKING
        return _STEPS[self.rehearsal.state]

    @property
    def busy(self) -> bool:
        """Whether a press has to wait for something."""
        return self._job is not None and self._job.name != _LOOK

    @property
    def problem(self) -> str:
        """What went wrong last, '' when nothing did: a sentence for this step."""
        if self._watch is not None and self._watch.reason and self.paused:
            return self._watch.reason
        return self._problem or (self.rehearsal.revoked if self.step is Step.WATCH else "")

    @property
    def sources(self) -> tuple[str, ...]:
        """Where motions can come from now. The demonstrator first: of what the model that comes with the program says,
        less than half can be run yet, and a first try should show a motion that can be."""
        model = (MODEL,) if self.model.available else ()
        return (*((DEMONSTRATOR,) if self.connection.session.simulated else ()), *model, REPLAY)

    @property
    def suggestions(self) -> tuple[str, ...]:
        """Instructions to choose from: what was asked before, then what the lab understands."""
        session = self.connection.session
        known = [*session.settings.recent_instructions, *self.memory.instructions]
        if session.lab is not None:
            known = [session.settings.lab.instruction, *known]
            tasks = sorted(possible_tasks(session.lab.scene), key=lambda task: _USUAL.get(task.kind, len(_USUAL)))
            known += [task.instruction for task in tasks]
        return tuple(dict.fromkeys(known))

    @property
    def can_ask(self) -> bool:
        connected = self.connection.opened and self.connection.status is not None
        return connected and not self.busy and self.step not in (Step.WORKING, Step.APPROVED, Step.RUNNING)

    @property
    def can_approve(self) -> bool:
        plan = self.rehearsal.plan
        return self.step is Step.WATCH and plan is not None and plan.executable and not self.busy

    @property
    def next_recovery(self) -> RecoveryStep | None:
        """What has to be done until the arm is ready, one press at a time."""
        status = self.connection.status
        steps = () if status is None else status.steps
        return next((step for step in steps if step is not RecoveryStep.REMOVE_CAUSE), None)

    @property
    def can_run(self) -> bool:
        return self.step is Step.APPROVED and self.connection.arm_state is ArmState.HOLDING and not self.busy

    @property
    def paused(self) -> bool:
        return self.connection.arm_state is ArmState.PAUSED

    @property
    def approval_left(self) -> float:
        """Seconds until the approval is too old."""
        approval = self.rehearsal.approval
        return 0.0 if approval is None else max(0.0, approval.until - time.monotonic())

    @property
    def frame_now(self) -> int:
        """The frame that the running motion has reached."""
        tracking, run = self.rehearsal.tracking, self.rehearsal.current_run
        if self.shown is None or tracking is None or not len(tracking):
            return 0
        if run is not None and run.over and not run.fault:
            return len(self.shown.film) - 1
        return self.shown.frame_at(float(tracking.moments[-1]))

    @property
    def overlay(self) -> LiveOverlay:
        return self._overlay

    def live_views(self) -> list[LiveView]:
        """The cameras now; once a motion runs, with it drawn over them."""
        tracking = self.rehearsal.tracking
        trail = None if tracking is None else tracking.actual
        return self._overlay.views(self.frame_now, trail, self.connection.moments)

    # --- presses that move nothing ---

    def ask(self, instruction: str, source: str, file: str = "") -> None:
        """Work out a motion for the present scene and show it."""
        if not self.can_ask:
            return
        self._question = (instruction, source, file)
        self.cover = None
        self.parts = Part(1, self._most_parts, "") if self._most_parts > 1 and source != REPLAY else None
        self._propose(instruction, self._source(source, file))

    def ask_again(self) -> None:
        """The same instruction, from the present pictures."""
        if self._question[0]:
            self.ask(*self._question)

    def cancel(self) -> None:
        """Give up working out a motion."""
        if self._job is not None and self._job.name == _PROPOSE:
            self._job.cancel()

    def choose(self, number: int) -> None:
        """Look at another of the candidates; what was approved before is revoked."""
        if self.step is not Step.WATCH or self.busy:
            return
        rehearsal = self.rehearsal

        def work(*_: Any) -> ShownMotion:
            proposal = rehearsal.choose(number)
            assert rehearsal.plan is not None
            return shown_motion(proposal, rehearsal.plan)

        self._when_free(lambda: self._begin(work, "choose").on(done=self._show))

    def edit(self, change: WaypointEdit) -> None:
        """Plan and check the motion with one waypoint moved; it is a rehearsal of its own, to be approved anew."""
        shown = self.shown
        if shown is not None and self.step in (Step.WATCH, Step.APPROVED) and not self.busy:
            self.parts, self.cover = None, None  # what is moved by hand is a motion by itself
            source = EditedSource(shown.plan.intended, change, shown.proposal.id)
            self._when_free(lambda: self._propose(shown.proposal.instruction, source))

    @property
    def can_imagine(self) -> bool:
        """Whether the model that is chosen could imagine a video of the motion that is shown."""
        shown = self.shown
        return shown is not None and shown.proposal.rgb is None and self.model.imagines

    def what_if(self) -> None:
        """Let the model imagine what the motion that is shown would look like."""
        shown = self.shown
        if shown is not None and self.can_imagine and self.step is Step.WATCH and not self.busy:
            source = self.model.what_if(shown.plan.intended, shown.proposal.id)
            self._when_free(lambda: self._propose(shown.proposal.instruction, source))

    def compare(self, wanted: bool) -> None:
        """All candidates side by side, or again the one that was chosen."""
        if not wanted or self.step is not Step.WATCH:
            if self.comparison is not None:
                self.comparison = None
                self.motion_changed.emit()
            return
        candidates = self.rehearsal.candidates
        self._when_free(lambda: self._begin(lambda *_: side_by_side(candidates), "compare").on(done=self._compared))

    def note_frame(self, frame: int) -> None:
        """A frame was looked at."""
        if self.comparison is not None:
            return
        if self.shown is not None and frame >= len(self.shown.film) - 1 and not self.watched:
            self.watched = True
            self.changed.emit()

    def reject(self, reason: str) -> None:
        if self.step in (Step.WATCH, Step.APPROVED):
            self._when_free(lambda: self._begin(lambda *_: self._reject(reason), "reject").on(done=self._rejected))

    def approve(self, *, further_parts: bool = False) -> None:
        """Stage exactly the motion that is shown. Nothing moves yet. `further_parts`: the ones after it too, as
        `allowance` says."""
        if not self.can_approve:
            return
        self._looked = time.monotonic()
        rehearsal, allowance = self.rehearsal, self.allowance(further_parts)

        def work(*_: Any) -> None:
            if allowance is not None and self.cover is None:
                self.cover = rehearsal.allow(allowance)
            rehearsal.approve(self.cover)

        self._begin(work, "approve").on(done=lambda _: self._run_covered(), failed=lambda _: self._uncover())

    def allowance(self, wanted: bool) -> Allowance | None:
        """What approving further parts would cover, or what is covered already; None for one motion alone."""
        if self.cover is not None:
            return self.cover.allowance
        plan, parts, robot = self.rehearsal.plan, self.parts, self.connection.robot
        proposal = self.rehearsal.proposal
        if not wanted or parts is None or plan is None or proposal is None or robot is None:
            return None
        if parts.number >= parts.most:
            return None
        workspace = robot.limits.workspace
        left = parts.most - parts.number + 1
        speed = self.memory.good_speed or FIRST_SPEED
        return allowance_for(plan, proposal, left, speed, (workspace.low, workspace.high))

    def use(self, folder: Path | None, asking: Asking, parts: int) -> None:
        """How the next question is asked."""
        self.model.use(folder, asking)
        self._most_parts = parts

    def take_back(self) -> None:
        """Take the approval back, also that of further parts; the motion stays to be looked at."""
        if self.step is Step.APPROVED:
            self.cover = None
            words = "The approval was taken back."
            self._when_free(lambda: self._begin(lambda *_: self.rehearsal.revoke(words), "take back"))

    def make_ready(self) -> None:
        """The next step until the arm is ready; none of them moves it."""
        robot, step = self.connection.robot, self.next_recovery
        if robot is not None and step is not None:
            self._when_free(lambda: self._begin(lambda *_: robot.recover(step), "make ready"))

    def finish(self, success: bool, note: str, keep: bool = False) -> None:
        """Store how it went; with `keep` the run becomes a demonstration in the library."""
        if self.step is Step.OUTCOME and not self.busy:
            self._begin(lambda *_: self.rehearsal.finish(success, note, keep=keep), "store")

    def begin_new(self) -> None:
        """Ready for the next instruction."""
        if self.step in (Step.SAVED, Step.ASK) and not self.busy:
            self._over()

    # --- presses that move, and that end a motion ---

    def run(self, speed: float) -> None:
        """Start the approved motion at this part of its planned speed."""
        if self.can_run:
            self._speed = speed
            self._when_free(lambda: self._start(speed))

    def pause_or_continue(self) -> None:
        robot, paused = self.connection.robot, self.paused
        if robot is not None and self.step is Step.RUNNING:
            self._when_free(
                lambda: self._begin(lambda *_: robot.resume() if paused else robot.pause(), "pause or go on")
            )

    @property
    def hold_to_run(self) -> bool:
        """Whether an approved motion goes on only while a button is held."""
        return self.connection.session.settings.hold_to_run

    def choose_hold(self, hold: bool) -> None:
        if self.step is Step.APPROVED and hold != self.hold_to_run:
            self.hold_chosen.emit(hold)
            self.changed.emit()

    def hold(self, held: bool) -> None:
        """The hand takes the button of a motion that needs it, or lets it go; the robot process watches over that."""
        self._presses += held and not self._held
        self._held = held
        self._tell_hand()

    def stop(self) -> None:
        self.connection.stop()

    def close(self) -> None:
        """End what this has begun; waits, so only when the window closes."""
        self._watching.close()
        self.rehearsal.close()
        self.model.close()

    # --- parts ---

    def _new_rehearsal(self) -> Rehearsal:
        return Rehearsal(self.connection.session, record_runs=True)

    def _source(self, name: str, file: str) -> Source:
        session = self.connection.session
        if name == REPLAY:
            return ReplaySource(session, Path(file))
        return self.model.source() if name == MODEL and self.model.available else DemonstratorSource(session)

    def _propose(self, instruction: str, origin: Source) -> None:
        """Begin a rehearsal of its own, and show what this source proposes."""
        session, before, part = self.connection.session, self.rehearsal, self.parts
        covered = self.cover is not None
        if part is not None:
            origin = PartSource(origin, part.number, part.most)
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
            self.things = () if session.lab is None else bench_things(session.lab)
            return shown_motion(proposal, rehearsal.plan)

        job = self._begin(work, _PROPOSE)
        job.on(done=self._proposed, progress=self._progressed, cancelled=lambda: self._show(None))

    def _compared(self, film: Film) -> None:
        self.comparison = film
        self.motion_changed.emit()

    def _start(self, speed: float) -> None:
        robot, rehearsal = self.connection.robot, self.rehearsal
        assert robot is not None and self.shown is not None
        session = self.connection.session
        self._overlay = LiveOverlay(session, self.shown.plan.intended)
        hold, self.held_run = self.hold_to_run, self.hold_to_run
        self._held = False
        watch = CameraWatch(robot, {session.names[each]: capture for each, capture in session.captures.items()})

        def work(*_: Any) -> None:
            rehearsal.run(speed, hold=hold)
            self._watching.enter_context(watch)

        self._watch, self.things = watch, ()
        self._begin(work, "run")

    def _tell_hand(self) -> None:
        """Thirty times a second while the button is held; a window that stalls lets go."""
        robot = self.connection.robot
        if self._held and self.step is Step.RUNNING and robot is not None and not robot.lost:
            with contextlib.suppress(KnownError):  # the status tells
                robot.hold(self._presses)

    def _pulled(self) -> None:
        self._pulls += 1
        self._tell_hand()
        if self._job is None:
            before = self.rehearsal.state
            try:
                self.rehearsal.update()
            except KnownError as error:
                self._problem = str(error)
            if self.rehearsal.state is not before:
                self._state_changed()
            elif self._look_is_due:
                self._looked = time.monotonic()
                self._begin(lambda *_: self.rehearsal.look(), _LOOK)
        self.live_changed.emit()
        if self._pulls % _WORDS_EVERY == 0:
            self.changed.emit()

    @property
    def _look_is_due(self) -> bool:
        """Whether the bench should be compared again with what was shown; while a camera is slow, only Run does."""
        due = self.step is Step.APPROVED and time.monotonic() - self._looked > _LOOK_EVERY
        captures = self.connection.session.captures.values()
        return due and all(capture.state is State.LIVE for capture in captures)

    def _state_changed(self) -> None:
        """The rehearsal went on by itself: a motion ended, or an approval is no longer good."""
        if self.step is Step.WATCH:
            self.cover = None  # what ended trust in this motion ended it for further parts
        if self.step is Step.OUTCOME:
            lab, proposal = self.connection.session.lab, self.rehearsal.proposal

            def work(token, report) -> None:
                self._watching.close()
                token.wait(_SETTLE)
                self.rehearsal.end_recording()
                self.things = () if lab is None else bench_things(lab)
                with contextlib.suppress(SimulationError):  # a replay may be called what the lab has no checker for
                    self.verdict = None if lab is None or proposal is None else lab.judge(proposal.instruction)

            self._begin(work, "judge").on(done=lambda _: self._go_on())
        self.changed.emit()

    def _proposed(self, shown: ShownMotion) -> None:
        self.asked.emit(shown.proposal.instruction)
        self._show(shown)
        if self.cover is not None and shown.plan.executable:
            self._afterwards = self.approve  # the robot process says whether that is covered

    def _run_covered(self) -> None:
        """A further part that was approved with the first one is run as that was."""
        if self.cover is not None and self.parts is not None and self.parts.number > 1:
            self._afterwards = lambda: self.run(self._speed)

    def _uncover(self) -> None:
        """What was approved for further parts does not hold here: this one needs a person."""
        self.cover = None

    def _go_on(self) -> None:
        """Where the task has further parts, ask for the next one as soon as this one is stored."""
        run, parts = self.rehearsal.current_run, self.parts
        if run is not None and run.fault:
            self.cover = None  # the robot process has forgotten it too
        done = self.verdict is not None and self.verdict.success
        if parts is None or run is None or run.fault or done or parts.number >= parts.most:
            return
        self.parts = replace(parts, number=parts.number + 1)
        instruction, source, file = self._question
        rehearsal, note = self.rehearsal, f"part {parts.number} of {parts.most}"
        self._afterwards = lambda: self._begin(lambda *_: rehearsal.finish(None, note), "store").on(
            done=lambda _: self._next_part(instruction, source, file)
        )

    def _next_part(self, instruction: str, source: str, file: str) -> None:
        self._afterwards = lambda: self._propose(instruction, self._source(source, file))

    def _progressed(self, words: str, share: float) -> None:
        self.progress = (words, share)
        self.changed.emit()

    def _over(self) -> None:
        """This rehearsal has ended; nothing is shown any more."""
        self.rehearsal = self._new_rehearsal()
        self.parts, self.cover = None, None
        self.rejected = False
        self._show(None)

    def _reject(self, reason: str) -> None:
        self.rehearsal.reject(reason)
        self.rehearsal.withdraw("The motion was rejected.")

    def _rejected(self, _: object) -> None:
        self._over()
        self.rejected = True

    def _show(self, shown: ShownMotion | None) -> None:
        self.shown, self.verdict, self.watched, self._problem = shown, None, False, ""
        self._watch, self.comparison, self.model.preview = None, None, None
        if shown is not None:
            self.memory.look_up(shown.proposal.instruction)
        self._overlay = LiveOverlay(self.connection.session)
        self.motion_changed.emit()
        self.changed.emit()

    def _when_free(self, act: Callable[[], object]) -> None:
        """Now, or as soon as the look at the bench is over; a press during anything else is not taken."""
        if self._job is None:
            act()
        elif self._job.name == _LOOK:
            self._afterwards = act

    def _begin(self, work: Work, name: str) -> Job:
        """Start the one job; what goes wrong is said at this step."""
        self._problem = ""
        self._job = self._jobs.run(work, name=name)
        self._job.on(failed=self._failed, ended=self._ended)
        self.changed.emit()
        return self._job

    def _failed(self, error: KnownError) -> None:
        self._problem = str(error)

    def _ended(self) -> None:
        self._job = None
        afterwards, self._afterwards = self._afterwards, None
        if afterwards is not None:
            afterwards()
        self.changed.emit()

    def _connection_changed(self) -> None:
        self._overlay = LiveOverlay(self.connection.session)
        self.changed.emit()
