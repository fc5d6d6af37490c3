"""Least squares with Huber's loss for problems with a sparse Jacobian.

SciPy's `least_squares` solves the same problems: its dense trust region takes ten times as long on a rig of thirty
poses, and its sparse one (LSMR) stops before it has converged. A test holds the two together.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix, diags_array
from scipy.sparse.linalg import splu

_MOST_STEPS = 60
_LEAST_DAMPING, _MOST_DAMPING = 1e-9, 1e6
_CONVERGED = 1e-7  # of the cost, and of each unknown in its own standard deviations


@dataclass(frozen=True, eq=False)
class Minimum:
    """`x` (n,) with its `cost`; `covariance_of` gives columns of the inverse of the normal matrix there."""

    x: np.ndarray
    cost: float
    converged: bool
    _normal: csc_matrix

    def covariance_of(self, unknowns: np.ndarray) -> np.ndarray:
        """(k, k) covariance of these unknowns, by number, for residuals of standard deviation 1."""
        unit = np.zeros((len(self.x), len(unknowns)))
        unit[unknowns, np.arange(len(unknowns))] = 1.0
        return splu(self._normal).solve(unit)[unknowns]


def minimise(
    residuals: Callable[[np.ndarray], np.ndarray],
    jacobian: Callable[[np.ndarray], csr_matrix],
    x: np.ndarray,
    huber: float,
) -> Minimum:
    """The x (n,) nearest to the first one at which the sum of Huber's loss of `residuals` (m,) is least.

    Levenberg's and Marquardt's steps on reweighted residuals (Holland and Welsch 1977); beyond `huber` a residual
    counts linearly. The unknowns must all matter.
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
            return Minimum(x, cost, True, _normal(jacobian(x), error, huber))
    return Minimum(x, cost, False, _normal(jacobian(x), error, huber))


def _weights(error: np.ndarray, huber: float) -> np.ndarray:
    return np.minimum(1.0, huber / np.maximum(np.abs(error), 1e-12))


def _cost(error: np.ndarray, huber: float) -> float:
    size = np.abs(error)
    return float(np.where(size <= huber, 0.5 * size**2, huber * (size - 0.5 * huber)).sum())


def _normal(J: csr_matrix, error: np.ndarray, huber: float) -> csc_matrix:
    return csc_matrix(J.T @ (diags_array(_weights(error, huber)) @ J))
