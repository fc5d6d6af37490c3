"""A proposed motion as the Rehearse screen shows it: made ready once, beside the window, and never changed.

What a technician wants to know about a motion before approving it, in seconds, mm and plain words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from foundation import xarm7
from gui.pictures.camera_view import Drawing
from gui.player.playback_clip import DrawnPath, PlaybackClip, make_clip
from gui.player.timeline import Mark
from robot.planning.joint_trajectory import JointTrajectory
from robot.planning.plan import Plan
from workflows.proposals.proposal import Proposal
from workflows.rehearsal.facts import Candidate

_PERIOD = 0.02  # s between the samples that are looked at


def motion_facts(motion: JointTrajectory) -> dict[str, str]:
    """Length in time and space, greatest speed, lowest point, and what the gripper does."""
    moments, q = motion.samples(_PERIOD)
    tool = xarm7.forward(q)[:, :3, 3]
    steps = np.linalg.norm(np.diff(tool, axis=0), axis=-1)
    period = float(moments[1] - moments[0]) if motion.duration > 0 else 1.0
    return {
        "Takes": f"{motion.duration:.1f} s at full speed, {4 * motion.duration:.0f} s at 25 %",
        "Tool": f"goes {1000 * steps.sum():.0f} mm, at most {1000 * steps.max(initial=0.0) / period:.0f} mm/s",
        "Lowest point": f"{1000 * tool[:, 2].min():.0f} mm above the table",
        "Gripper": gripper_words(motion),
    }


def gripper_words(motion: JointTrajectory) -> str:
    """When the gripper closes and opens."""
    closed = motion.openness < 0.5
    words = [
        f"{'closes' if closed[i] else 'opens'} at {motion.times[i] - motion.times[0]:.1f} s"
        for i in np.flatnonzero(np.diff(closed.astype(int))) + 1
    ]
    return ", ".join(words) if words else f"stays {'closed' if closed[0] else 'open'}"


@dataclass(frozen=True, eq=False)
class ShownMotion:
    """`film` to watch, `marks` on its timeline, `facts` to read; `plan` is what would be done."""

    proposal: Proposal
    plan: Plan
    film: PlaybackClip
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
    film = make_clip(
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


def side_by_side(candidates: Sequence[Candidate], view: int = 0) -> PlaybackClip:
    """All candidates in one film, each as the same camera would see it; it takes a while."""
    films = [shown_motion(each.proposal, each.plan).film for each in candidates]
    longest = max(films, key=lambda film: float(film.moments[-1] - film.moments[0]))
    seconds = longest.moments - longest.moments[0]
    frames = [[film.frame_at(second) for second in seconds] for film in films]
    stepped = list(zip(films, frames, strict=True))
    rgb = tuple(film.rgb[view] if film.still else film.rgb[view][at] for film, at in stepped)
    blobs = [film.layers[view][at] for film, at in stepped if film.layers is not None]
    layers = np.stack(blobs) if len(blobs) == len(films) else None
    ways = tuple(SteppedPath(film.ways[view], tuple(at)) for film, at in stepped)
    names = tuple(f"{number}: {film.names[view]}" for number, film in enumerate(films, start=1))
    return PlaybackClip(names, rgb, layers, ways, seconds, None, longest.closed)


@dataclass(frozen=True, eq=False)
class SteppedPath:
    """A way looked at in another film's steps: `frames` (n,) of its own."""

    way: DrawnPath
    frames: tuple[int, ...]

    def at(self, frame: int) -> Drawing | None:
        return self.way.at(self.frames[frame])
