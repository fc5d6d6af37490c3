"""Approval of several segments of one task: an instruction, a maximum number of motions, and a box for the tool.

It is kept and enforced in the robot process, where plans are staged: no segment beyond it is accepted from any caller.
"""

import secrets
from dataclasses import dataclass, field, replace

import numpy as np

from foundation import xarm7
from robot.errors import RobotError
from robot.planning.plan import Plan

MOST_PARTS = 50
LONGEST = 1800.0  # s
_PERIOD = 0.02  # s, sampling period of the tool path
_SAME = 1e-4  # m: tolerance at the walls of the box


@dataclass(frozen=True)
class SegmentsApproval:
    """Approval by the operator of up to `parts` motions for `instruction`, with the tool between `low` and `high`.

    `low` and `high` (3,) are in m in the base frame. The motions run at no more than `speed` times the planned speed
    and must all start within `seconds`. Raises RobotError for invalid values.
    """

    instruction: str
    parts: int
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    speed: float = 0.25
    seconds: float = 600.0

    def __post_init__(self):
        corners = np.array([self.low, self.high], float)
        if corners.shape != (2, 3) or not np.isfinite(corners).all() or not (corners[0] < corners[1]).all():
            raise RobotError("The box for the parts must be larger than nothing along X, Y and Z. Choose another.")
        if not (isinstance(self.parts, int) and 1 <= self.parts <= MOST_PARTS):
            raise RobotError(f"Between 1 and {MOST_PARTS} parts can be approved at once. Choose another number.")
        if not 0.0 < self.speed <= 1.0 or not 0.0 < self.seconds <= LONGEST:
            raise RobotError("The approval's speed or its time makes no sense. Choose others.")
        if not self.instruction.strip():
            raise RobotError("An approval for several parts needs the instruction it is for.")

    @property
    def words(self) -> str:
        """Summary of the approval for the operator."""
        size = [f"{1000 * (high - low):.0f}" for low, high in zip(self.low, self.high, strict=True)]
        return (
            f"“{self.instruction}”, at most {self.parts} parts, within a box of {' x '.join(size)} mm, at "
            f"{100 * self.speed:.0f} % at most"
        )


@dataclass(frozen=True)
class CheckedSegment:
    """Approval in force: `token` is the credential to stage under it, `left` segments may start until `ends` s."""

    allowance: SegmentsApproval
    ends: float
    left: int
    token: str = field(default_factory=lambda: secrets.token_hex(16))

    def check(self, token: str, instruction: str, plan: Plan, now: float) -> None:
        """Raise RobotError unless this plan is one of the approved segments."""
        if not isinstance(token, str) or not secrets.compare_digest(token.encode(), self.token.encode()):
            raise RobotError("This approval for several parts is another one. Approve the motion that is shown.")
        if instruction != self.allowance.instruction:
            raise RobotError(f"What was approved is “{self.allowance.instruction}”. Approve this motion by itself.")
        if now >= self.ends:
            raise RobotError("The approval for several parts is too old. Approve the motion that is shown.")
        if self.left < 1:
            raise RobotError("All parts that were approved have been run. Approve the motion that is shown.")
        outside = self.outside(plan)
        if outside > _SAME:
            raise RobotError(
                f"The tool would leave the approved box by {1000 * outside:.0f} mm. Approve the motion that is shown."
            )

    def outside(self, plan: Plan) -> float:
        """Return the largest distance (m) by which the tool leaves the box along the motion, 0 if it never does."""
        _, q = plan.motion.samples(_PERIOD)
        tool = xarm7.forward(q)[:, :3, 3]
        low, high = np.array(self.allowance.low), np.array(self.allowance.high)
        return float(np.maximum(np.maximum(low - tool, tool - high), 0.0).max())

    def used(self) -> "CheckedSegment":
        """Return a copy with one segment fewer left."""
        return replace(self, left=self.left - 1)
