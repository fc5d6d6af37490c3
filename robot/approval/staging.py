"""Staging of plans: one plan is kept, bound to a one-time nonce, and is void as soon as its preconditions change."""

import secrets
from dataclasses import dataclass

import numpy as np

from foundation import xarm7
from foundation.poses import distance
from robot.approval.multi_segment_approval import CheckedSegment, SegmentsApproval
from robot.errors import RobotError
from robot.limiter import LimiterSettings
from robot.planning.motion_check import broken_limit
from robot.planning.plan import Plan, digest_of

EXPIRES = 600.0  # s
MOVED = 0.005  # m of the tool between staging and execution
TURNED = float(np.deg2rad(1.0))  # rad of the tool or of any joint
START_ERROR = 0.05  # rad between the arm and the start of a plan; the limiter bridges the remainder
_NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Staged:
    """Staged plan as kept by the robot loop: digest of its bytes, nonce that starts it, and time until it expires."""

    digest: str
    nonce: str
    expires_in_s: float


@dataclass(frozen=True, eq=False, slots=True)
class _Kept:
    data: bytes
    plan: Plan
    digest: str
    nonce: str
    position: np.ndarray
    expires: float
    covered: bool = False  # covered by an approval of several segments


class Stage:
    """Storage for one plan. Pure: time and the measured joints (7,) rad are passed in. Raises RobotError on refusal."""

    def __init__(self, limits: LimiterSettings):
        self._limits = limits
        self._kept: _Kept | None = None
        self._allowed: CheckedSegment | None = None
        self._why_empty = ""

    @property
    def digest(self) -> str:
        """Digest of the staged plan, '' if there is none."""
        kept = self._kept
        return "" if kept is None else kept.digest

    @property
    def parts_left(self) -> int:
        """Number of motions that may still start under an approval of several segments."""
        return 0 if self._allowed is None else self._allowed.left

    def allow(self, allowance: SegmentsApproval, now: float) -> str:
        """Register an approval of several segments and return its token. Any previous approval is revoked."""
        self.revoke("Another approval was given.")
        self._allowed = CheckedSegment(allowance, now + allowance.seconds, allowance.parts)
        return self._allowed.token

    def put(self, data: bytes, position: np.ndarray, now: float, *, cover: str = "", instruction: str = "") -> Staged:
        """Stage the plan in `data`, replacing any other, if it may be executed from the present joints.

        Args:
            data: Bytes of the plan, read by `Plan.from_bytes`.
            position: Measured joints (7,) rad.
            now: Present time in s.
            cover: Token of the approval of several segments that covers this plan; without it every previous approval,
                also one of several segments, is revoked.
            instruction: Instruction that the plan belongs to, compared with that of the approval.
        """
        allowed = self._allowed
        self.revoke("Another plan was put in its place.")
        data = bytes(data)
        plan = Plan.from_bytes(data)
        if not plan.executable:
            refusal = next(finding for finding in plan.findings if finding.level == "refusal")
            raise RobotError(f"This plan must not be executed: {refusal.sentence}")
        away = float(np.abs(plan.motion.position[0] - position).max())
        if away > START_ERROR:
            raise RobotError(
                f"The motion begins elsewhere: a joint is {np.rad2deg(away):.1f} deg away. Plan it again from here."
            )
        reason = broken_limit(plan.motion, self._limits)
        if reason:
            raise RobotError(f"This plan does not keep the arm's limits: {reason}. Plan it again.")
        if cover:  # after the limits: a motion of unbounded duration cannot be sampled
            if allowed is None:
                raise RobotError(
                    f"No approval for several parts holds. {self._why_empty} Approve this motion by itself."
                )
            allowed.check(cover, instruction, plan, now)
        kept = _Kept(
            data, plan, digest_of(data), secrets.token_hex(_NONCE_BYTES), position.copy(), now + EXPIRES, bool(cover)
        )
        self._kept = kept
        if cover:
            self._allowed = allowed
        return Staged(kept.digest, kept.nonce, EXPIRES)

    def revoke(self, reason: str) -> None:
        """Discard the plan and any approval of several segments; a later `take` reports `reason`."""
        if self._kept is not None or self._allowed is not None:
            self._kept, self._allowed, self._why_empty = None, None, reason

    def take(self, nonce: str, position: np.ndarray, now: float, speed: float = 1.0) -> Plan:
        """Consume and return the plan of this nonce. A wrong nonce leaves it staged, other refusals discard it.

        `speed` is the speed at which it will run. Segments have an approved maximum, above which the plan also stays.
        """
        self.expire(now)
        kept = self._kept
        if kept is None:
            raise RobotError(f"No approved plan is waiting. {self._why_empty} Approve a plan first.".replace("  ", " "))
        if not isinstance(nonce, str) or not secrets.compare_digest(nonce.encode(), kept.nonce.encode()):
            raise RobotError("This approval belongs to another plan. Approve the plan that is shown.")
        moved, turned = distance(xarm7.forward(kept.position), xarm7.forward(position))
        turned = max(float(turned), float(np.abs(position - kept.position).max()))
        if moved > MOVED or turned > TURNED:
            self.revoke("The arm was moved since the plan was approved.")
            raise RobotError(
                f"The arm was moved by {1000 * moved:.0f} mm and {np.rad2deg(turned):.1f} deg since the plan was "
                "approved. Plan it again from here."
            )
        if kept.covered:
            self._use_part(speed)
        self._kept, self._why_empty = None, "Each approval is good for one motion."
        return kept.plan

    def _use_part(self, speed: float) -> None:
        allowed = self._allowed
        if allowed is None or allowed.left < 1:
            self.revoke("All parts that were approved have been run.")
            raise RobotError("All parts that were approved have been run. Approve the motion that is shown.")
        if speed > allowed.allowance.speed + 1e-9:
            raise RobotError(
                f"The parts were approved at {100 * allowed.allowance.speed:.0f} % at most. Run it slower."
            )
        self._allowed = allowed.used()

    def expire(self, now: float) -> None:
        """Discard a plan or an approval of several segments that has expired."""
        if self._allowed is not None and now >= self._allowed.ends:
            self.revoke("The approval for several parts was too old.")
        if self._kept is not None and now >= self._kept.expires:
            self.revoke(f"The approval was older than {EXPIRES / 60:.0f} minutes.")
