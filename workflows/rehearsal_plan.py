"""The plan for a proposal on the arm that is connected now, with everything there is to say about it."""

import numpy as np

from robot.findings import Finding, Level
from robot.plan import Plan
from robot.planning import PlanSettings, make_plan
from workflows.proposal import Proposal
from workflows.reading import reading_findings
from workflows.session import NotConnectedError, Session

_GRIPPER_USED = 0.1  # of its opening: what reading the pictures leaves is below


def plan_for(session: Session, proposal: Proposal) -> Plan:
    """From where the arm is now. Raises NotConnectedError when that is not known; a bad proposal has findings."""
    status = None if session.robot is None else session.robot.status
    if session.robot is None or status is None or not np.isfinite(status.position).all():
        raise NotConnectedError("The arm does not say where it is. Connect it again.")
    decoded = proposal.decoded
    names = [camera.name for camera in proposal.cameras]
    known = [*reading_findings(decoded, names), *_without_gripper(session, decoded.trajectory.openness)]
    return make_plan(
        decoded.trajectory,
        status.position,
        1.0 if status.openness is None else status.openness,
        PlanSettings(limits=session.robot.limits),
        confidence=decoded.confidence,
        known=tuple(known),
    )


def _without_gripper(session: Session, openness: np.ndarray) -> list[Finding]:
    read = openness[~np.isnan(openness)]
    if session.settings.arm.gripper or read.size == 0 or np.ptp(read) < _GRIPPER_USED:
        return []
    return [Finding(Level.WARNING, "No gripper is mounted (Set up): opening and closing it is left out.")]
