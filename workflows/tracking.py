"""A run as it was meant and as it was: where the plan wanted the tool, and where the arm had it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foundation import xarm7
from robot.plan import Plan
from robot.status import MotionSample


@dataclass(frozen=True, eq=False)
class Tracking:
    """n samples: `read` (n,) s monotonic; `moments` (n,) s of the plan's own time; `position` (n, 7) rad measured;
    `intended`, `actual` (n, 3) m of the tool in base; `openness` (n,) measured.

    `error_mm` (n,) is the distance between the two at the same moment: what lags behind counts in full.
    """

    read: np.ndarray
    moments: np.ndarray
    position: np.ndarray
    intended: np.ndarray
    actual: np.ndarray
    openness: np.ndarray

    def __len__(self) -> int:
        return len(self.moments)

    @property
    def error_mm(self) -> np.ndarray:
        return 1000.0 * np.linalg.norm(self.actual - self.intended, axis=-1)

    @property
    def error_p95_mm(self) -> float | None:
        """95 % of the samples were nearer than this; None before the first sample."""
        return float(np.percentile(self.error_mm, 95)) if len(self) else None

    def joined(self, later: "Tracking") -> "Tracking":
        """This and what came after it."""
        names = ("read", "moments", "position", "intended", "actual", "openness")
        return Tracking(*(np.concatenate([getattr(self, name), getattr(later, name)]) for name in names))


def track(plan: Plan, samples: Sequence[MotionSample]) -> Tracking:
    """The samples that were taken while the plan was followed, against it."""
    followed = [sample for sample in samples if np.isfinite(sample.moment)]
    moments = np.array([sample.moment for sample in followed], float)
    wanted = np.array([plan.motion.at(moment).position for moment in moments]).reshape(-1, xarm7.JOINTS)
    measured = np.array([sample.position for sample in followed]).reshape(-1, xarm7.JOINTS)
    return Tracking(
        np.array([sample.read for sample in followed], float),
        moments,
        measured,
        xarm7.forward(wanted)[:, :3, 3],
        xarm7.forward(measured)[:, :3, 3],
        np.array([sample.openness for sample in followed], float),
    )
