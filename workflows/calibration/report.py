"""Quality report of a calibration: error figures, a verdict, and advice."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from cameras.intrinsics import Intrinsics
from workflows.calibration.observations import CalibrationSession, Delay


class Verdict(StrEnum):
    ACCEPT = "accept"
    MARGINAL = "marginal"
    REPEAT = "repeat"


# Limits for "accept"; up to twice as much is "marginal". The pixels are those of an image 640 px wide.
MOST_PX, MOST_MM, MOST_WORST_MM, MOST_HALVES_MM, MOST_HALVES_DEG = 1.0, 2.0, 5.0, 2.0, 0.2
MOST_EXPECTED_MM = 1.5
_WIDTH = 640.0


@dataclass(frozen=True, eq=False)
class Dropped:
    """An outlier that was left out, and why: a view, or a whole pose where `identity` is empty."""

    pose: int
    identity: str
    reason: str


@dataclass(frozen=True, eq=False)
class ErrorMap:
    """`points` (n, 3) m in base, `expected_mm` (n,) localisation error of the rig there, `seen_by` (n,)."""

    points: np.ndarray
    expected_mm: np.ndarray
    seen_by: np.ndarray


@dataclass(frozen=True, eq=False)
class CameraReport:
    """Extrinsics of one camera and their accuracy.

    `held_out_px`, `held_out_mm`: rms on held-out poses, mm across the line of sight; `half_split_*`: difference between
    the solutions of two halves of the poses; `pixels` (n, 2) and `residuals_px` (n, 2) of each corner, at poses
    `residual_poses` (n,).
    """

    identity: str
    name: str
    intrinsics: Intrinsics
    base_from_camera: np.ndarray
    views: int
    held_out_px: float
    held_out_mm: float
    half_split_mm: float
    half_split_deg: float
    regions: np.ndarray
    pixels: np.ndarray
    residuals_px: np.ndarray
    residual_poses: np.ndarray
    delay: Delay | None = None

    @property
    def sentence(self) -> str:
        words = f"{self.name}: {self.held_out_mm:.1f} mm, {self.held_out_px:.2f} px on {self.views} poses held out."
        return words if self.delay is None else f"{words} Its pictures come {1000 * self.delay.seconds:.0f} ms late."


@dataclass(frozen=True, eq=False)
class CalibrationReport:
    """Report on all cameras together.

    `held_out_mm` rms and `held_out_worst_mm`: board points triangulated from two or more cameras against the arm's
    reported pose, at held-out poses (with one camera: across its line of sight); `expected_mm`: the median of the error
    map; `arm_error_*`: rms per axis by which the arm's poses were corrected; `poses` (P, 4, 4) base_from_tool
    corrected; `tool_from_board` (4, 4) per mounting of the board.
    """

    cameras: tuple[CameraReport, ...]
    tool_from_board: tuple[np.ndarray, ...]
    poses: np.ndarray
    held_out_px: float
    held_out_mm: float
    held_out_worst_mm: float
    half_split_mm: float
    half_split_deg: float
    expected_mm: float
    arm_error_mm: float
    arm_error_deg: float
    error_map: ErrorMap
    dropped: tuple[Dropped, ...]
    lens_refined: bool = False

    @property
    def verdict(self) -> Verdict:
        shares = np.array([value / limit for _, value, limit in self._figures()])
        if not (shares <= 2.0).all():  # also true when a figure is NaN
            return Verdict.REPEAT
        return Verdict.ACCEPT if (shares <= 1.0).all() else Verdict.MARGINAL

    @property
    def sentence(self) -> str:
        """The verdict as a sentence."""
        how = f"held out {self.held_out_mm:.1f} mm, {self.held_out_px:.2f} px; expected {self.expected_mm:.1f} mm"
        return {
            Verdict.ACCEPT: f"The calibration is good: {how}. Save it.",
            Verdict.MARGINAL: f"The calibration can be used with care: {how}. Better add poses first.",
            Verdict.REPEAT: f"The calibration is not good enough: {how}. Do not use it; see what to do.",
        }[self.verdict]

    @property
    def advice(self) -> tuple[str, ...]:
        """What to do about each figure above its limit."""
        words = {
            "px": "Check that the board is flat, held firmly, and printed at its true size.",
            "mm": "Check that the board cannot move on the gripper and the arm's base is bolted down.",
            "worst": "One pose does not fit: look at the residuals, leave that pose out, and solve again.",
            "halves": "Take more poses, tilted about different axes.",
            "expected": "Take more poses, and spread them over the workspace.",
        }
        bad = [name for name, value, limit in self._figures() if not value <= limit]
        advice = [words[name] for name in dict.fromkeys(bad)]
        advice += [f"{each.name}: its error is the largest. Fasten it, then repeat." for each in self._worst_cameras()]
        return tuple(advice)

    def camera(self, identity: str) -> CameraReport:
        """Return the report of one camera. Raises KeyError for one that did not take part."""
        return {each.identity: each for each in self.cameras}[identity]

    def _figures(self) -> list[tuple[str, float, float]]:
        per_camera = [("px", each.held_out_px, MOST_PX * each.intrinsics.width / _WIDTH) for each in self.cameras]
        return [
            *per_camera,
            ("mm", self.held_out_mm, MOST_MM),
            ("worst", self.held_out_worst_mm, MOST_WORST_MM),
            ("halves", self.half_split_mm, MOST_HALVES_MM),
            ("halves", self.half_split_deg, MOST_HALVES_DEG),
            ("expected", self.expected_mm, MOST_EXPECTED_MM),
        ]

    def _worst_cameras(self) -> list[CameraReport]:
        if len(self.cameras) < 2:
            return []
        middle = float(np.median([each.held_out_mm for each in self.cameras]))
        return [each for each in self.cameras if each.held_out_mm > max(2.0 * middle, MOST_MM)]


def report_with_delays(report: CalibrationReport, session: CalibrationSession) -> CalibrationReport:
    """Return the report with the delays that a sweep has found since."""
    delays: Mapping[str, Delay] = session.delays
    cameras = tuple(replace(each, delay=delays.get(each.identity)) for each in report.cameras)
    return replace(report, cameras=cameras)
