"""Tracking of a run: the tool's planned against its measured position."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foundation import xarm7
from robot.planning.plan import Plan
from robot.service.status import MotionSample

_PERIOD = 0.02  # s of the plan's own time between the samples of the error statistics


@dataclass(frozen=True)
class TrackingError:
    """Distance in mm between the tool's planned and measured position at the same time: median, 95th percentile and
    maximum. Each instant of the plan counts once, however long the arm stood there."""

    median_mm: float
    p95_mm: float
    most_mm: float


@dataclass(frozen=True, eq=False)
class Tracking:
    """n samples: `read` (n,) s monotonic; `moments` (n,) s of the plan's own time; `position` (n, 7) rad measured;
    `intended`, `actual` (n, 3) m of the tool in base; `openness` (n,) measured.

    `error_mm` (n,) is the distance between the two at the same time: lag counts in full. The statistics of a whole run
    are always those of `off_the_plan`, during the run as in the history.
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
    def off_the_plan(self) -> TrackingError | None:
        """Tracking error over the whole run; None before the first sample."""
        if not len(self):
            return None
        first, last = float(self.moments.min()), float(self.moments.max())
        error_mm = self.error_mm_at(np.linspace(first, last, max(round((last - first) / _PERIOD), 1) + 1))
        most = float(self.error_mm.max())
        return TrackingError(float(np.median(error_mm)), float(np.percentile(error_mm, 95)), most)

    @property
    def error_p95_mm(self) -> float | None:
        """95th percentile of `off_the_plan`."""
        off = self.off_the_plan
        return None if off is None else off.p95_mm

    def error_mm_at(self, moments: np.ndarray) -> np.ndarray:
        """Return the error (m,) mm at times `moments` (m,) s of the plan; NaN where nothing was measured. Of several
        samples at one time, as while the arm rests, the largest error counts."""
        if not len(self):
            return np.full(len(moments), np.nan)
        known, place = np.unique(self.moments, return_inverse=True)
        largest = np.zeros(len(known))
        np.maximum.at(largest, place, self.error_mm)
        return np.interp(moments, known, largest, left=np.nan, right=np.nan)

    def joined(self, later: "Tracking") -> "Tracking":
        """Return this tracking followed by a later one."""
        names = ("read", "moments", "position", "intended", "actual", "openness")
        return Tracking(*(np.concatenate([getattr(self, name), getattr(later, name)]) for name in names))


def track(plan: Plan, samples: Sequence[MotionSample]) -> Tracking:
    """Compare the samples taken while the plan was followed with the plan."""
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
