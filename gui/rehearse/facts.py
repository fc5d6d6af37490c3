"""State of the Rehearse screen: the rehearsal, the motion on display, and the permitted actions."""

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

PROPOSE, LOOK, RUN = "propose", "look", "run"  # jobs: a motion is generated; the scene is checked; a run starts
_AT_REST = 0.02  # rad/s; above the noise of a standing arm
_USUAL = {"place": 0, "pick up": 1, "reach": 2}  # order in which kinds of task are suggested
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
    """Attributes and properties only: `phrases` turns them into text, `asking` and `presenter` change them."""

    changed = Signal()  # the step, or its texts
    motion_changed = Signal()  # another motion on display, or none
    live_changed = Signal()  # at 30 Hz

    def __init__(self, connection: Connection, jobs: Jobs, parent: QObject | None, library: OpenLibrary | None):
        super().__init__(parent)
        self.connection, self._jobs = connection, jobs
        self.memory = TaskHistory(jobs, library, self)
        self.memory.changed.connect(self.changed)
        self._work = SingleJob(jobs, self, unasked=LOOK)
        self._work.changed.connect(self.changed)
        self.rehearsal = self._new_rehearsal()
        self.shown: ShownMotion | None = None
        self.comparison: PlaybackClip | None = None  # all candidates side by side, while they are on display
        self.verdict: Verdict | None = None  # of the lab's task checker, in simulation
        self.watched = False  # the video was shown to its end
        self.rejected = False  # the previous motion was rejected
        self.progress = ("", 0.0)
        self.things: tuple[Mesh, ...] = ()  # objects on the bench, while they are known and stand still
        self.asked_at = 0.0  # s monotonic, start of the current request
        self.parts: Part | None = None  # current part of a task that is done in parts
        self.cover: Cover | None = None  # valid approval of several parts
        self.model = ModelClient()
        self.held_run = False  # the current motion runs only while a button is held
        self._overlay = LiveOverlay(connection.session)
        self._drawn: Trajectory | None = None
        self._watch: CameraWatchdog | None = None

    @property
    def step(self) -> Step:
        """Current step, from the rehearsal's state and whether a motion is being generated."""
        return Step.WORKING if self._work.name == PROPOSE else _STEPS[self.rehearsal.state]

    @property
    def busy(self) -> bool:
        """Whether a job runs during which presses are not accepted."""
        return self._work.busy

    @property
    def problem(self) -> str:
        """Last error, as a message for this step; '' when there is none."""
        if self._watch is not None and self._watch.reason and self.paused:
            return self._watch.reason
        return self._work.problem or (self.rehearsal.revoked if self.step is Step.WATCH else "")

    @property
    def sources(self) -> tuple[str, ...]:
        """Available sources of motions; the first is the default."""
        model = (MODEL,) if self.model.available else ()
        return (*model, *((DEMONSTRATOR,) if self.connection.session.simulated else ()), REPLAY)

    @property
    def suggestions(self) -> tuple[str, ...]:
        """Suggested instructions: earlier ones first, then those the lab understands."""
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
        """Whether the selected model can generate a video of the motion on display."""
        shown = self.shown
        return shown is not None and shown.proposal.rgb is None and self.model.imagines

    @property
    def can_approve(self) -> bool:
        plan = self.rehearsal.plan
        return self.step is Step.WATCH and plan is not None and plan.executable and not self.busy

    @property
    def next_recovery(self) -> RecoveryStep | None:
        """Next recovery step until the arm is ready, one per press; None when there is none."""
        status = self.connection.status
        steps = () if status is None else status.steps
        return next((step for step in steps if step is not RecoveryStep.REMOVE_CAUSE), None)

    @property
    def can_run(self) -> bool:
        return self.step is Step.APPROVED and self.connection.arm_state is ArmState.HOLDING and not self.busy

    @property
    def can_press_run(self) -> bool:
        """Whether the button that moves the arm has a function: run, hold or continue."""
        if self.step is Step.RUNNING:
            return self.held_run or self.paused
        return self.can_run or (self.step is Step.APPROVED and self.hold_to_run and self._work.name == RUN)

    @property
    def rests(self) -> bool:
        """Whether the arm stands still, as far as known."""
        status = self.connection.status
        if status is None:
            return True
        moving = status.state in (ArmState.STOPPING, ArmState.FOLLOWING, ArmState.JOGGING)
        return not moving and not bool((np.abs(status.velocity) > _AT_REST).any())

    @property
    def running(self) -> bool:
        """Whether a motion is running or starting."""
        return self.step is Step.RUNNING or self._work.name == RUN

    @property
    def can_judge(self) -> bool:
        """Whether the outcome of the run may be entered: only once the arm stands still."""
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
        """Whether an approved motion runs only while a button is held."""
        return self.connection.session.settings.hold_to_run

    @property
    def approval_left(self) -> float:
        """Time until the approval expires, s."""
        approval = self.rehearsal.approval
        return 0.0 if approval is None else max(0.0, approval.until - time.monotonic())

    @property
    def frame_now(self) -> int:
        """Index of the frame that the running motion has reached."""
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
        """Return the live views, with the running motion drawn over them, or one that is being drawn by hand."""
        tracking = self.rehearsal.tracking
        trail = None if tracking is None else tracking.actual
        frame = self.frame_now if self._drawn is None else len(self._drawn) - 1
        return self._overlay.views(frame, trail, self.connection.moments)

    def draw_over(self, way: Trajectory | None) -> None:
        """Show a motion that is being drawn by hand over the live images; None removes it."""
        self._drawn = way
        self._overlay = LiveOverlay(self.connection.session, way)

    def allowance(self, wanted: bool) -> SegmentsApproval | None:
        """Return what approving further parts covers, or already covers; None for a single motion."""
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
