"""Robust bundle adjustment over all cameras, all poses, the board's mounting, and a small correction of each pose.

Least squares with Huber's loss for problems with a sparse Jacobian. SciPy's `least_squares` solves the same problems:
its dense trust region takes ten times as long on a rig of thirty poses, and its sparse one (LSMR) stops before it has
converged. A test compares the two.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix, diags_array
from scipy.sparse.linalg import splu

from cameras.calibration.rig_data import Rig, RigData
from cameras.calibration.rig_model import Freedom, RigModel

_MOST_STEPS = 60
_LEAST_DAMPING, _MOST_DAMPING = 1e-9, 1e6
_CONVERGED = 1e-7  # of the cost, and of each unknown in its own standard deviations


@dataclass(frozen=True, eq=False)
class LeastSquaresResult:
    """Minimum `x` (n,) with its `cost`; `covariance_of` returns columns of the inverse normal matrix there."""

    x: np.ndarray
    cost: float
    converged: bool
    _normal: csc_matrix

    def covariance_of(self, unknowns: np.ndarray) -> np.ndarray:
        """Return the covariance (k, k) of these unknowns, by index, for residuals of standard deviation 1."""
        unit = np.zeros((len(self.x), len(unknowns)))
        unit[unknowns, np.arange(len(unknowns))] = 1.0
        return splu(self._normal).solve(unit)[unknowns]


def minimise(
    residuals: Callable[[np.ndarray], np.ndarray],
    jacobian: Callable[[np.ndarray], csr_matrix],
    x: np.ndarray,
    huber: float,
) -> LeastSquaresResult:
    """Minimise the sum of Huber's loss of `residuals` (m,), from the initial `x` (n,).

    Levenberg-Marquardt steps on iteratively reweighted residuals (Holland and Welsch 1977); beyond `huber` a residual
    counts linearly. Every unknown must affect the residuals.
    """
    error = residuals(x)
    cost = _cost(error, huber)
    damping = 1e-4
    for _ in range(_MOST_STEPS):
        J = jacobian(x)
        weights = _weights(error, huber)
        weighted = diags_array(weights) @ J
        normal = csc_matrix(J.T @ weighted)
        gradient = weighted.T @ error
        while True:
            step = -splu(normal + damping * diags_array(normal.diagonal(), format="csc")).solve(gradient)
            tried = residuals(x + step)
            better = _cost(tried, huber)
            if better <= cost or damping > _MOST_DAMPING:
                break
            damping = max(10.0 * damping, 1e-6)
        settled = cost - better <= _CONVERGED * cost
        small = np.abs(step * np.sqrt(normal.diagonal())).max() < 1e-3
        if better <= cost:
            x, error, cost = x + step, tried, better
            damping = max(damping / 10.0, _LEAST_DAMPING)
        if damping > _MOST_DAMPING or settled or small:
            return LeastSquaresResult(x, cost, True, _normal(jacobian(x), error, huber))
    return LeastSquaresResult(x, cost, False, _normal(jacobian(x), error, huber))


def _weights(error: np.ndarray, huber: float) -> np.ndarray:
    return np.minimum(1.0, huber / np.maximum(np.abs(error), 1e-12))


def _cost(error: np.ndarray, huber: float) -> float:
    size = np.abs(error)
    return float(np.where(size <= huber, 0.5 * size**2, huber * (size - 0.5 * huber)).sum())


def _normal(J: csr_matrix, error: np.ndarray, huber: float) -> csc_matrix:
    return csc_matrix(J.T @ (diags_array(_weights(error, huber)) @ J))


_HUBER = 4.0  # standard deviations above which an error counts linearly
_OUTLIER_PX = 3.0  # rms of a view; a view of a sharp, flat, correctly described board stays far below
_OUTLIER_RATIO = 5.0  # times the median view's
_ARM_RATIOS, _CORNER_RATIOS = (0.3, 10.0), (0.5, 10.0)  # of the assumed scatter, accepted range
_WORTH_IT = 1.2


@dataclass(frozen=True, eq=False)
class Solution:
    """Solved `rig` and its fit to `data`: `pixel_errors` (N, 2) in the order of the views, `view_px` rms per view.

    `dropped` are the indices of given views that contradict the rest and were left out of `data`; `covariance` (6 C, 6
    C) is of translation (m) and rotation (rad) of each camera_from_base in turn; `noise_ratio` is the corners' scatter
    as a ratio to the expected.
    """

    data: RigData
    rig: Rig
    pixel_errors: np.ndarray
    view_px: np.ndarray
    dropped: tuple[int, ...]
    covariance: np.ndarray
    noise_ratio: float


def solve_rig(data: RigData, first: Rig, freedom: Freedom = Freedom(), *, drop: bool = True) -> Solution:
    """Solve the rig that best explains all views, starting from `first`; `drop` removes outlier views."""
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
    # Robust: the median of a normal variable's absolute value is 0.6745 standard deviations.
    ratio = float(np.median(np.abs(errors)) / 0.6745 / data.pixel_sigma)
    return Solution(data, rig, errors, _by_view(data, errors), dropped, covariance, ratio)


def reweighted(solution: Solution, freedom: Freedom = Freedom()) -> Solution:
    """Solve again with corners and arm weighted by their observed scatter instead of the assumed one."""
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


def _solve(data: RigData, first: Rig, freedom: Freedom) -> tuple[RigModel, LeastSquaresResult]:
    # Corrections restart at zero: they belong to the data, not to the guess.
    model = RigModel(data, replace(first, correction=np.zeros_like(first.correction)), freedom)
    return model, minimise(model.residuals, model.jacobian, np.zeros(model.size), _HUBER)


def _by_view(data: RigData, errors: np.ndarray) -> np.ndarray:
    """Return the rms px of each view."""
    ends = np.cumsum([len(view.pixels) for view in data.views])
    return np.array([np.sqrt((part**2).sum(axis=1).mean()) for part in np.split(errors, ends[:-1])])
