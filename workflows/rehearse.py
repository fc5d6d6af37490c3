"""See the motion, approve it, run it: one instruction's way from a proposal to a stored outcome, without Qt."""

import contextlib
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foundation.clocks import utc_now
from foundation.errors import KnownError
from foundation.trajectory import Scene
from robot.allowance import Allowance
from robot.client import RobotClient
from robot.errors import LinkError, RobotError
from robot.findings import Level
from robot.plan import Plan
from robot.staging import Staged
from robot.state import Activity
from robot.status import RobotStatus
from workflows.cancellation import Cancellation, Report, silently
from workflows.parts import Cover
from workflows.proposal import Proposal, Source
from workflows.rehearsal_facts import Approval, Candidate, Facts, Outcome, Part, RehearsalState, Run
from workflows.rehearsal_files import write_proposal, write_record, write_run
from workflows.rehearsal_plan import plan_for
from workflows.scene_change import what_changed
from workflows.session import NotConnectedError, Session
from workflows.sources import DemonstratorSource, ReplaySource
from workflows.tracking import Tracking, track
from workflows.trajectory_file import load_trajectory, save_trajectory

if TYPE_CHECKING:
    from workflows.run_recording import RunRecording

__all__ = [
    "Approval",
    "Candidate",
    "DemonstratorSource",
    "Outcome",
    "Proposal",
    "Rehearsal",
    "RehearsalError",
    "RehearsalState",
    "ReplaySource",
    "Run",
    "Source",
    "load_trajectory",
    "save_trajectory",
]

FIRST_SPEED = 0.25  # of the planned speed: what a motion is tried at first
_LOOK_AGAIN = 1.0  # s after which an approval's look at the scene is too old to start on
_UNDER_WAY = (Activity.FOLLOWING, Activity.BRAKING)


class RehearsalError(KnownError):
    """What was asked for does not fit the rehearsal's present state."""


