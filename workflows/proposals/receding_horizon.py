"""A task done in parts: the beginning of a proposal, then a new look, a new proposal, and so on."""

from dataclasses import dataclass, replace

import numpy as np

from foundation import xarm7
from foundation.trajectory import Scene, Trajectory
from model.action_images.decoding import Decoded
from robot.approval.multi_segment_approval import SegmentsApproval
from robot.planning.plan import Plan
from workflows.cancellation import Cancellation, Report
from workflows.proposals.proposal import Proposal, Source

MARGIN = 0.1  # m around the proposed way, in which the parts may go
_PERIOD = 0.05  # s between the poses that are looked at for it
_OPEN = 0.5  # openness above which the gripper counts as open
_STANDS = 0.01  # m from its last place within which the tool stands still


@dataclass(frozen=True)
class Cover:
    """An approval of several parts that the robot process holds: `token` names it, `allowance` says what it covers."""

    token: str
    allowance: SegmentsApproval


class RecedingHorizonSource:
    """Another source's proposals, of which only the part is left that is to be done before the next look.

    Of `most` parts the last one is all that is left of the motion, the ones before their share of the approach.
    """

    def __init__(self, source: Source, number: int, most: int):
        self._source, self._number, self._most = source, number, most
        self.name = source.name

    def propose(self, instruction: str, scene: Scene, report: Report, token: Cancellation) -> Proposal:
        """As the source's own."""
        whole = self._source.propose(instruction, scene, report, token)
        parts_left = self._most - self._number + 1
        return replace(beginning(whole, parts_left), others=tuple(beginning(each, parts_left) for each in whole.others))


def beginning(proposal: Proposal, parts_left: int) -> Proposal:
    """The first of so many equal parts of a proposal's approach, two frames at least; the only part is all of it.

    The approach lasts until the gripper is told something, or to where the tool stands still: a look that comes later
    shows a hand in front of the thing, and cannot help any more once something was taken or pushed.
    """
    T, read = len(proposal.times), proposal.decoded
    if parts_left == 1:
        return proposal
    frames = min(T, max(2, -(-_approach(read.trajectory) // parts_left) + 1))
    if frames == T:
        return proposal
    decoded = Decoded(
        read.trajectory[:frames],
        read.valid[:frames],
        read.confidence[:frames],
        read.residual_px[:frames],
        read.reasons[:frames],
    )
    rgb = None if proposal.rgb is None else proposal.rgb[:, :frames]
    tool = read.trajectory.base_from_tool[read.trajectory.known][:, :3, 3]
    action, times = proposal.action[:, :frames], proposal.times[:frames]
    return replace(proposal, times=times, rgb=rgb, action=action, decoded=decoded, whole_way=tool)


def _approach(motion: Trajectory) -> int:
    """The frame in which the approach ends."""
    known = np.flatnonzero(motion.known)
    if not len(known):
        return len(motion) - 1
    changed = np.flatnonzero((motion.openness[known] > _OPEN) != (motion.openness[known[0]] > _OPEN))
    places = motion.base_from_tool[known]
    moves = np.flatnonzero(np.linalg.norm(places[:, :3, 3] - places[-1, :3, 3], axis=1) > _STANDS)
    rests = known[min(moves[-1] + 1, len(known) - 1)] if len(moves) else known[-1]
    return int(min(rests, known[changed[0]] - 1 if len(changed) else rests))


def box_for(
    plan: Plan, whole_way: np.ndarray | None, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The box (3,), (3,) m around a plan's way, and all of the way (n, 3) it is the first part of, in which further
    parts may go on; inside the workspace `low`, `high`."""
    _, q = plan.motion.samples(_PERIOD)
    tool = xarm7.forward(q)[:, :3, 3]
    tool = tool if whole_way is None else np.concatenate([tool, whole_way])
    return np.maximum(tool.min(axis=0) - MARGIN, low), np.minimum(tool.max(axis=0) + MARGIN, high)


def segments_approval_for(
    plan: Plan, proposal: Proposal, parts: int, speed: float, workspace: tuple[np.ndarray, np.ndarray]
) -> SegmentsApproval:
    """What a person approves when they approve the first part and those after it."""
    low, high = box_for(plan, proposal.whole_way, *workspace)
    (x, y, z), (X, Y, Z) = low.tolist(), high.tolist()
    return SegmentsApproval(proposal.instruction, parts, (x, y, z), (X, Y, Z), speed)
