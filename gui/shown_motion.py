"""A proposed motion as the Rehearse screen shows it: made ready once, beside the window, and never changed."""

from dataclasses import dataclass

import numpy as np

from gui.film import Film, make_film
from gui.motion_facts import motion_facts
from gui.timeline import Mark
from robot.plan import Plan
from workflows.proposal import Proposal


@dataclass(frozen=True, eq=False)
class ShownMotion:
    """`film` to watch, `marks` on its timeline, `facts` to read; `plan` is what would be done."""

    proposal: Proposal
    plan: Plan
    film: Film
    marks: tuple[Mark, ...]
    facts: dict[str, str]
    path: np.ndarray  # poses (T, 4, 4) of the tool, NaN where nothing is known

    def ghost_at(self, moment: float) -> tuple[np.ndarray, float]:
        """Joints (7,) rad and openness of the plan, `moment` s after its beginning."""
        start = float(self.plan.frame_moments[0])
        return self.plan.motion.at(start + moment).position, self.plan.motion.openness_at(start + moment)

    def frame_at(self, moment: float) -> int:
        """The frame that the plan passes `moment` s after its motion began."""
        return self.film.frame_at(moment - float(self.plan.frame_moments[0]))


def shown_motion(proposal: Proposal, plan: Plan) -> ShownMotion:
    """Takes some tenths of a second: for a job."""
    scene = proposal.scene
    pictures = [view.rgb[None] for view in scene.views] if proposal.rgb is None else list(proposal.rgb)
    cameras = scene.cameras if proposal.rgb is None else proposal.cameras
    planned = plan.frame_moments[-1] > plan.frame_moments[0]
    # Where no motion was found, what was proposed is shown in its own time.
    trajectory = plan.intended if planned else proposal.decoded.trajectory
    film = make_film(
        cameras,
        pictures,
        proposal.action,
        trajectory,
        moments=plan.frame_moments if planned else proposal.times,
        confidence=proposal.decoded.confidence,
    )
    marks = tuple(Mark(f.frame, str(f.level), f.sentence) for f in plan.findings if f.frame is not None)
    return ShownMotion(proposal, plan, film, marks, motion_facts(plan.motion), trajectory.base_from_tool)
