"""Receding-horizon execution: the first part of a proposal, then a new observation, a new proposal, and so on."""

from dataclasses import dataclass, replace

import numpy as np

from foundation import xarm7
from foundation.trajectory import Scene, Trajectory
from model.action_images.decoding import Decoded
from robot.approval.multi_segment_approval import SegmentsApproval
from robot.planning.plan import Plan
from workflows.cancellation import Cancellation, Report
from workflows.proposals.proposal import Proposal, Source

MARGIN = 0.1  # m around the proposed path, within which the parts may move
_PERIOD = 0.05  # s between the poses from which the box is computed
_OPEN = 0.5  # openness above which the gripper counts as open
_STANDS = 0.01  # m from its final position within which the tool counts as at rest


@dataclass(frozen=True)
class Cover:
    """Approval of several segments held by the robot process: `token` identifies it, `allowance` is its content."""

    token: str
    allowance: SegmentsApproval


class RecedingHorizonSource:
    """Another source's proposals, cut down to the part to be done before the next observation.

    Of `most` parts the last one is all that is left of the motion, the earlier ones their share of the approach.
    """

    def __init__(self, source: Source, number: int, most: int):
        self._source, self._number, self._most = source, number, most
        self.name = source.name

    def propose(self, instruction: str, scene: Scene, report: Report, token: Cancellation) -> Proposal:
        """Propose the first part of the source's proposal. Raises what the source raises."""
        whole = self._source.propose(instruction, scene, report, token)
        parts_left = self._most - self._number + 1
        return replace(beginning(whole, parts_left), others=tuple(beginning(each, parts_left) for each in whole.others))


def beginning(proposal: Proposal, parts_left: int) -> Proposal:
    """Return the first of `parts_left` equal parts of a proposal's approach, or all of the proposal for 1.

    A part has at least two frames. The approach lasts until the gripper is commanded, or to where the tool comes to
    rest: a later observation shows a hand in front of the object, and is of no use after a grasp or a push.
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
    """Return the frame in which the approach ends."""
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
    """Return the corners (3,), (3,) m of the box in which further parts may move: around the plan's path and the
    complete path (n, 3) of which it is the first part; inside the workspace `low`, `high`."""
    _, q = plan.motion.samples(_PERIOD)
    tool = xarm7.forward(q)[:, :3, 3]
    tool = tool if whole_way is None else np.concatenate([tool, whole_way])
    return np.maximum(tool.min(axis=0) - MARGIN, low), np.minimum(tool.max(axis=0) + MARGIN, high)


def segments_approval_for(
    plan: Plan, proposal: Proposal, parts: int, speed: float, workspace: tuple[np.ndarray, np.ndarray]
) -> SegmentsApproval:
    """Return the content of the operator's approval of the first part and of those after it."""
    low, high = box_for(plan, proposal.whole_way, *workspace)
    (x, y, z), (X, Y, Z) = low.tolist(), high.tolist()
    return SegmentsApproval(proposal.instruction, parts, (x, y, z), (X, Y, Z), speed)
