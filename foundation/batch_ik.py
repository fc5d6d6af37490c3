"""Batched inverse kinematics of a trajectory: joints of every frame near one posture, within the joint ranges."""

from dataclasses import dataclass

import numpy as np

from foundation import xarm7
from foundation.poses import rotation_vector

EXACT = 1e-6  # m
EXACT_TURN = 1e-5  # rad
MARGIN = 0.02  # rad kept free at the ends of the joint ranges, twice the limiter's margin
_ITERATIONS = 60
_PATIENCE = 15  # iterations within which the error must have decreased clearly
_STEP, _TURN = 0.15, 0.5  # m, rad per iteration: the linearisation holds
_JOINT_STEP = 0.5  # rad
_DAMPING = 1e-4
_POSTURE_GAIN = 0.3  # fraction of the distance to the posture per iteration, in the null space
_SETTLED = 1e-4  # rad between iterations


@dataclass(frozen=True, eq=False)
class BatchIkResult:
    """Result of a batched inverse kinematics solve.

    `position` (n, 7) rad, the closest solution found where a pose is not `reached` (n,); `metres`, `radians` (n,)
    residual error; `at_end` (n, 7): joints at an end of their range.
    """

    position: np.ndarray
    reached: np.ndarray
    metres: np.ndarray
    radians: np.ndarray
    at_end: np.ndarray


def batch_inverse(base_from_tool: np.ndarray, posture: np.ndarray) -> BatchIkResult:
    """Solve the inverse kinematics for the poses (n, 4, 4), the redundancy resolved towards `posture` (7,).

    The same pose therefore always has the same joints, and neighbouring poses have neighbouring ones. Damped least
    squares (Nakamura and Hanafusa 1986), with joints at their ends removed. Poses that are not reached from the posture
    are retried from their neighbours' joints.
    """
    lower, upper = xarm7.LOWER + MARGIN, xarm7.UPPER - MARGIN
    posture = np.clip(posture, lower, upper)
    found = _solve(base_from_tool, np.repeat(posture[None], len(base_from_tool), axis=0), posture)
    for order in (1, -1):
        again = _neighbours(found.reached, order)
        if len(again):
            frames, beside = again.T
            found = _better(found, frames, _solve(base_from_tool[frames], found.position[beside], posture))
    return found


