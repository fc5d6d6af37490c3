"""A motion as the operator approves it: what will be done, what was meant, and what planning found out."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from foundation import xarm7
from foundation.messages import ChannelClosed, pack, unpack
from foundation.trajectory import Trajectory
from robot.errors import RobotError
from robot.planning.findings import Finding, Level
from robot.planning.joint_trajectory import JointTrajectory

LARGEST_PLAN = 1 << 24  # bytes; ten minutes of motion need two million
_FORMAT = 1


@dataclass(frozen=True, eq=False)
class Plan:
    """`motion` is what the arm does, from 0 s; `intended` (T frames) what was proposed, in base, with what was not
    known filled in; `frame_moments` (T,) s says when the motion passes each frame, never falling.

    Raises ValueError when the parts do not belong together.
    """

    motion: JointTrajectory
    frame_moments: np.ndarray
    intended: Trajectory
    findings: tuple[Finding, ...] = ()

    def __post_init__(self):
        moments = np.array(self.frame_moments, float)
        moments.setflags(write=False)
        object.__setattr__(self, "frame_moments", moments)
        if moments.shape != (len(self.intended),) or not np.isfinite(moments).all() or (np.diff(moments) < 0).any():
            raise ValueError("a plan needs a moment for each frame of what was intended, never falling")
        if not self.intended.known.all():
            raise ValueError("a plan's intended poses must all be known")

    @property
    def executable(self) -> bool:
        """Whether nothing forbids this motion."""
        return all(finding.level is not Level.REFUSAL for finding in self.findings)

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the bytes: what is shown, approved and executed is one and the same when this is."""
        return digest_of(self.to_bytes())

    def to_bytes(self) -> bytes:
        """The plan for the robot process and the library; `Plan.from_bytes` reads it."""
        return pack(
            {
                "plan": _FORMAT,
                "motion": self.motion.to_dict(),
                "frame_moments": self.frame_moments,
                "intended": {
                    "times": self.intended.times,
                    "base_from_tool": self.intended.base_from_tool,
                    "openness": self.intended.openness,
                },
                "findings": [finding.to_dict() for finding in self.findings],
            }
        )

    @staticmethod
    def from_bytes(data: bytes) -> "Plan":
        """Raises RobotError when the bytes are not a plan."""
        if len(data) > LARGEST_PLAN:
            raise RobotError(f"A plan of {len(data)} bytes cannot be right. Plan the motion again.")
        try:
            values = unpack(data)
            if values["plan"] != _FORMAT:
                raise ValueError("another format")
            return Plan(
                JointTrajectory.from_dict(values["motion"]),
                values["frame_moments"],
                Trajectory(**values["intended"]),
                tuple(Finding.from_dict(finding) for finding in values["findings"]),
            )
        except (ChannelClosed, KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise RobotError(f"These bytes are not a plan of this program ({error}). Plan the motion again.") from error

    @staticmethod
    def of_motion(motion: JointTrajectory, period: float = 0.2) -> "Plan":
        """A motion that is known to be good, such as a scripted demonstrator's, with a frame about every `period` s."""
        moments, positions = motion.samples(period)
        openness = np.array([motion.openness_at(moment) for moment in moments])
        if len(motion) == 1:
            moments, positions, openness = moments[:1], positions[:1], openness[:1]
        return Plan(motion, moments, Trajectory(moments, xarm7.forward(positions), openness))


def digest_of(data: bytes) -> str:
    """SHA-256 (hex) of a plan's bytes."""
    return hashlib.sha256(data).hexdigest()
