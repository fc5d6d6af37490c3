"""One robust least squares over all cameras, all poses, the board's mounting, and a small correction of each pose."""

from dataclasses import dataclass, replace

import numpy as np

from cameras.rig_data import Rig, RigData
from cameras.rig_model import Freedom, RigModel
from cameras.robust_least_squares import Minimum, minimise

_HUBER = 4.0  # standard deviations, from which on an error counts linearly
_OUTLIER_PX = 3.0  # rms of a view; a view of a sharp, flat, rightly described board stays far below
_OUTLIER_RATIO = 5.0  # times the median view's
_ARM_RATIOS, _CORNER_RATIOS = (0.3, 10.0), (0.5, 10.0)  # of the assumed scatter, that are believed
_WORTH_IT = 1.2


@dataclass(frozen=True, eq=False)
class Solution:
    """`rig` and how it explains `data`: `pixel_errors` (N, 2) in the order of the views, `view_px` rms per view.

    `dropped`: numbers of the views given that contradict the rest and were left out of `data`; `covariance` (6 C, 6 C)
    of shift and turn of the camera_from_base, m and rad, one after the other; `noise_ratio`: the corners' scatter as
    part of the expected.
    """

    data: RigData
    rig: Rig
    pixel_errors: np.ndarray
    view_px: np.ndarray
    dropped: tuple[int, ...]
    covariance: np.ndarray
    noise_ratio: float


def solve_rig(data: RigData, first: Rig, freedom: Freedom = Freedom(), *, drop: bool = True) -> Solution:
    """The rig that explains every view best, starting from `first`; `drop`: without views that contradict the rest."""
    model, found = _solve(data, first, freedom)
    dropped: tuple[int, ...] = ()
    if drop:
        rms = _by_view(data, model.pixel_errors(found.x))
        bad = rms > max(_OUTLIER_PX, _OUTLIER_RATIO * float(np.median(rms)))
        if bad.any() and not bad.all():
            dropped = tuple(int(i) for i in np.flatnonzero(bad))
            data = replace(data, views=tuple(v for v, out in zip(data.views, bad, strict=True) if not out))
            model, found = _solve(data, model.rig_at(found.x), freedom)
    errors = model.pixel_errors(found.x)
    rig = model.rig_at(found.x)
    if freedom.scale:
        at = np.array([model.scale_column])
        rig = replace(rig, scale_sigma=float(np.sqrt(found.covariance_of(at)[0, 0])))
    covariance = found.covariance_of(np.arange(6 * len(data.lenses)))
    # Robust: the median of a normal variable's size is 0.6745 standard deviations.
    ratio = float(np.median(np.abs(errors)) / 0.6745 / data.pixel_sigma)
    return Solution(data, rig, errors, _by_view(data, errors), dropped, covariance, ratio)


def reweighted(solution: Solution, freedom: Freedom = Freedom()) -> Solution:
    """The solution with corners and arm weighted by how much they were found to scatter, not by what was assumed."""
    data = solution.data
    sigmas = np.array([data.position_sigma] * 3 + [data.rotation_sigma] * 3)
    arm = float(np.sqrt(np.mean((solution.rig.correction[data.seen_poses] / sigmas) ** 2)))
    arm, corners = float(np.clip(arm, *_ARM_RATIOS)), float(np.clip(solution.noise_ratio, *_CORNER_RATIOS))
    if 1 / _WORTH_IT < arm < _WORTH_IT and 1 / _WORTH_IT < corners < _WORTH_IT:
        return solution
    found = replace(
        data,
        position_sigma=arm * data.position_sigma,
        rotation_sigma=arm * data.rotation_sigma,
        pixel_sigma=corners * data.pixel_sigma,
    )
    return replace(solve_rig(found, solution.rig, freedom, drop=False), dropped=solution.dropped)


def _solve(data: RigData, first: Rig, freedom: Freedom) -> tuple[RigModel, Minimum]:
    # Corrections start at nothing again: they belong to the data, not to the guess.
    model = RigModel(data, replace(first, correction=np.zeros_like(first.correction)), freedom)
    return model, minimise(model.residuals, model.jacobian, np.zeros(model.size), _HUBER)


def _by_view(data: RigData, errors: np.ndarray) -> np.ndarray:
    """Rms px of each view."""
    ends = np.cumsum([len(view.pixels) for view in data.views])
    return np.array([np.sqrt((part**2).sum(axis=1).mean()) for part in np.split(errors, ends[:-1])])