def continued_inverse(base_from_tool: np.ndarray, begin: np.ndarray) -> BatchIkResult | None:
    """Solve for the poses (n, 4, 4) sequentially, each from the previous joints; None when one is not reached.

    For paths on which the solutions nearest to the posture are not connected.
    """
    parts, q = [], begin
    for pose in base_from_tool:
        parts.append(_solve(pose[None], q[None], q))
        if not parts[-1].reached[0]:
            return None
        q = parts[-1].position[0]
    names = ("position", "reached", "metres", "radians", "at_end")
    return BatchIkResult(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _neighbours(reached: np.ndarray, order: int) -> np.ndarray:
    """Return (m, 2): frames not reached, and the nearest reached one before (order 1) or after (-1) them."""
    frames = np.arange(len(reached))[::order]
    pairs, last = [], -1
    for frame in frames:
        if reached[frame]:
            last = frame
        elif last >= 0:
            pairs.append((frame, last))
    return np.array(pairs, int).reshape(-1, 2)


def _better(found: BatchIkResult, frames: np.ndarray, again: BatchIkResult) -> BatchIkResult:
    take = again.reached | (again.metres + 0.2 * again.radians < found.metres[frames] + 0.2 * found.radians[frames])
    parts = {}
    for name in ("position", "reached", "metres", "radians", "at_end"):
        parts[name] = getattr(found, name).copy()
        parts[name][frames[take]] = getattr(again, name)[take]
    return BatchIkResult(**parts)


def _solve(poses: np.ndarray, near: np.ndarray, posture: np.ndarray) -> BatchIkResult:
    lower, upper = xarm7.LOWER + MARGIN, xarm7.UPPER - MARGIN
    q = np.clip(near, lower, upper)
    n = len(poses)
    metres, radians = np.full(n, np.inf), np.full(n, np.inf)
    fixed = np.zeros((n, xarm7.JOINTS), bool)
    left, before = np.arange(n), np.full(n, np.inf)
    for iteration in range(_ITERATIONS):
        error = _error(poses[left], q[left])
        metres[left], radians[left] = np.linalg.norm(error[:, :3], axis=1), np.linalg.norm(error[:, 3:], axis=1)
        step, fixed[left] = _step(q[left], error, metres[left], radians[left], posture)
        exact = (metres[left] < EXACT) & (radians[left] < EXACT_TURN)
        done = exact & (np.abs(step).max(axis=1) < _SETTLED)
        q[left[~done]] += step[~done]
        left = left[~done]
        if iteration % _PATIENCE == _PATIENCE - 1:  # no further convergence expected
            missed = metres[left] + 0.2 * radians[left]
            nearer = missed < 0.8 * before[left]
            before[left] = missed
            left = left[nearer | (missed < EXACT)]
        if not len(left):
            break
    error = _error(poses, q)  # a pose solved exactly while the posture still drifts counts as reached
    metres, radians = np.linalg.norm(error[:, :3], axis=1), np.linalg.norm(error[:, 3:], axis=1)
    reached = (metres < 100 * EXACT) & (radians < 100 * EXACT_TURN)
    return BatchIkResult(q, reached, metres, radians, fixed)


def _error(poses: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return the pose error (n, 6) in m and rad, in base, from the joints' poses to the target poses."""
    present = xarm7.forward(q)
    turn = rotation_vector(poses[:, :3, :3] @ np.swapaxes(present[:, :3, :3], 1, 2))
    return np.concatenate([poses[:, :3, 3] - present[:, :3, 3], turn], axis=1)


def _step(
    q: np.ndarray, error: np.ndarray, metres: np.ndarray, radians: np.ndarray, posture: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return one iteration's joint step (n, 7) and which joints are held at an end of their range."""
    lower, upper = xarm7.LOWER + MARGIN, xarm7.UPPER - MARGIN
    shorter = np.minimum(1.0, np.minimum(_STEP / np.maximum(metres, 1e-12), _TURN / np.maximum(radians, 1e-12)))
    error = error * shorter[:, None]
    J = xarm7.jacobian(q)
    damping = _DAMPING * np.minimum(1.0, metres + radians) + 1e-10
    drift = _POSTURE_GAIN * (posture - q)
    step = _least_squares(J, error, drift, damping)
    outside = (q + step < lower) | (q + step > upper)
    some = outside.any(axis=1)
    if some.any():
        held = np.where(outside, np.clip(q + step, lower, upper) - q, 0.0)[some]
        rest = error[some] - np.einsum("nij,nj->ni", J[some], held)
        free = np.where(outside[some], 0.0, 1.0)
        again = _least_squares(J[some] * free[:, None, :], rest, drift[some] * free, damping[some])
        step[some] = np.where(outside[some], held, again)
    step *= np.minimum(1.0, _JOINT_STEP / np.maximum(np.abs(step).max(axis=1), 1e-12))[:, None]
    return np.clip(q + step, lower, upper) - q, outside


def _least_squares(J: np.ndarray, error: np.ndarray, drift: np.ndarray, damping: np.ndarray) -> np.ndarray:
    """Return the joint step (n, 7) nearest to `drift` that cancels `error` (n, 6), damped."""
    square = J @ np.swapaxes(J, 1, 2) + damping[:, None, None] * np.eye(6)
    rest = error - np.einsum("nij,nj->ni", J, drift)
    return drift + np.einsum("nji,nj->ni", J, np.linalg.solve(square, rest[..., None])[..., 0])
