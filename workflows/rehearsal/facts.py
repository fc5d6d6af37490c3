"""Data of a rehearsal, and its state, which is derived from the data."""

import uuid
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from foundation.clocks import utc_now
from robot.approval.staging import Staged
from robot.planning.findings import Level
from robot.planning.plan import Plan
from workflows.proposals.proposal import Proposal
from workflows.rehearsal.tracking import Tracking
from workflows.settings import SIMULATED, ProgramSettings


class RehearsalState(StrEnum):
    """Stage that a rehearsal has reached."""

    EMPTY = "empty"  # nothing proposed yet
    PROPOSED = "proposed"
    REJECTED = "rejected"
    APPROVED = "approved"  # staged in the robot process; nothing has moved
    RUNNING = "running"
    DONE = "done"  # the motion has ended; its outcome is not judged yet
    SAVED = "saved"  # the outcome is stored


@dataclass(frozen=True)
class Approval:
    """Who approved which plan and when; `until`: expiry, s monotonic."""

    staged: Staged
    who: str
    when: str  # UTC, ISO 8601
    looked: float  # s monotonic, when the scene was last verified to be unchanged
    until: float


THIS_PROGRAM = uuid.uuid4().hex
"""Of this process alone: a run that another one has begun and not ended will not be ended any more."""


@dataclass(frozen=True)
class Run:
    """An executed motion: start (UTC), share of the planned speed, whether it is over, and its fault.

    `program`: id of the process that runs it.
    """

    began: str
    speed: float
    over: bool = False
    fault: str = ""
    progress: float = 0.0
    program: str = THIS_PROGRAM


@dataclass(frozen=True)
class Outcome:
    """The operator's verdict; `success` None when undecided."""

    success: bool | None
    note: str
    when: str


@dataclass(frozen=True, eq=False)
class Candidate:
    """One of the proposed motions, with its plan."""

    proposal: Proposal
    plan: Plan


@dataclass(frozen=True)
class Part:
    """Part of a task done in several parts: `number` from 1 of at most `most`; `first`: id of the first part."""

    number: int
    most: int
    first: str


@dataclass(frozen=True, eq=False)
class Facts:
    proposal: Proposal | None = None
    plan: Plan | None = None
    candidates: tuple[Candidate, ...] = ()
    made: str = ""
    operator: str = ""
    part: Part | None = None
    approvals: tuple[dict[str, str], ...] = ()  # all that were granted, including revoked ones
    covered_by: str = ""  # the approval for several segments under which this plan was approved
    episode: str | None = None  # id of the demonstration that the run was kept as
    rejected: str | None = None
    approval: Approval | None = None
    revoked: str = ""
    run: Run | None = None
    tracking: Tracking | None = None
    film: str = ""  # why the run's video does not show the whole run; '' when it does or there is none
    outcome: Outcome | None = None
    folder: Path | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def state(self) -> RehearsalState:
        if self.outcome is not None:
            return RehearsalState.SAVED
        if self.rejected is not None:
            return RehearsalState.REJECTED
        if self.run is not None:
            return RehearsalState.DONE if self.run.over else RehearsalState.RUNNING
        if self.approval is not None:
            return RehearsalState.APPROVED
        return RehearsalState.EMPTY if self.proposal is None else RehearsalState.PROPOSED

    def record(self, settings: ProgramSettings) -> dict[str, Any]:
        """Return the content of `rehearsal.json` as plain values."""
        assert self.proposal is not None and self.plan is not None
        approval, run, tracking, outcome = self.approval, self.run, self.tracking, self.outcome
        return {
            "id": self.proposal.id,
            "instruction": self.proposal.instruction,
            "source": self.proposal.source,
            "made": self.made,
            "stored": utc_now().isoformat(),
            "operator": self.operator,
            "model": self.proposal.made_by and asdict(self.proposal.made_by),
            "candidates": [_candidate(each) for each in self.candidates],
            "begun_from": self.proposal.begun_from,
            "part": self.part and asdict(self.part),
            "arm": asdict(settings.arm),
            "lab": asdict(settings.lab) if settings.arm.kind == SIMULATED else None,
            "limits": settings.limits,
            "cameras": [camera.to_dict() for camera in self.proposal.scene.cameras],
            "action_cameras": [camera.to_dict() for camera in self.proposal.cameras],
            "plan": {"digest": self.plan.digest, "seconds": self.plan.motion.duration},
            "findings": [finding.to_dict() for finding in self.plan.findings],
            "rejected": self.rejected,
            "approval": approval and {"digest": approval.staged.digest, "who": approval.who, "when": approval.when},
            "approvals": list(self.approvals),
            "covered_by": self.covered_by,
            "revoked": self.revoked,
            "run": run and asdict(run),
            "tracking_error_p95_mm": None if tracking is None else tracking.error_p95_mm,
            "film": self.film,
            "outcome": outcome and asdict(outcome),
            "episode": self.episode,
            "seconds": dict(self.seconds),
        }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    """Return the record of one candidate, sufficient to generate it again from its seed."""
    made = candidate.proposal.made_by
    refusals = sum(finding.level is Level.REFUSAL for finding in candidate.plan.findings)
    return {
        "id": candidate.proposal.id,
        "seed": None if made is None else made.seed,
        "score": None if made is None else made.score,
        "doubt": "" if made is None else made.doubt,
        "refusals": refusals,
    }
