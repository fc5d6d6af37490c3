"""Plan for a proposal on the arm that is connected now, with all findings about it.

Includes the findings from decoding a proposal's action images.
"""

from collections.abc import Sequence

import numpy as np

from model.action_images.decoding import Decoded
from robot.planning.findings import Finding, Level, frames_named, runs
from robot.planning.plan import Plan
from robot.planning.planner import PlanSettings, make_plan
from workflows.proposals.proposal import Proposal
from workflows.session import NotConnectedError, Session

_DISAGREES = 3.0  # px between a view's action image and the pose, above which the disagreement is visible to people too


def decode_findings(decoded: Decoded, names: Sequence[str]) -> tuple[Finding, ...]:
    """Return a finding for each range of frames in which a view disagrees; `names` (V,) of the views."""
    found = []
    residual = decoded.residual_px
    for view, name in enumerate(names):
        off = np.flatnonzero(np.nan_to_num(residual[:, view]) > _DISAGREES).tolist()
        for first, last in runs(off):
            worst = first + int(np.nanargmax(residual[first : last + 1, view]))
            found.append(
                Finding(
                    Level.WARNING,
                    f"The views disagree: what the camera {name} shows in {frames_named(first, last)} lies up to "
                    f"{residual[worst, view]:.0f} pixels beside the motion.",
                    worst,
                )
            )
    return tuple(found)


_GRIPPER_USED = 0.1  # share of its opening: decoding noise stays below


def plan_for(session: Session, proposal: Proposal) -> Plan:
    """Plan from the arm's posture now. Raises NotConnectedError if it is unknown; a bad proposal yields findings."""
    status = None if session.robot is None else session.robot.status
    if session.robot is None or status is None or not np.isfinite(status.position).all():
        raise NotConnectedError("The arm does not say where it is. Connect it again.")
    decoded = proposal.decoded
    names = [camera.name for camera in proposal.cameras]
    known = [*decode_findings(decoded, names), *_without_gripper(session, decoded.trajectory.openness)]
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
