"""Detection of faults in a series of views: wrong board size or tag order, a board that slipped, a wrong pose."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from cameras.calibration.rig_data import Rig, RigData
from cameras.calibration.rig_model import Freedom, RigModel
from cameras.calibration.rig_solve import Solution, solve_rig
from cameras.calibration.rig_start import board_pose

_LEAST_SCALE = 0.005  # of the size: 0.25 mm of a 50 mm tag, the resolution of a ruler
_SIGNIFICANT = 5.0  # standard deviations
_FLAT_PX = 2.0  # median rms of single views: a correctly described board stays below 0.3 px
_LOOSE_POSITION, _LOOSE_ROTATION = 0.02, float(np.deg2rad(5.0))
_BORNE = (0.0015, float(np.deg2rad(0.4)))
"""m, rad: three to four times the arm's accuracy. A slip of less, or an arm that stands less far from where it says, is
borne by the corrections of the poses; a push against board or arm, or a pose read before it stood, is far more."""

_LEAST_RUN = 3  # poses on either side of a slip
_ELSEWHERE = 6.0  # robust standard deviations of a single pose


@dataclass(frozen=True)
class WrongSize:
    """Board whose true size is `factor` times the described one, with standard deviation `sigma`."""

    factor: float
    sigma: float


@dataclass(frozen=True)
class Slip:
    """Slip of the board on the gripper by `metres` and `radians`, from pose number `pose` on."""

    pose: int
    metres: float
    radians: float


def find_wrong_size(data: RigData, first: Rig) -> WrongSize | None:
    """Estimate the board's true size from the arm's motion; None if not significantly different from that described."""
    try:
        rig = solve_rig(data, first, Freedom(scale=True)).rig
    except RuntimeError:  # of SciPy's factorisation: the size is not observable, as when the arm only rotated
        return None
    significant = abs(rig.scale - 1.0) > max(_LEAST_SCALE, _SIGNIFICANT * rig.scale_sigma)
    return WrongSize(float(rig.scale), rig.scale_sigma) if significant else None


def misfit_px(data: RigData) -> float:
    """Return the median rms (px) of single views against the described board, independent of the arm."""
    errors = []
    for view in data.views:
        lens = data.lenses[view.camera]
        there = board_pose(view.points, view.pixels, lens)
        turn, _ = cv2.Rodrigues(there[:3, :3])
        pixels, _ = cv2.projectPoints(view.points, turn, there[:3, 3], lens.K, lens.distortion)
        errors.append(np.sqrt(((pixels[:, 0] - view.pixels) ** 2).sum(axis=1).mean()))
    return float(np.median(errors))


def wrong_order(data: RigData) -> bool:
    """Return whether the tags are not arranged on the board as described."""
    return misfit_px(data) > _FLAT_PX


def seen_corrections(solution: Solution) -> tuple[np.ndarray, np.ndarray]:
    """Return the pose errors of the arm as the cameras see them, and their accuracy, with little weight on the arm.

    Both are (P, 6) m, rad in the tool frame, the accuracy as one standard deviation. A single camera observes a flat
    board's tilt to a degree only.
    """
    loose = replace(solution.data, position_sigma=_LOOSE_POSITION, rotation_sigma=_LOOSE_ROTATION)
    seen = solve_rig(loose, solution.rig, drop=False)
    model = RigModel(loose, seen.rig)
    x = np.zeros(model.size)
    columns, poses = model.correction_columns, loose.seen_poses
    x[columns] = seen.rig.correction[poses]
    J = model.jacobian(x)
    sigmas = np.zeros_like(seen.rig.correction)
    for pose, mine in zip(poses, columns, strict=True):
        own = J[:, mine]
        sigmas[pose] = np.sqrt(np.diag(np.linalg.inv((own.T @ own).toarray())))
    return seen.rig.correction, sigmas * seen.noise_ratio


def find_slip(solution: Solution) -> Slip | None:
    """Return the pose at which the board slipped within one mounting; None if it held."""
    (corrections, seen), data = seen_corrections(solution), solution.data
    for mount in range(data.mounts):
        poses = np.array([pose for pose in data.seen_poses if data.mount[pose] == mount])
        if len(poses) < 2 * _LEAST_RUN:
            continue
        found = _step(corrections[poses], seen[poses])
        if found is not None:
            return Slip(int(poses[found[0]]), found[1], found[2])
    return None


def find_elsewhere(solution: Solution) -> list[tuple[int, float]]:
    """Return the poses at which the arm was not where it reported, unlike at all others: index, and error in mm."""
    data = solution.data
    corrections, seen = (each[data.seen_poses] for each in seen_corrections(solution))
    centred = corrections - np.median(corrections, axis=0)
    expected = np.array([data.position_sigma] * 3 + [data.rotation_sigma] * 3)
    sigma = np.maximum(1.4826 * np.median(np.abs(centred), axis=0), 0.5 * expected)
    far = np.abs(centred / np.hypot(sigma, seen)).max(axis=1)
    metres, radians = np.linalg.norm(centred[:, :3], axis=1), np.linalg.norm(centred[:, 3:], axis=1)
    # A large outlier biases its neighbours: only the worst are reported, then the rig is solved again.
    far = far > max(_ELSEWHERE, 0.5 * float(far.max(initial=0.0)))
    far &= (metres > _BORNE[0]) | (radians > _BORNE[1])
    return [(int(data.seen_poses[i]), float(1000 * metres[i])) for i in np.flatnonzero(far)]


def _step(series: np.ndarray, seen: np.ndarray) -> tuple[int, float, float] | None:
    """Find the best split of the series (n, 6), with accuracy `seen` (n, 6), into two levels.

    Returns (index, m, rad) if the step is large and significant, else None.
    """
    n = len(series)
    best, best_square = None, 0.0
    for cut in range(_LEAST_RUN, n - _LEAST_RUN + 1):
        before, after = series[:cut], series[cut:]
        step = np.median(after, axis=0) - np.median(before, axis=0)
        rest = np.concatenate([before - np.median(before, axis=0), after - np.median(after, axis=0)])
        spread = np.maximum(1.4826 * np.median(np.abs(rest), axis=0), [1e-4] * 3 + [2e-4] * 3)
        sides = ((seen[part] ** 2).mean(axis=0) / len(seen[part]) for part in (slice(cut), slice(cut, n)))
        square = float(np.sum(step**2 / (spread**2 * n / (cut * (n - cut)) + sum(sides))))
        if square > best_square:
            best, best_square = (cut, float(np.linalg.norm(step[:3])), float(np.linalg.norm(step[3:]))), square
    # 22 is the 0.1 % point for six degrees of freedom; the search and the medians account for the rest.
    if best is None or best_square < 100.0:
        return None
    return best if best[1] > _BORNE[0] or best[2] > _BORNE[1] else None
