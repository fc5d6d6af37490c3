"""Rehearsals as the program stores them: one that was only watched, and one that ran 3 mm beside its plan."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from foundation import xarm7
from foundation.camera import camera_at
from foundation.trajectory import Scene, Trajectory, View
from robot.approval.staging import Staged
from robot.planning.plan import Plan
from robot.planning.planner import make_plan
from workflows.cancellation import Cancellation, silently
from workflows.proposals.proposal import Proposal, proposal_from_trajectory
from workflows.rehearsal.facts import Approval, Facts, Outcome, Run
from workflows.rehearsal.files import write_proposal, write_record, write_run
from workflows.rehearsal.tracking import Tracking
from workflows.settings import ProgramSettings

WHEN = "2026-03-01T10:00:00+00:00"
BESIDE = 0.003  # m


def proposed(instruction: str, T: int = 9) -> tuple[Proposal, Plan]:
    """Return a turn of the arm's base, seen by two cameras."""
    views = tuple(
        View(camera_at(name, 160, 120, 0.9, at, (0.4, 0.0, 0.1)), np.full((120, 160, 3), shade, np.uint8), 0.0)
        for name, at, shade in (("front", (1.1, 0.2, 0.6), 90), ("side", (0.4, -0.9, 0.5), 130))
    )
    q = np.tile(xarm7.HOME, (T, 1))
    q[:, 0] += np.linspace(0.0, 0.5, T)
    motion = Trajectory(np.arange(T) * 0.25, xarm7.forward(q), np.ones(T))
    scene = Scene(views, xarm7.forward(xarm7.HOME), 1.0)
    proposal = proposal_from_trajectory(instruction, "replay", scene, motion, silently, Cancellation())
    decoded = proposal.decoded
    return proposal, make_plan(decoded.trajectory, xarm7.HOME, 1.0, confidence=decoded.confidence)


def store(
    library: Path, instruction: str, *, ran: bool = False, rejected: str | None = None, begun_by: str = ""
) -> Facts:
    """Write one rehearsal into the library's folder and its lists; a run started by `begun_by` has no end."""
    proposal, plan = proposed(instruction)
    facts = Facts(proposal=proposal, plan=plan, made=WHEN, operator="Ada", rejected=rejected)
    settings = ProgramSettings()
    folder = write_proposal(library, proposal, plan, facts.record(settings))
    if ran:
        tracking = _tracking(plan)
        write_run(folder, 1, tracking)
        given = {"digest": plan.digest, "who": "Grace", "when": WHEN}
        facts = replace(
            facts,
            approvals=(given,),
            approval=Approval(Staged(plan.digest, "n", 600.0), "Grace", WHEN, 0.0, 600.0),
            run=Run(WHEN, 0.25, over=True, progress=1.0),
            tracking=tracking,
            outcome=Outcome(True, "slow but sure", WHEN),
        )
        write_record(folder, facts.record(settings))
    if begun_by:
        given = {"digest": plan.digest, "who": "Grace", "when": WHEN}
        write_record(folder, replace(facts, approvals=(given,), run=Run(WHEN, 0.25, program=begun_by)).record(settings))
    return replace(facts, folder=folder)


def _tracking(plan: Plan) -> Tracking:
    """Return samples every 20 ms, BESIDE of the plan to the side throughout: a base turned a little too far."""
    moments = np.arange(0.0, plan.motion.duration, 0.02)
    wanted = np.array([plan.motion.at(moment).position for moment in moments])
    measured = wanted.copy()
    reach = np.linalg.norm(xarm7.forward(xarm7.HOME)[:2, 3])
    measured[:, 0] += BESIDE / reach
    tool, real = xarm7.forward(wanted)[:, :3, 3], xarm7.forward(measured)[:, :3, 3]
    return Tracking(100.0 + 4.0 * moments, moments, measured, tool, real, np.ones(len(moments)))
