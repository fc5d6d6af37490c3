"""Nothing moves without approval: one plan is kept, bound to a nonce that works once, while everything is as it was."""

import secrets
from dataclasses import dataclass

import numpy as np

from foundation import xarm7
from foundation.poses import distance
from robot.errors import RobotError
from robot.limiter import LimiterSettings
from robot.motion_check import broken_limit
from robot.plan import Plan, digest_of

EXPIRES = 600.0  # s
MOVED = 0.005  # m of the tool between staging and execution
TURNED = float(np.deg2rad(1.0))  # rad of the tool or of any joint
START_ERROR = 0.05  # rad between the arm and where a plan begins; the limiter leads over what is left
_NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Staged:
    """What the robot loop keeps: the digest of the bytes it has, the nonce that starts them, and for how long."""

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


class Stage:
    """Room for one plan. Pure: time and the measured joints (7,) rad are handed in. Raises RobotError for every no."""

    def __init__(self, limits: LimiterSettings):
        self._limits = limits
        self._kept: _Kept | None = None
        self._why_empty = ""

    @property
    def digest(self) -> str:
        """Of the plan kept, '' when there is none."""
        kept = self._kept
        return "" if kept is None else kept.digest

    def put(self, data: bytes, position: np.ndarray, now: float) -> Staged:
        """Keep these bytes, and nothing else from now on, if they are a plan that may be executed from here."""
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
        kept = _Kept(data, plan, digest_of(data), secrets.token_hex(_NONCE_BYTES), position.copy(), now + EXPIRES)
        self._kept = kept
        return Staged(kept.digest, kept.nonce, EXPIRES)

    def revoke(self, reason: str) -> None:
        """Forget the plan; `reason` is told to whoever tries to execute it."""
        if self._kept is not None:
            self._kept, self._why_empty = None, reason

    def take(self, nonce: str, position: np.ndarray, now: float) -> Plan:
        """The plan of this nonce, for this once. It stays when the nonce is another's, and is gone after all else."""
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
        self._kept, self._why_empty = None, "Each approval is good for one motion."
        return kept.plan

    def expire(self, now: float) -> None:
        """Forget a plan whose time is over."""
        if self._kept is not None and now >= self._kept.expires:
            self.revoke(f"The approval was older than {EXPIRES / 60:.0f} minutes.")
