"""A proposed motion as the Rehearse screen shows it: made ready once, beside the window, and never changed."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from gui.film import DrawnWay, Film, make_film
from gui.motion_facts import motion_facts
from gui.picture import Drawing
from gui.timeline import Mark
from robot.plan import Plan
from workflows.proposal import Proposal
from workflows.rehearsal_facts import Candidate


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
        residual_px=proposal.decoded.residual_px,
        original=() if proposal.rgb is None else seen_before(proposal),
    )
    marks = tuple(Mark(f.frame, str(f.level), f.sentence) for f in plan.findings if f.frame is not None)
    return ShownMotion(proposal, plan, film, marks, motion_facts(plan.motion), trajectory.base_from_tool)


def seen_before(proposal: Proposal) -> list[np.ndarray]:
    """What the cameras saw when it was asked, cut as the imagined pictures are: (V,) of (H, W, 3) uint8."""
    assert proposal.rgb is not None
    found = []
    for view, camera, imagined in zip(proposal.scene.views, proposal.cameras, proposal.rgb, strict=True):
        height, width = imagined.shape[1:3]
        to_imagined = camera.resized(width, height).K @ np.linalg.inv(view.camera.K)
        found.append(cv2.warpPerspective(view.rgb, to_imagined, (width, height), borderMode=cv2.BORDER_REPLICATE))
    return found


def side_by_side(candidates: Sequence[Candidate], view: int = 0) -> Film:
    """All candidates in one film, each as the same camera would see it; it takes a while."""
    films = [shown_motion(each.proposal, each.plan).film for each in candidates]
    longest = max(films, key=lambda film: float(film.moments[-1] - film.moments[0]))
    seconds = longest.moments - longest.moments[0]
    frames = [[film.frame_at(second) for second in seconds] for film in films]
    stepped = list(zip(films, frames, strict=True))
    rgb = tuple(film.rgb[view] if film.still else film.rgb[view][at] for film, at in stepped)
    blobs = [film.layers[view][at] for film, at in stepped if film.layers is not None]
    layers = np.stack(blobs) if len(blobs) == len(films) else None
    ways = tuple(SteppedWay(film.ways[view], tuple(at)) for film, at in stepped)
    names = tuple(f"{number}: {film.names[view]}" for number, film in enumerate(films, start=1))
    return Film(names, rgb, layers, ways, seconds, None, longest.closed)


@dataclass(frozen=True, eq=False)
class SteppedWay:
    """A way looked at in another film's steps: `frames` (n,) of its own."""

    way: DrawnWay
    frames: tuple[int, ...]

    def at(self, frame: int) -> Drawing | None:
        return self.way.at(self.frames[frame])
