"""Manual edit of a proposed motion: one waypoint is moved; the result is a new proposal, to be checked anew."""

from dataclasses import dataclass, replace

import numpy as np

from foundation.errors import KnownError
from foundation.poses import from_rotation_vector
from foundation.trajectory import Scene, Trajectory
from workflows.cancellation import Cancellation, Report
from workflows.proposals.proposal import Proposal, proposal_from_trajectory

FARTHEST = 0.5  # m a waypoint can be moved in one edit
_SAME = 0.25  # of the gripper's opening: frames that differ by less count as the same grasp


class EditError(KnownError):
    """The edit of a waypoint is not valid."""


@dataclass(frozen=True)
class WaypointEdit:
    """Frame `frame` is moved by `offset` (x, y, z) m in the base frame and rotated by `turn` rad about the base's z
    axis through the tool; `openness` in [0, 1] or None to keep it. `reach` frames on either side follow with falling
    weight.

    The first frame is fixed: a motion begins where the arm stands.
    """

    frame: int
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turn: float = 0.0
    openness: float | None = None
    reach: int = 4


def edited(trajectory: Trajectory, edit: WaypointEdit) -> Trajectory:
    """Return the trajectory with the waypoint moved. Raises EditError for an invalid frame, distance or opening."""
    T = len(trajectory)
    if not 0 < edit.frame < T:
        raise EditError("The motion begins where the arm stands: its first moment cannot be moved. Choose a later one.")
    offset = np.array(edit.offset, float)
    if not (np.isfinite(offset).all() and np.linalg.norm(offset) <= FARTHEST and np.isfinite(edit.turn)):
        raise EditError(f"A waypoint can be moved by {FARTHEST:.1f} m at most. Choose a smaller way.")
    weight = _weights(T, edit)
    poses = np.array(trajectory.base_from_tool)
    turned = from_rotation_vector(np.outer(weight * edit.turn, [0.0, 0.0, 1.0]))
    poses[:, :3, :3] = turned @ poses[:, :3, :3]
    poses[:, :3, 3] += weight[:, None] * offset
    openness = np.array(trajectory.openness)
    if edit.openness is not None:
        if not 0.0 <= edit.openness <= 1.0:
            raise EditError("The gripper's opening lies between 0 and 100 %. Choose another.")
        openness[_held_from(openness, edit.frame)] = edit.openness
    return Trajectory(trajectory.times, poses, openness)


def _weights(T: int, edit: WaypointEdit) -> np.ndarray:
    """Return the weight (T,) of each frame: 1 at the edited frame, 0 from `reach` + 1 frames on, 0 at the first.

    The weight need not fall to 0 by the last frame, so moving the last waypoint moves the end of the motion.
    """
    before, after = min(edit.reach + 1, edit.frame), edit.reach + 1
    apart = np.arange(T) - edit.frame
    share = np.where(apart < 0, -apart / before, apart / after)
    return np.where(share < 1.0, 0.5 + 0.5 * np.cos(np.pi * np.minimum(share, 1.0)), 0.0)


def _held_from(openness: np.ndarray, frame: int) -> slice:
    """Return the frames from `frame` on during which the gripper keeps its opening."""
    changed = np.flatnonzero(np.abs(openness[frame:] - openness[frame]) > _SAME)
    return slice(frame, len(openness) if len(changed) == 0 else frame + int(changed[0]))


class EditedSource:
    """An earlier proposal's motion with one waypoint moved, for the present scene; `begun_from`: its id."""

    name = "edited"

    def __init__(self, trajectory: Trajectory, edit: WaypointEdit, begun_from: str):
        self._trajectory, self._edit, self._begun_from = trajectory, edit, begun_from

    def propose(self, instruction: str, scene: Scene, report: Report, token: Cancellation) -> Proposal:
        """Propose the edited motion. Raises EditError for an invalid edit."""
        report("Moving the waypoint", 0.05)
        moved = edited(self._trajectory, self._edit)
        proposal = proposal_from_trajectory(instruction, self.name, scene, moved, report, token)
        return replace(proposal, begun_from=self._begun_from)
