"""Time parameterization of a path: the requested timing becomes one that passes the limiter unchanged.

The rate u' of the requested time u is kept at 1 where the bounds allow, and lowered where they do not. A path q(u) has
the speed q' u', the acceleration q'' u'^2 + q' u'' and a jerk of such terms; the first two bound the rate point by
point (Bobrow, Dubowsky and Gibson 1985), smoothing the progress over time bounds its third derivative, and any
remaining excess is slowed down locally.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

from robot.limiter import LimiterSettings
from robot.workspace import TCP, arm_points

FINE = 0.01  # s
SMOOTHING = 0.24  # s over which the rate changes
# Part of the limiter's bounds that a plan uses: the rest is for slowing down and pausing on the path.
SPEED_SHARE, ACCELERATION_SHARE, JERK_SHARE = 0.9, 0.6, 0.5
_TURN_SHARE = 0.5  # of the acceleration, for the path's curvature; the other half changes the rate
_ATTEMPTS = 6
_GRID = (60, 2000)  # minimum and maximum number of grid points of u

Derivatives = Callable[[np.ndarray, int], np.ndarray]
"""q(u) (n, 7) for u (n,) and the order of the derivative, 0 to 3."""


@dataclass(frozen=True, eq=False)
class TimedPath:
    """Time-parameterized path: `progress` (n,) of u every FINE s, from rest to rest; `position` (n, 7) there."""

    progress: np.ndarray
    position: np.ndarray


def parameterize(path: Derivatives, length: float, limits: LimiterSettings) -> TimedPath:
    """Parameterize `path` from u = 0 to `length` s, at most at the requested rate, within the share of `limits`."""
    count = int(np.clip(np.ceil(length / FINE), *_GRID))
    u = np.linspace(0.0, length, count)
    slopes = [np.abs(path(u, order)) for order in (1, 2, 3)]
    tool = np.linalg.norm(np.gradient(arm_points(path(u, 0))[:, TCP], u, axis=0), axis=-1)
    fastest = np.minimum(1.0, _rate_bound(slopes, tool, limits))
    acceleration = (1 - _TURN_SHARE) * ACCELERATION_SHARE * limits.joint_acceleration
    change = (acceleration / np.maximum(slopes[0], 1e-9)).min(axis=-1)
    width = max(1, 2 * int(0.5 * SMOOTHING / (u[1] - u[0])) + 1)
    progress, position = u, path(u, 0)
    for _ in range(_ATTEMPTS):
        # A dip of the rate as wide as the smoothing is not raised by it.
        rate = _reachable(minimum_filter1d(fastest, min(width, 2 * count - 1), mode="nearest"), change, u[1] - u[0])
        progress = _smoothed(u, rate)
        position = path(progress, 0)
        excess = _excess(position, limits)
        if excess.max() <= 1.0:
            break
        around = 2 * int(0.5 * SMOOTHING / FINE) + 1
        slower = maximum_filter1d(np.maximum(excess, 1.0), around, mode="nearest")
        fastest = fastest / np.interp(u, progress, slower) ** 1.1
    else:
        progress = _slowed(progress, float(_excess(position, limits).max()))
        position = path(progress, 0)
    return TimedPath(progress, position)


def excess(position: np.ndarray, period: float, limits: LimiterSettings) -> float:
    """Return the factor (>= 1) by which a motion (n, 7), sampled every `period` s, exceeds the plan's share."""
    return float(max(1.0, _excess(position, limits, period).max(initial=0.0)))


def _rate_bound(slopes: list[np.ndarray], tool: np.ndarray, limits: LimiterSettings) -> np.ndarray:
    """Return the highest rate (n,) permitted by joint speed, tool speed and the path's curvature."""
    once, twice, thrice = (np.maximum(slope, 1e-9) for slope in slopes)
    bends = _TURN_SHARE * ACCELERATION_SHARE * limits.joint_acceleration
    return np.min(
        [
            (SPEED_SHARE * limits.joint_speed / once).min(axis=-1),
            SPEED_SHARE * limits.tcp_speed / np.maximum(tool, 1e-9),
            np.sqrt(bends / twice).min(axis=-1),
            np.cbrt(0.5 * JERK_SHARE * limits.joint_jerk / thrice).min(axis=-1),
        ],
        axis=0,
    )


def _reachable(fastest: np.ndarray, change: np.ndarray, spacing: float) -> np.ndarray:
    """Return the highest rates (n,) below `fastest`, 0 at both ends, that change by at most `change` (n,) 1/s."""
    squared = (fastest**2).tolist()
    squared[0] = squared[-1] = 0.0
    gain = (2.0 * spacing * np.minimum(change[:-1], change[1:])).tolist()
    for i, most in enumerate(gain):
        squared[i + 1] = min(squared[i + 1], squared[i] + most)
    for i in range(len(gain) - 1, -1, -1):
        squared[i] = min(squared[i], squared[i + 1] + gain[i])
    return np.sqrt(squared)


def _smoothed(u: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """Return u (n,) every FINE s, its rate smoothed by three passes of a moving average."""
    times = np.concatenate([[0.0], np.cumsum(2 * np.diff(u) / np.maximum(rate[1:] + rate[:-1], 1e-9))])
    fine = np.interp(np.arange(0.0, times[-1] + FINE, FINE), times, u)
    width = 2 * int(SMOOTHING / 3 / FINE / 2) + 1
    smooth = np.pad(fine, 3 * (width // 2), mode="edge")
    for _ in range(3):
        smooth = uniform_filter1d(smooth, width, mode="nearest")
    return np.clip(smooth, u[0], u[-1])


def _slowed(progress: np.ndarray, times: float) -> np.ndarray:
    """Return the progress slowed down by the factor `times`, every FINE s."""
    before = np.arange(len(progress)) * times
    return np.interp(np.arange(np.ceil(before[-1]) + 1), before, progress)


def _excess(position: np.ndarray, limits: LimiterSettings, period: float = FINE) -> np.ndarray:
    """Return the factor (n,) by which the motion is too fast for the plan's share at each sample; <= 1 is within."""
    n = len(position)
    found = np.zeros(n)
    tool = np.diff(arm_points(position)[:, TCP], axis=0)
    bounds = (
        (np.linalg.norm(tool, axis=-1) / period, SPEED_SHARE * limits.tcp_speed, 1.0),
        (_fastest(position, 1, period), SPEED_SHARE * limits.joint_speed, 1.0),
        (_fastest(position, 2, period), ACCELERATION_SHARE * limits.joint_acceleration, 0.5),
        (_fastest(position, 3, period), JERK_SHARE * limits.joint_jerk, 1.0 / 3.0),
    )
    for values, bound, power in bounds:
        ratio = (values / bound) ** power
        begin = (n - len(ratio)) // 2
        part = found[begin : begin + len(ratio)]
        np.maximum(part, ratio, out=part)
    return found


def _fastest(position: np.ndarray, order: int, period: float) -> np.ndarray:
    return np.abs(np.diff(position, n=order, axis=0)).max(axis=-1, initial=0.0) / period**order
