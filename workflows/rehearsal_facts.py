"""What is known about a rehearsal, and the one word for it, computed from that."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from foundation.clocks import utc_now
from robot.plan import Plan
from robot.staging import Staged
from workflows.proposal import Proposal
from workflows.settings import SIMULATED, ProgramSettings
from workflows.tracking import Tracking


class RehearsalState(StrEnum):
    """How far a rehearsal is."""

    EMPTY = "empty"  # nothing proposed yet
    PROPOSED = "proposed"
    REJECTED = "rejected"
    APPROVED = "approved"  # staged in the robot process; nothing has moved
    RUNNING = "running"
    DONE = "done"  # the motion is over: was it a success?
    SAVED = "saved"  # the outcome is stored


@dataclass(frozen=True)
class Approval:
    """Who approved which plan when; `until` s monotonic."""

    staged: Staged
    who: str
    when: str  # UTC, ISO 8601
    looked: float  # s monotonic, when the scene was last seen to be unchanged
    until: float


@dataclass(frozen=True)
class Run:
    """A motion: when it began (UTC), at which part of the planned speed, whether it is over, and what went wrong."""

    began: str
    speed: float
    over: bool = False
    fault: str = ""
    progress: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """What the operator says about it; `success` None when they do not know."""

    success: bool | None
    note: str
    when: str


@dataclass(frozen=True, eq=False)
class Facts:
    proposal: Proposal | None = None
    plan: Plan | None = None
    rejected: str | None = None
    approval: Approval | None = None
    revoked: str = ""
    run: Run | None = None
    tracking: Tracking | None = None
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
        """What `rehearsal.json` says, as plain values."""
        assert self.proposal is not None and self.plan is not None
        approval, run, tracking, outcome = self.approval, self.run, self.tracking, self.outcome
        return {
            "id": self.proposal.id,
            "instruction": self.proposal.instruction,
            "source": self.proposal.source,
            "stored": utc_now().isoformat(),
            "arm": asdict(settings.arm),
            "lab": asdict(settings.lab) if settings.arm.kind == SIMULATED else None,
            "limits": settings.limits,
            "cameras": [camera.to_dict() for camera in self.proposal.scene.cameras],
            "action_cameras": [camera.to_dict() for camera in self.proposal.cameras],
            "plan": {"digest": self.plan.digest, "seconds": self.plan.motion.duration},
            "findings": [finding.to_dict() for finding in self.plan.findings],
            "rejected": self.rejected,
            "approval": approval and {"digest": approval.staged.digest, "who": approval.who, "when": approval.when},
            "revoked": self.revoked,
            "run": run and asdict(run),
            "tracking_error_p95_mm": tracking and tracking.error_p95_mm,
            "outcome": outcome and asdict(outcome),
            "seconds": dict(self.seconds),
        }
