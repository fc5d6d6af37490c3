"""What the Rehearse screen knows: the rehearsal, the motion that is shown, and what may be done now."""

import time

import numpy as np
from PySide6.QtCore import QObject, Signal

from foundation.trajectory import Trajectory
from gui.live.overlay import LiveOverlay, LiveView
from gui.player.playback_clip import PlaybackClip
from gui.rehearse.ask_bar import DEMONSTRATOR, MODEL, REPLAY
from gui.rehearse.shown_motion import ShownMotion
from gui.rehearse.steps import Step
from gui.rehearse.task_history import TaskHistory
from gui.runtime.connection import Connection
from gui.runtime.jobs import Jobs
from gui.runtime.open_library import OpenLibrary
from gui.runtime.single_job import SingleJob
from gui.view3d.meshes import Mesh
from robot.approval.multi_segment_approval import SegmentsApproval
from robot.control.recovery import RecoveryStep
from robot.state import ArmState
from simulation.bench.judging import Verdict
from simulation.bench.tasks import possible_tasks
from workflows.camera_watchdog import CameraWatchdog
from workflows.proposals.model_asker import ModelClient
from workflows.proposals.receding_horizon import Cover, segments_approval_for
from workflows.rehearsal.facts import Part
from workflows.rehearsal.rehearsal import FIRST_SPEED, Rehearsal, RehearsalState

PROPOSE, LOOK, RUN = "propose", "look", "run"  # jobs: a motion is worked out; the bench is looked at; a run begins
_AT_REST = 0.02  # rad/s: what a standing arm reports stays below
_USUAL = {"place": 0, "pick up": 1, "reach": 2}  # which kinds of task are suggested first
_STEPS = {
    RehearsalState.EMPTY: Step.ASK,
    RehearsalState.REJECTED: Step.ASK,
    RehearsalState.PROPOSED: Step.WATCH,
    RehearsalState.APPROVED: Step.APPROVED,
    RehearsalState.RUNNING: Step.RUNNING,
    RehearsalState.DONE: Step.OUTCOME,
    RehearsalState.SAVED: Step.SAVED,
}


class RehearseFacts(QObject):
    """Plain attributes and properties; how they are said stands in `gui.rehearse.phrases`, who changes them in
    `gui.rehearse.asking` and `gui.rehearse.presenter`."""

    changed = Signal()  # the step, or what there is to say about it
    motion_changed = Signal()  # another motion to look at, or none
    live_changed = Signal()  # thirty times a second

    def __init__(self, connection: Connection, jobs: Jobs, parent: QObject | None, library: OpenLibrary | None):
        super().__init__(parent)
        self.connection, self._jobs = connection, jobs
        self.memory = TaskHistory(jobs, library, self)
        self.memory.changed.connect(self.changed)
        self._work = SingleJob(jobs, self, unasked=LOOK)
        self._work.changed.connect(self.changed)
        self.rehearsal = self._new_rehearsal()
        self.shown: ShownMotion | None = None
        self.comparison: PlaybackClip | None = None  # all candidates side by side, while that is looked at
        self.verdict: Verdict | None = None  # what the lab's checker says, in the simulated lab
        self.watched = False  # whether the film was seen to its end
        self.rejected = False  # whether the motion before was rejected
        self.progress = ("", 0.0)
        self.things: tuple[Mesh, ...] = ()  # on the bench, as far as they are known and stand still
        self.asked_at = 0.0  # s monotonic: when the motion that is worked out was asked for
        self.parts: Part | None = None  # which part of a task is at hand, where it is done in parts
        self.cover: Cover | None = None  # the approval of several parts that holds
        self.model = ModelClient()
        self.held_run = False  # whether the motion that runs goes on only while a button is held
        self._overlay = LiveOverlay(connection.session)
        self._drawn: Trajectory | None = None
        self._watch: CameraWatchdog | None = None

    @property
    def step(self) -> Step:
        """Computed from the rehearsal's own state, and whether a motion is being worked out."""
        return Step.WORKING if self._work.name == PROPOSE else _STEPS[self.rehearsal.state]

    @property
    def busy(self) -> bool:
        """Whether a press has to wait for something."""
        return self._work.busy

    @property
    def problem(self) -> str:
        """What went wrong last, '' when nothing did: a sentence for this step."""
        if self._watch is not None and self._watch.reason and self.paused:
            return self._watch.reason
        return self._work.problem or (self.rehearsal.revoked if self.step is Step.WATCH else "")

    @property
    def sources(self) -> tuple[str, ...]:
        """Where motions can come from now, the first of them unless another is chosen."""
        model = (MODEL,) if self.model.available else ()
        return (*model, *((DEMONSTRATOR,) if self.connection.session.simulated else ()), REPLAY)

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
    def can_imagine(self) -> bool:
        """Whether the model that is chosen could imagine a video of the motion that is shown."""
        shown = self.shown
        return shown is not None and shown.proposal.rgb is None and self.model.imagines

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
    def can_press_run(self) -> bool:
        """Whether the button that sets the arm going does something: it runs, holds or goes on."""
        if self.step is Step.RUNNING:
            return self.held_run or self.paused
        return self.can_run or (self.step is Step.APPROVED and self.hold_to_run and self._work.name == RUN)

    @property
    def rests(self) -> bool:
        """Whether the arm stands, as far as is known."""
        status = self.connection.status
        if status is None:
            return True
        moving = status.state in (ArmState.STOPPING, ArmState.FOLLOWING, ArmState.JOGGING)
        return not moving and not bool((np.abs(status.velocity) > _AT_REST).any())

    @property
    def running(self) -> bool:
        """Whether a motion runs, or is being begun."""
        return self.step is Step.RUNNING or self._work.name == RUN

    @property
    def can_judge(self) -> bool:
        """Whether it can be said how the run went: only of an arm that stands again."""
        return self.step is Step.OUTCOME and not self.busy and self.rests

    @property
    def ended_early(self) -> bool:
        """Whether the run was stopped, or ended by a fault."""
        run = self.rehearsal.current_run
        return run is not None and bool(run.fault)

    @property
    def paused(self) -> bool:
        return self.connection.arm_state is ArmState.PAUSED

    @property
    def hold_to_run(self) -> bool:
        """Whether an approved motion goes on only while a button is held."""
        return self.connection.session.settings.hold_to_run

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
        """The cameras now; once a motion runs, with it drawn over them; or with what is being drawn by hand."""
        tracking = self.rehearsal.tracking
        trail = None if tracking is None else tracking.actual
        frame = self.frame_now if self._drawn is None else len(self._drawn) - 1
        return self._overlay.views(frame, trail, self.connection.moments)

    def draw_over(self, way: Trajectory | None) -> None:
        """Show a motion that is being drawn by hand over the live pictures, or none any more."""
        self._drawn = way
        self._overlay = LiveOverlay(self.connection.session, way)

    def allowance(self, wanted: bool) -> SegmentsApproval | None:
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
        return segments_approval_for(plan, proposal, left, speed, (workspace.low, workspace.high))

    def _new_rehearsal(self) -> Rehearsal:
        return Rehearsal(self.connection.session, record_runs=True)
