"""See the motion, approve it, run it: one instruction's way from a proposal to a stored outcome, without Qt."""

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

FIRST_SPEED = 0.25  # of the planned speed: what a motion is tried at first


class Rehearsal:
    """One screen's or one command's rehearsals, one after the other, on a session that is open.

    `propose`, `choose`, `approve`, `run`, `reject`, `end_recording`, `finish`, `look` and `close` wait (for pictures,
    for the robot process, for the disk): a window runs them as jobs, one at a time. `update` and the properties never
    wait. `operator` is who approves. With `record_runs` each run is filmed, and `close` has to be called.
    """

    def __init__(self, session: Session, *, operator: str = "", library: Path | None = None, record_runs: bool = False):
        self.session = session
        self.operator = operator or session.settings.operator
        self.ledger = Ledger(session, self.operator, library)
        self._approvals = Approvals(self.ledger)
        self._execution = Execution(self.ledger, self._approvals, record=record_runs)

    # --- what is known ---

    @property
    def state(self) -> RehearsalState:
        return self.ledger.state

    @property
    def proposal(self) -> Proposal | None:
        return self.ledger.facts.proposal

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """What can be chosen from, the most promising first; the one that is shown is among them."""
        return self.ledger.facts.candidates

    @property
    def plan(self) -> Plan | None:
        """The plan that is shown, with its findings; its digest is what an approval is for."""
        return self.ledger.facts.plan

    @property
    def part(self) -> Part | None:
        """Which part of a task this is, None when it is the whole of it."""
        return self.ledger.facts.part

    @property
    def approval(self) -> Approval | None:
        return self.ledger.facts.approval

    @property
    def revoked(self) -> str:
        """Why an approval is no longer good, '' when there is none or it is."""
        return self.ledger.facts.revoked

    @property
    def current_run(self) -> Run | None:
        return self.ledger.facts.run

    @property
    def tracking(self) -> Tracking | None:
        """What was measured during the run so far; None before it."""
        return self.ledger.facts.tracking

    @property
    def outcome(self) -> Outcome | None:
        return self.ledger.facts.outcome

    @property
    def folder(self) -> Path | None:
        """Where this rehearsal is stored."""
        return self.ledger.facts.folder

    @property
    def seconds(self) -> dict[str, float]:
        """How long each stage took: "scene", "propose", "plan", "store", "approve", "run"."""
        return dict(self.ledger.facts.seconds)

    @property
    def recorded(self) -> bool:
        """Whether the whole run was filmed and can still be kept as a demonstration."""
        return self._execution.recorded

    @property
    def recording_problem(self) -> str:
        """Why the run could not be filmed, or why its film does not show all of it; '' when it does."""
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
        """Ask the source, plan, and store. Whatever was approved before is revoked, but for an approval of several
        parts after one of them was run. Nothing moves. `part`: this is one of several parts of a task.
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
        """Look at another of the candidates instead; an approval of the one before is revoked, and nothing moves."""
        self.ledger.require(RehearsalState.PROPOSED, RehearsalState.APPROVED)
        before = self.ledger.facts
        assert before.proposal is not None
        chosen = before.candidates[number]
        if chosen.proposal is before.proposal:
            return chosen.proposal
        self._approvals.take_back("Another candidate was chosen.")
        # A rehearsal of its own: what was said of the one before stays said.
        proposal = replace(chosen.proposal, id=str(uuid.uuid4()), begun_from=before.proposal.id)
        chosen = replace(chosen, proposal=proposal)
        candidates = tuple(chosen if i == number else each for i, each in enumerate(before.candidates))
        self.ledger.facts = Facts(seconds=before.seconds, part=before.part)
        self._adopt(chosen, candidates)
        return proposal

    def reject(self, reason: str = "") -> None:
        """The operator does not want this motion."""
        self.ledger.require(RehearsalState.PROPOSED, RehearsalState.APPROVED)
        self._approvals.take_back("The motion was rejected.")
        self.ledger.change(rejected=reason)
        self.ledger.store()

    # --- approving ---

    def allow(self, allowance: SegmentsApproval) -> Cover:
        """The operator approves this motion and further parts like it at once; the robot process keeps to that.

        Each part has still to be approved under the cover that is given back, which no person has to do.
        """
        return self._approvals.allow(allowance)

    def withdraw(self, reason: str) -> None:
        """Whatever the robot process still holds approved, also further parts, is forgotten."""
        self._approvals.withdraw(reason)

    def approve(self, cover: Cover | None = None) -> Approval:
        """The operator wants exactly the plan that is shown: it is staged in the robot process. Nothing moves yet.

        `cover`: under an approval for several parts; what it does not cover is refused by the robot process.
        Raises RehearsalError when the plan must not be executed, or the scene is no longer the one that was shown.
        """
        return self._approvals.approve(cover)

    def revoke(self, reason: str) -> None:
        """Take the approval back; the plan can be approved again while the scene is as it was."""
        self._approvals.revoke(reason)

    def look(self) -> None:
        """Whether scene, calibration and arm are still as they were shown; an approval is revoked if not."""
        self._approvals.look()

    # --- running ---

    def run(self, speed: float = FIRST_SPEED, *, hold: bool = False) -> None:
        """Start the approved motion; returns once the arm's controller is being sent it. `update` follows it.

        With `hold` the arm moves only while the robot's `hold` is called again and again.
        """
        self._execution.run(speed, hold=hold)

    def update(self) -> None:
        """Take in what the robot process said: the run's samples and its end, and whether an approval still stands."""
        self._execution.update()

    def wait(self, each: Callable[[], None] = lambda: None) -> Run:
        """Until the run is over, for use without a window; `each` is called fifty times a second."""
        while self.state is RehearsalState.RUNNING:
            self.update()
            each()
            time.sleep(0.02)
        run = self.current_run
        if run is None:
            raise RehearsalError("Nothing was run.")
        return run

    def end_recording(self) -> None:
        """The run is over: nothing more is filmed, and all that is known of it is stored before anybody judges it."""
        self._execution.end_recording()

    def abandon(self, reason: str) -> None:
        """Stop a run whose end nobody will see, and store how far it came; without one this does nothing."""
        self._execution.abandon(reason)

    def finish(self, success: bool | None, note: str = "", *, keep: bool = False) -> None:
        """Store how it went, in the operator's judgement; with `keep` the film of the run becomes a demonstration."""
        self._execution.finish(success, note, keep=keep)

    def close(self) -> None:
        """Let go of the recording of a run that nobody judged; it stays beside the rehearsal."""
        self._execution.close()

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
