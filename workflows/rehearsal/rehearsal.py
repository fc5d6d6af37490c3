"""One rehearsal from an instruction to a stored outcome, without Qt: see the motion, approve it, run it."""

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from foundation.clocks import utc_now
from foundation.errors import KnownError
from foundation.redaction import keep_out
from robot.approval.multi_segment_approval import SegmentsApproval
from robot.planning.plan import Plan
from workflows.cancellation import Cancellation, Report, silently
from workflows.proposals.proposal import Proposal, Source
from workflows.proposals.receding_horizon import Cover
from workflows.proposals.sources import DemonstratorSource, ReplaySource
from workflows.proposals.trajectory_file import load_trajectory, save_trajectory
from workflows.rehearsal.approval import Approvals
from workflows.rehearsal.facts import Approval, Candidate, Facts, Outcome, Part, RehearsalState, Run
from workflows.rehearsal.files import write_proposal
from workflows.rehearsal.ledger import Ledger, RehearsalError
from workflows.rehearsal.planning import plan_for
from workflows.rehearsal.run import Execution
from workflows.rehearsal.tracking import Tracking
from workflows.session import Session

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

_log = logging.getLogger(__name__)

FIRST_SPEED = 0.25  # share of the planned speed for the first trial of a motion


class Rehearsal:
    """The rehearsals of one screen or command, one after the other, on an open session.

    `propose`, `choose`, `approve`, `run`, `reject`, `end_recording`, `finish`, `look` and `close` block (on frames, on
    the robot process, on the disk): a window runs them as jobs, one at a time. `update` and the properties never block.
    `operator`: who approves. With `record_runs` each run is recorded as video, and `close` has to be called.
    """

    def __init__(self, session: Session, *, operator: str = "", library: Path | None = None, record_runs: bool = False):
        self.session = session
        self.operator = operator or session.settings.operator
        self.ledger = Ledger(session, self.operator, library)
        self._approvals = Approvals(self.ledger)
        self._execution = Execution(self.ledger, self._approvals, record=record_runs)

    # --- state ---

    @property
    def state(self) -> RehearsalState:
        return self.ledger.state

    @property
    def proposal(self) -> Proposal | None:
        return self.ledger.facts.proposal

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Candidates to choose from, most promising first, including the one shown."""
        return self.ledger.facts.candidates

    @property
    def plan(self) -> Plan | None:
        """The plan that is shown, with its findings; an approval is bound to its digest."""
        return self.ledger.facts.plan

    @property
    def part(self) -> Part | None:
        """Part of a multi-part task, None when this is the whole task."""
        return self.ledger.facts.part

    @property
    def approval(self) -> Approval | None:
        return self.ledger.facts.approval

    @property
    def revoked(self) -> str:
        """Why the approval was revoked; '' when there is none or it is valid."""
        return self.ledger.facts.revoked

    @property
    def current_run(self) -> Run | None:
        return self.ledger.facts.run

    @property
    def tracking(self) -> Tracking | None:
        """Measurements of the run so far; None before it."""
        return self.ledger.facts.tracking

    @property
    def outcome(self) -> Outcome | None:
        return self.ledger.facts.outcome

    @property
    def folder(self) -> Path | None:
        """Folder of this rehearsal."""
        return self.ledger.facts.folder

    @property
    def seconds(self) -> dict[str, float]:
        """Duration of each stage in s: "scene", "propose", "plan", "store", "approve", "run"."""
        return dict(self.ledger.facts.seconds)

    @property
    def recorded(self) -> bool:
        """Whether the whole run was recorded and can still be kept as a demonstration."""
        return self._execution.recorded

    @property
    def recording_problem(self) -> str:
        """Why the run could not be recorded, or why its video is incomplete; '' when it is complete."""
        return self._execution.recording_problem

    # --- proposing ---

    def propose(
        self,
        instruction: str,
        source: Source,
        report: Report = silently,
        token: Cancellation | None = None,
        *,
        part: Part | None = None,
    ) -> Proposal:
        """Ask the source for a motion, plan it, and store the rehearsal. Nothing moves.

        A previous approval is revoked, except one for several segments of which one has been run. `part`: position in a
        task of several parts.
        """
        token, ledger = token or Cancellation(), self.ledger
        if self.state is RehearsalState.RUNNING:
            raise RehearsalError("The arm is still moving. Let it finish, or stop it, first.")
        self._approvals.take_back("Another motion was asked for.")
        self.close()
        ledger.facts = Facts()
        instruction = instruction.strip()
        keep_out(instruction)
        _log.info(
            "a motion is asked for: instruction of %d characters, from %s", len(instruction), type(source).__name__
        )
        if not instruction:
            raise RehearsalError("Type what the arm should do first.")
        report("Looking at the scene", 0.0)
        scene = ledger.timed("scene", self.session.take_scene)
        proposal = ledger.timed("propose", lambda: source.propose(instruction, scene, report, token))
        token.raise_if_cancelled()
        report("Planning the motion", 0.85)
        candidates = ledger.timed("plan", lambda: self._planned(proposal, token))
        if part is not None:
            ledger.change(part=replace(part, first=part.first or candidates[0].proposal.id))
        report("Storing the rehearsal", 0.95)
        self._adopt(candidates[0], candidates)
        report("Ready to be watched", 1.0)
        return candidates[0].proposal

    def choose(self, number: int) -> Proposal:
        """Show another candidate instead; the approval of the previous one is revoked, and nothing moves."""
        self.ledger.require(RehearsalState.PROPOSED, RehearsalState.APPROVED)
        before = self.ledger.facts
        assert before.proposal is not None
        chosen = before.candidates[number]
        if chosen.proposal is before.proposal:
            return chosen.proposal
        self._approvals.take_back("Another candidate was chosen.")
        # Stored as a rehearsal of its own: the record of the previous one stays as it is.
        proposal = replace(chosen.proposal, id=str(uuid.uuid4()), begun_from=before.proposal.id)
        chosen = replace(chosen, proposal=proposal)
        candidates = tuple(chosen if i == number else each for i, each in enumerate(before.candidates))
        self.ledger.facts = Facts(seconds=before.seconds, part=before.part)
        self._adopt(chosen, candidates)
        return proposal

    def reject(self, reason: str = "") -> None:
        """Reject this motion on behalf of the operator."""
        self.ledger.require(RehearsalState.PROPOSED, RehearsalState.APPROVED)
        self._approvals.take_back("The motion was rejected.")
        self.ledger.change(rejected=reason)
        self.ledger.store()

    # --- approving ---

    def allow(self, allowance: SegmentsApproval) -> Cover:
        """Approve this motion and further segments like it at once; the robot process enforces the limits.

        Each segment must still be approved under the returned cover, which needs no operator.
        """
        return self._approvals.allow(allowance)

    def withdraw(self, reason: str) -> None:
        """Make the robot process drop all that it holds approved, including further segments."""
        self._approvals.withdraw(reason)

    def approve(self, cover: Cover | None = None) -> Approval:
        """Stage exactly the plan that is shown in the robot process, as approved by the operator. Nothing moves yet.

        Args:
            cover: An approval for several segments; the robot process refuses what it does not cover.

        Raises:
            RehearsalError: When the plan must not be executed, or when the scene has changed since it was shown.
        """
        return self._approvals.approve(cover)

    def revoke(self, reason: str) -> None:
        """Revoke the approval; the plan can be approved again while the scene is unchanged."""
        self._approvals.revoke(reason)

    def look(self) -> None:
        """Check that scene, calibration and arm are as shown; if not, revoke the approval and raise KnownError."""
        self._approvals.look()

    # --- running ---

    def run(self, speed: float = FIRST_SPEED, *, hold: bool = False) -> None:
        """Start the approved motion; returns once it is being sent to the arm's controller. `update` follows it.

        With `hold` the arm moves only while the robot's `hold` is called repeatedly.
        """
        self._execution.run(speed, hold=hold)

    def update(self) -> None:
        """Process the robot's messages: samples and end of the run, and whether an approval is still valid."""
        self._execution.update()

    def wait(self, each: Callable[[], None] = lambda: None) -> Run:
        """Wait until the run is over, for use without a window; `each` is called fifty times a second."""
        while self.state is RehearsalState.RUNNING:
            self.update()
            each()
            time.sleep(0.02)
        run = self.current_run
        if run is None:
            raise RehearsalError("Nothing was run.")
        return run

    def end_recording(self) -> None:
        """Stop recording after the run, and store all that is known of it before the operator judges it."""
        self._execution.end_recording()

    def abandon(self, reason: str) -> None:
        """Stop a run whose end will not be observed, and store how far it came; no effect without a run."""
        self._execution.abandon(reason)

    def finish(self, success: bool | None, note: str = "", *, keep: bool = False) -> None:
        """Store the operator's verdict; with `keep` the recording of the run becomes a demonstration."""
        self._execution.finish(success, note, keep=keep)

    def close(self) -> None:
        """Release the recording of a run that was not judged; it stays in the rehearsal's folder."""
        self._execution.close()

    # --- parts ---

    def _planned(self, proposal: Proposal, token: Cancellation) -> tuple[Candidate, ...]:
        """Plan each candidate and return them: executable ones first, each group in the order of its source."""
        found = []
        for each in (replace(proposal, others=()), *proposal.others):
            token.raise_if_cancelled()
            found.append(Candidate(each, plan_for(self.session, each)))
        return tuple(sorted(found, key=lambda candidate: not candidate.plan.executable))

    def _adopt(self, chosen: Candidate, candidates: tuple[Candidate, ...]) -> None:
        """Show this candidate from now on; it is stored before anything else can be done with it."""
        ledger, proposal, plan = self.ledger, chosen.proposal, chosen.plan
        now = utc_now().isoformat()
        ledger.change(proposal=proposal, plan=plan, candidates=candidates, made=now, operator=self.operator)
        try:
            record = ledger.facts.record(self.session.settings)
            folder = ledger.timed("store", lambda: write_proposal(ledger.library_folder, proposal, plan, record))
        except KnownError:
            ledger.facts = Facts()
            raise
        ledger.change(folder=folder)
