"""A proposed motion prepared for the Rehearse screen: created once in a job and immutable, with its key figures."""

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

_PERIOD = 0.02  # s: sampling period of the motion


def motion_facts(motion: JointTrajectory) -> dict[str, str]:
    """Return duration, path length, maximum speed, lowest point and gripper actions of a motion."""
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
    """Return the times at which the gripper closes and opens."""
    closed = motion.openness < 0.5
    words = [
        f"{'closes' if closed[i] else 'opens'} at {motion.times[i] - motion.times[0]:.1f} s"
        for i in np.flatnonzero(np.diff(closed.astype(int))) + 1
    ]
    return ", ".join(words) if words else f"stays {'closed' if closed[0] else 'open'}"


@dataclass(frozen=True, eq=False)
class ShownMotion:
    """`film` to watch, `marks` on its timeline, `facts` to read; `plan` is what would be executed."""

    proposal: Proposal
    plan: Plan
    film: PlaybackClip
    marks: tuple[Mark, ...]
    facts: dict[str, str]
    path: np.ndarray  # poses (T, 4, 4) of the tool, NaN where unknown

    def ghost_at(self, moment: float) -> tuple[np.ndarray, float]:
        """Return joint positions (7,) rad and gripper opening of the plan, `moment` s after its start."""
        start = float(self.plan.frame_moments[0])
        return self.plan.motion.at(start + moment).position, self.plan.motion.openness_at(start + moment)

    def frame_at(self, moment: float) -> int:
        """Return the frame that the plan passes `moment` s after the start of its motion."""
        return self.film.frame_at(moment - float(self.plan.frame_moments[0]))


def shown_motion(proposal: Proposal, plan: Plan) -> ShownMotion:
    """Prepare a proposal and its plan for display; takes a few tenths of a second, so run it in a job."""
    scene = proposal.scene
    pictures = [view.rgb[None] for view in scene.views] if proposal.rgb is None else list(proposal.rgb)
    cameras = scene.cameras if proposal.rgb is None else proposal.cameras
    planned = plan.frame_moments[-1] > plan.frame_moments[0]
    # Without a motion, the proposal is shown with its own times.
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
    """Return the frames (V,) of (H, W, 3) uint8 at the time of the request, warped to the generated video's crop."""
    assert proposal.rgb is not None
    found = []
    for view, camera, imagined in zip(proposal.scene.views, proposal.cameras, proposal.rgb, strict=True):
        height, width = imagined.shape[1:3]
        to_imagined = camera.resized(width, height).K @ np.linalg.inv(view.camera.K)
        found.append(cv2.warpPerspective(view.rgb, to_imagined, (width, height), borderMode=cv2.BORDER_REPLICATE))
    return found


def side_by_side(candidates: Sequence[Candidate], view: int = 0) -> PlaybackClip:
    """Combine all candidates in one video, each as seen by the same camera; slow, so run it in a job."""
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
    """Path resampled to the frames of another video: `frames` (n,) are its own frames."""

    way: DrawnPath
    frames: tuple[int, ...]

    def at(self, frame: int) -> Drawing | None:
        return self.way.at(self.frames[frame])
