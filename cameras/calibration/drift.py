"""Drift check of a calibrated camera: comparison of the tags on the bench, then and now.

All corners of all tags decide together, by a chi-square test: with a threshold for each tag (2 px, 3 mm) a camera moved
by 5 mm goes undetected one time in four.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from scipy.stats import chi2

from cameras.calibration.rig_start import board_pose
from cameras.calibration.tags import detect_tags
from cameras.intrinsics import Intrinsics

FALSE_ALARM = 1e-6
"""Probability of a check that warns of a camera that was not moved."""

FLOOR_PX = 0.15
"""px that a corner may shift by other light, warmth and other hands on the bench, besides its noise."""

RED_PX, RED_MM = 1.5, 1.5
"""From here on a shift stops the work: it is what a good calibration may be off by altogether."""

_LEAST_FRAMES = 3
_PRIOR = np.array([0.05] * 3 + [0.05] * 3)  # m, rad: prior on the motion of a camera that was pushed


@dataclass(frozen=True, eq=False)
class BenchSight:
    """Observation of the bench tags by one camera: per id `corners` (4, 2) raw px, and `noise_px` of one coordinate."""

    corners: Mapping[int, np.ndarray] = field(default_factory=dict)
    noise_px: float = FLOOR_PX

    def __post_init__(self):
        object.__setattr__(self, "corners", {int(k): np.array(v, float) for k, v in self.corners.items()})


@dataclass(frozen=True)
class Drift:
    """Result of a camera's drift check.

    `shift_px` is the rms shift of the corners; `shift_mm` the error of points near the tags caused by it; `light` is
    "green", "yellow" (moved a little), "red" or "unknown" (no tag visible); nan where unknown.
    """

    light: str
    sentence: str
    shift_px: float = float("nan")
    shift_mm: float = float("nan")
    moved_tags: tuple[int, ...] = ()

    @property
    def ok(self) -> bool:
        return self.light == "green"


def bench_sight(frames: Sequence[np.ndarray], family: str, ids: Sequence[int]) -> BenchSight:
    """Detect the tags `ids` in images of a stationary camera: those seen once in most of them, at their median."""
    seen: dict[int, list[np.ndarray]] = {}
    for rgb in frames:
        tags = detect_tags(rgb, family, decimate=1.0)  # seen at grazing angles and from afar; run time is not critical
        for tag in tags:
            if tag.id in ids and sum(other.id == tag.id for other in tags) == 1:
                seen.setdefault(tag.id, []).append(tag.corners)
    steady = {number: np.array(each) for number, each in seen.items() if len(each) > len(frames) / 2}
    scatter = [each - np.median(each, axis=0) for each in steady.values() if len(each) >= _LEAST_FRAMES]
    noise = FLOOR_PX if not scatter else float(np.sqrt(np.mean(np.concatenate([s.ravel() for s in scatter]) ** 2)))
    return BenchSight({number: np.median(each, axis=0) for number, each in steady.items()}, noise)


def check_drift(reference: BenchSight, now: BenchSight, lens: Intrinsics, tag_size: float) -> Drift:
    """Compare the present view of a camera with `lens` with that at its calibration; `tag_size` m."""
    common = sorted(set(reference.corners) & set(now.corners))
    if not reference.corners:
        return Drift("unknown", "No bench tags were seen at the calibration. Lay them out and calibrate again.")
    if not common:
        return Drift("unknown", "None of the bench tags is seen. Uncover them, and move the arm away from them.")
    variance = reference.noise_px**2 + now.noise_px**2 + FLOOR_PX**2
    shifts = {number: now.corners[number] - reference.corners[number] for number in common}
    changed = [n for n in common if float((shifts[n] ** 2).sum()) / variance > chi2.isf(FALSE_ALARM / 4, 8)]
    steady = [n for n in common if n not in changed]
    if changed and len(steady) >= 2 and len(steady) >= len(changed):
        return _moved_tags(changed, steady, shifts, variance, reference, lens, tag_size)
    return _judged(common, shifts, variance, reference, lens, tag_size)


def _judged(
    numbers: list[int], shifts: dict, variance: float, reference: BenchSight, lens: Intrinsics, tag_size: float
) -> Drift:
    all_shifts = np.concatenate([shifts[number] for number in numbers])
    px = float(np.sqrt((all_shifts**2).sum(axis=1).mean()))
    mm = _misplaced_mm([reference.corners[number] for number in numbers], all_shifts, variance, lens, tag_size)
    if float((all_shifts**2).sum()) / variance <= chi2.isf(FALSE_ALARM, all_shifts.size):
        return Drift("green", f"The camera stands where it stood (shift {px:.1f} px, {mm:.1f} mm).", px, mm)
    if px < RED_PX and mm < RED_MM:
        words = f"The camera has moved a little ({px:.1f} px, {mm:.1f} mm). Calibrate again when there is time."
        return Drift("yellow", words, px, mm)
    words = f"The camera has moved ({px:.1f} px, {mm:.1f} mm). Put it back, or calibrate again."
    return Drift("red", words, px, mm)


def _moved_tags(
    changed: list[int],
    steady: list[int],
    shifts: dict,
    variance: float,
    reference: BenchSight,
    lens: Intrinsics,
    tag_size: float,
) -> Drift:
    """Judge a check in which some tags moved and more did not: the camera did not move."""
    rest = _judged(steady, shifts, variance, reference, lens, tag_size)
    if rest.light != "green":
        return _judged(sorted([*changed, *steady]), shifts, variance, reference, lens, tag_size)
    names = ", ".join(str(number) for number in changed)
    verb = "tag %s has" if len(changed) == 1 else "tags %s have"
    words = f"The camera stands where it stood, but the {verb % names} been moved. Calibrate again when there is time."
    return Drift("yellow", words, rest.shift_px, rest.shift_mm, tuple(changed))


def _misplaced_mm(
    corners: list[np.ndarray], shifts: np.ndarray, variance: float, lens: Intrinsics, tag_size: float
) -> float:
    """Return the rms apparent motion (mm) of the tags if the camera moved, fitted to the corners' shifts."""
    half = tag_size / 2
    square = np.array([[-half, half, 0], [half, half, 0], [half, -half, 0], [-half, -half, 0.0]])
    points = []
    for each in corners:
        camera_from_tag = board_pose(square, each, lens)
        points.append(square @ camera_from_tag[:3, :3].T + camera_from_tag[:3, 3])
    there = np.concatenate(points)
    _, J = cv2.projectPoints(there, np.zeros(3), np.zeros(3), lens.K, lens.distortion)
    by_motion = np.concatenate([J[:, 3:6], J[:, :3]], axis=1)  # translation, then rotation
    normal = by_motion.T @ by_motion / variance + np.diag(_PRIOR**-2.0)
    motion = np.linalg.solve(normal, by_motion.T @ shifts.ravel() / variance)
    moved = motion[:3] + np.cross(motion[3:], there)
    return float(1000 * np.sqrt((moved**2).sum(axis=1).mean()))