class Rehearsal:
    """One screen's or one command's rehearsals, one after the other, on a session that is open.

    `propose`, `choose`, `approve`, `run`, `reject`, `end_recording`, `finish`, `look` and `close` wait (for pictures,
    for the robot process, for the disk): a window runs them as jobs, one at a time. `update` and the properties never
    wait. `operator` is who approves. With `record_runs` each run is filmed, and `close` has to be called.
    """

    def __init__(self, session: Session, *, operator: str = "", library: Path | None = None, record_runs: bool = False):
        self.session = session
        self._record_runs = record_runs
        self._recording: RunRecording | None = None
        self.recording_problem = ""
        self.operator = operator or session.settings.operator
        self._library = library
        self._facts = Facts()
        self._lock = threading.RLock()
        self._began = 0.0
        self._starting = False  # the robot process is being asked to begin: from then on it holds the plan no more

    # --- what is known ---

    @property
    def state(self) -> RehearsalState:
        return self._facts.state

    @property
    def proposal(self) -> Proposal | None:
        return self._facts.proposal

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """What can be chosen from, the most promising first; the one that is shown is among them."""
        return self._facts.candidates

    @property
    def plan(self) -> Plan | None:
        """The plan that is shown, with its findings; its digest is what an approval is for."""
        return self._facts.plan

    @property
    def approval(self) -> Approval | None:
        return self._facts.approval

    @property
    def revoked(self) -> str:
        """Why an approval is no longer good, '' when there is none or it is."""
        return self._facts.revoked

    @property
    def current_run(self) -> Run | None:
        return self._facts.run

    @property
    def tracking(self) -> Tracking | None:
        """What was measured during the run so far; None before it."""
        return self._facts.tracking

    @property
    def outcome(self) -> Outcome | None:
        return self._facts.outcome

    @property
    def folder(self) -> Path | None:
        """Where this rehearsal is stored."""
        return self._facts.folder

    @property
    def seconds(self) -> dict[str, float]:
        """How long each stage took: "scene", "propose", "plan", "store", "approve", "run"."""
        return dict(self._facts.seconds)

    # --- the operator's steps ---

    def propose(
        self,
        instruction: str,
        source: Source,
        report: Report = silently,
        token: Cancellation | None = None,
        *,
        part: Part | None = None,
    ) -> Proposal:
        """Ask the source, plan, and store. Whatever was approved before is revoked, but for an approval of several
        parts after one of them was run. Nothing moves. `part`: this is one of several parts of a task.
        """
        token = token or Cancellation()
        if self.state is RehearsalState.RUNNING:
            raise RehearsalError("The arm is still moving. Let it finish, or stop it, first.")
        self._take_back("Another motion was asked for.")
        self.close()
        self._facts = Facts()
        instruction = instruction.strip()
        if not instruction:
            raise RehearsalError("Type what the arm should do first.")
        report("Looking at the scene", 0.0)
        scene = self._timed("scene", self.session.take_scene)
        proposal = self._timed("propose", lambda: source.propose(instruction, scene, report, token))
        token.raise_if_cancelled()
        report("Planning the motion", 0.85)
        candidates = self._timed("plan", lambda: self._planned(proposal, token))
        if part is not None:
            self._change(part=replace(part, first=part.first or candidates[0].proposal.id))
        report("Storing the rehearsal", 0.95)
        self._adopt(candidates[0], candidates)
        report("Ready to be watched", 1.0)
        return candidates[0].proposal

    def choose(self, number: int) -> Proposal:
        """Look at another of the candidates instead; an approval of the one before is revoked, and nothing moves."""
        self._require(RehearsalState.PROPOSED, RehearsalState.APPROVED)
        before = self._facts
        assert before.proposal is not None
        chosen = before.candidates[number]
        if chosen.proposal is before.proposal:
            return chosen.proposal
        self._take_back("Another candidate was chosen.")
        # A rehearsal of its own: what was said of the one before stays said.
        proposal = replace(chosen.proposal, id=str(uuid.uuid4()), begun_from=before.proposal.id)
        chosen = replace(chosen, proposal=proposal)
        candidates = tuple(chosen if i == number else each for i, each in enumerate(before.candidates))
        self._facts = Facts(seconds=before.seconds, part=before.part)
        self._adopt(chosen, candidates)
        return proposal

    def reject(self, reason: str = "") -> None:
        """The operator does not want this motion."""
        self._require(RehearsalState.PROPOSED, RehearsalState.APPROVED)
        self._take_back("The motion was rejected.")
        self._change(rejected=reason)
        self._store()

    @property
    def part(self) -> Part | None:
        """Which part of a task this is, None when it is the whole of it."""
        return self._facts.part

    def allow(self, allowance: Allowance) -> Cover:
        """The operator approves this motion and further parts like it at once; the robot process keeps to that.

        Each part has still to be approved under the cover that is given back, which no person has to do.
        """
        self._require(RehearsalState.PROPOSED)
        return Cover(self._robot.allow(allowance), allowance)

    def withdraw(self, reason: str) -> None:
        """Whatever the robot process still holds approved, also further parts, is forgotten."""
        robot = self.session.robot
        if robot is not None and not robot.lost:
            with contextlib.suppress(RobotError):  # refused after a stop, or no process: both have revoked it already
                robot.revoke(reason)

    def approve(self, cover: Cover | None = None) -> Approval:
        """The operator wants exactly the plan that is shown: it is staged in the robot process. Nothing moves yet.

        `cover`: under an approval for several parts; what it does not cover is refused by the robot process.
        Raises RehearsalError when the plan must not be executed, or the scene is no longer the one that was shown.
        """
        self._require(RehearsalState.PROPOSED)
        plan = self._facts.plan
        assert plan is not None
        refusals = [finding for finding in plan.findings if finding.level is Level.REFUSAL]
        if refusals:
            raise RehearsalError(f"This motion must not be run: {refusals[0].sentence}")
        changed = self._changed()
        if changed:
            raise RehearsalError(f"Since the pictures were taken, {changed}. Ask for the motion again.")
        staged = self._timed("approve", lambda: self._staged(plan, cover))
        if staged.digest != plan.digest:
            self._robot.revoke("The plan was changed on its way.")
            raise RehearsalError("The robot process holds another plan than the one shown. Ask for the motion again.")
        now = time.monotonic()
        approval = Approval(staged, self.operator, utc_now().isoformat(), now, now + staged.expires_in_s)
        given = {"digest": staged.digest, "who": approval.who, "when": approval.when}
        covered = "" if cover is None else cover.allowance.words
        self._change(approval=approval, revoked="", covered_by=covered, approvals=(*self._facts.approvals, given))
        try:
            self._store()
        except KnownError:
            self.revoke("The approval could not be stored.")
            raise
        return approval

    def revoke(self, reason: str) -> None:
        """Take the approval back; the plan can be approved again while the scene is as it was."""
        if self.state is RehearsalState.APPROVED:
            self._take_back(reason)
            self._change(approval=None, revoked=reason)
            self._store()

    def run(self, speed: float = FIRST_SPEED, *, hold: bool = False) -> None:
        """Start the approved motion; returns once the arm's controller is being sent it. `update` follows it.

        With `hold` the arm moves only while the robot's `hold` is called again and again.
        """
        self._require(RehearsalState.APPROVED)
        approval = self._facts.approval
        assert approval is not None
        self._begin_recording()
        try:
            if time.monotonic() - approval.looked > _LOOK_AGAIN:
                self.look()
                self._require(RehearsalState.APPROVED)
            self._start(approval, speed, hold)
        except BaseException:
            self._drop_recording()
            raise

    @property
    def recorded(self) -> bool:
        """Whether the run was filmed and can still be kept as a demonstration."""
        return self._recording is not None

    def end_recording(self) -> None:
        """The run is over: nothing more is filmed. Without a recording this does nothing."""
        if self._recording is not None:
            self._recording.stop()

    def finish(self, success: bool | None, note: str = "", *, keep: bool = False) -> None:
        """Store how it went, in the operator's judgement; with `keep` the film of the run becomes a demonstration."""
        self.update()
        self._require(RehearsalState.DONE)
        if keep and self._recording is None:
            raise RehearsalError(f"This run was not recorded. {self.recording_problem}".strip())
        facts = self._facts
        try:
            if facts.folder is not None and facts.tracking is not None and len(facts.tracking):
                write_run(facts.folder, 1, facts.tracking)
            self._settle_recording(success, note, keep)
            self._change(outcome=Outcome(success, note, utc_now().isoformat()))
            self._store()
        except KnownError:
            self._change(outcome=None)
            raise

    def close(self) -> None:
        """Let go of the recording of a run that nobody judged; it stays beside the rehearsal."""
        if self._recording is not None:
            self._settle_recording(None, "", keep=False)

    # --- meanwhile ---

    def look(self) -> None:
        """Whether scene, calibration and arm are still as they were shown; an approval is revoked if not."""
        approval = self._facts.approval
        if self.state is not RehearsalState.APPROVED or approval is None:
            return
        try:
            changed = self._changed()
        except KnownError as error:
            self.revoke(str(error))
            raise
        if changed:
            reason = f"Since the pictures were taken, {changed}. Ask for the motion again."
            self.revoke(reason)
            raise RehearsalError(reason)
        with self._lock:  # `update` may have found out meanwhile that the approval is no longer good
            if self._facts.approval is approval:
                self._change(approval=replace(approval, looked=time.monotonic()))

    def update(self) -> None:
        """Take in what the robot process said: the run's samples and its end, and whether an approval still stands."""
        facts, robot = self._facts, self.session.robot
        if facts.approval is not None and facts.run is None:
            self._check_approval(facts.approval)
        if facts.run is None or facts.run.over or facts.plan is None:
            return
        if robot is None:
            self._end("The arm was disconnected.")
            return
        new = track(facts.plan, robot.take_samples())
        self._change(tracking=new if facts.tracking is None else facts.tracking.joined(new))
        try:
            status = robot.settled_status
        except LinkError as error:
            self._end(str(error))
            return
        if status is not None:
            self._change(run=replace(facts.run, progress=max(facts.run.progress, status.progress)))
            if status.activity not in _UNDER_WAY:
                self._end(_fault(status))

    def wait(self, each: Callable[[], None] = lambda: None) -> Run:
        """Until the run is over, for use without a window; `each` is called fifty times a second."""
        while self.state is RehearsalState.RUNNING:
            self.update()
            each()
            time.sleep(0.02)
        run = self._facts.run
        if run is None:
            raise RehearsalError("Nothing was run.")
        return run

    # --- parts ---

    def _planned(self, proposal: Proposal, token: Cancellation) -> tuple[Candidate, ...]:
        """Every candidate with its plan: those that can be done first, each in the order of its source."""
        found = []
        for each in (replace(proposal, others=()), *proposal.others):
            token.raise_if_cancelled()
            found.append(Candidate(each, plan_for(self.session, each)))
        return tuple(sorted(found, key=lambda candidate: not candidate.plan.executable))

    def _adopt(self, chosen: Candidate, candidates: tuple[Candidate, ...]) -> None:
        """From now on this one is shown; it is stored before anything else can be done with it."""
        proposal, plan = chosen.proposal, chosen.plan
        now = utc_now().isoformat()
        self._change(proposal=proposal, plan=plan, candidates=candidates, made=now, operator=self.operator)
        try:
            record = self._facts.record(self.session.settings)
            folder = self._timed("store", lambda: write_proposal(self._library_folder(), proposal, plan, record))
        except KnownError:
            self._facts = Facts()
            raise
        self._change(folder=folder)

    def _staged(self, plan: Plan, cover: Cover | None) -> Staged:
        if cover is None:
            return self._robot.stage(plan.to_bytes())
        assert self._facts.proposal is not None
        return self._robot.stage(plan.to_bytes(), cover=cover.token, instruction=self._facts.proposal.instruction)

    def _start(self, approval: Approval, speed: float, hold: bool) -> None:
        part = self._facts.part
        if self.session.lab is not None and (part is None or part.number == 1):
            self.session.lab.begin()  # what the task is judged from
        robot = self._robot
        robot.take_samples()
        self._starting = True
        try:
            robot.execute(approval.staged.nonce, speed, hold=hold)
            self._began = time.monotonic()
            self._change(run=Run(utc_now().isoformat(), speed), tracking=None)
        finally:
            self._starting = False

    def _begin_recording(self) -> None:
        """A run that cannot be filmed is run all the same; why stands in `recording_problem`."""
        proposal = self._facts.proposal
        if not self._record_runs or self._recording is not None or proposal is None:
            return
        from workflows.run_recording import RunRecording  # the library behind it takes long to load

        self.recording_problem = ""
        try:
            self._recording = RunRecording(self.session, self._library_folder(), proposal.instruction, self.operator)
        except KnownError as error:
            self.recording_problem = str(error)

    def _drop_recording(self) -> None:
        recording, self._recording = self._recording, None
        if recording is not None:
            recording.discard()

    def _settle_recording(self, success: bool | None, note: str, keep: bool) -> None:
        recording, folder = self._recording, self._facts.folder
        if recording is None:
            return
        if keep:
            kept = recording.keep(success, note)
            self._change(episode=str(kept.id))
        elif folder is not None:
            recording.put_aside(folder)
        self._recording = None

    @property
    def _robot(self) -> RobotClient:
        robot = self.session.robot
        if robot is None:
            raise NotConnectedError("The arm is not connected. Connect it first.")
        return robot

    def _changed(self) -> str:
        """'' or what is no longer as it was when the motion was proposed."""
        proposal = self._facts.proposal
        assert proposal is not None
        now: Scene = self.session.take_scene()
        return what_changed(proposal.scene, now)

    def _check_approval(self, approval: Approval) -> None:
        """The robot process forgets a plan by itself: after a stop, a jog, ten minutes."""
        try:
            status = self._robot.settled_status
            held = status is None or status.staged == approval.staged.digest
            late = time.monotonic() >= approval.until
            why = "it was older than ten minutes" if late else "the arm was stopped, moved or changed since"
            reason = "" if held else f"The approval is no longer good: {why}. Approve the motion again."
        except (LinkError, NotConnectedError):
            reason = "The arm was disconnected. Connect it, then approve again."
        with self._lock:  # `run` may have used it meanwhile, or another one been given
            present = self._facts.approval is approval and self._facts.run is None
            if reason and present and not self._starting:
                self._change(approval=None, revoked=reason)

    def _take_back(self, reason: str) -> None:
        if self._facts.approval is not None and self._facts.run is None:
            self.withdraw(reason)

    def _end(self, fault: str) -> None:
        run = self._facts.run
        assert run is not None
        self._facts.seconds["run"] = time.monotonic() - self._began
        self._change(run=replace(run, over=True, fault=fault))

    def _require(self, *states: RehearsalState) -> None:
        if self.state not in states:
            detail = f" {self.revoked}" if self.revoked else ""
            raise RehearsalError(f"This motion is {self.state}, not {' or '.join(states)}.{detail}")

    def _timed(self, name: str, act: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        result = act()
        self._facts.seconds[name] = time.perf_counter() - began
        return result

    def _change(self, **changes: Any) -> None:
        with self._lock:
            self._facts = replace(self._facts, **changes)

    def _library_folder(self) -> Path:
        return self._library or self.session.library_folder

    def _store(self) -> None:
        if self._facts.folder is not None:
            write_record(self._facts.folder, self._facts.record(self.session.settings))


def _fault(status: RobotStatus) -> str:
    """'' when the motion came to its end, else why not."""
    if status.fault:
        return status.fault
    if status.activity is Activity.HOLDING and status.progress >= 1.0:
        return ""
    return "The motion was stopped before its end."
