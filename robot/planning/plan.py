"""Plan that the operator approves: the motion, the intended frames, and the findings of planning."""

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
    """Motion with its intended frames and findings.

    `motion` is what the arm executes, from 0 s; `intended` (T frames) is what was proposed, in base, with unknown
    frames filled in; `frame_moments` (T,) s are the times at which the motion passes the frames, never falling. Raises
    ValueError if the parts are inconsistent.
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
        """Whether no finding forbids this motion."""
        return all(finding.level is not Level.REFUSAL for finding in self.findings)

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the bytes: equal digests prove that the same plan is shown, approved and executed."""
        return digest_of(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Serialise the plan for the robot process and the library; `Plan.from_bytes` reads it."""
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
        """Parse the bytes of a plan. Raises RobotError if they are not one."""
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
        """Make a plan of a motion known to be good, e.g. a scripted demonstrator's, with a frame every `period` s."""
        moments, positions = motion.samples(period)
        openness = np.array([motion.openness_at(moment) for moment in moments])
        if len(motion) == 1:
            moments, positions, openness = moments[:1], positions[:1], openness[:1]
        return Plan(motion, moments, Trajectory(moments, xarm7.forward(positions), openness))


def digest_of(data: bytes) -> str:
    """Return the SHA-256 (hex) of a plan's bytes."""
    return hashlib.sha256(data).hexdigest()
