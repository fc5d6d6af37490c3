"""Batched pose estimation of a known point triple from multi-view observations.

Shapes: B problems (frames, or frames under a hypothesis), V views, three points. `Sightings` holds the observations,
`use` (B, V, 3) bool selects those that a problem uses.
"""

from dataclasses import dataclass

import numpy as np

from foundation.poses import from_rotation_vector, pose

# Depths are clamped in front of the camera during optimisation; the actual side is checked at the end.
NEAREST = 1e-3  # m
ROLLS = 24  # roll angles tried for a point that only one camera sees; refinement then starts at most 7.5 deg away
CONVERGED = 1e-7  # m and rad of a step


@dataclass(frozen=True, eq=False)
class Sightings:
    """Observations of the three points.

    `matrices` (B, V, 3, 4) K @ camera_from_base; `pixels` (B, V, 3, 2), finite everywhere; `whitening` (B, V, 3, 2, 2),
    the square root of each observation's inverse covariance, 1/px; `kernel` (B, V, 3) px, the robust kernel's width;
    `points` (3, 3) m, in the tool's frame.
    """

    matrices: np.ndarray
    pixels: np.ndarray
    whitening: np.ndarray
    kernel: np.ndarray
    points: np.ndarray

    def of(self, problems: np.ndarray) -> "Sightings":
        """Select problems (n,) by index, possibly repeated."""
        return Sightings(
            self.matrices[problems],
            self.pixels[problems],
            self.whitening[problems],
            self.kernel[problems],
            self.points,
        )


def solvable(use: np.ndarray) -> np.ndarray:
    """Return bool (B,): the pose is observable, every point being in at least one view and two points in two."""
    seen = use.sum(axis=1)
    return (seen >= 1).all(axis=1) & ((seen >= 2).sum(axis=1) >= 2)


def start_poses(sightings: Sightings, use: np.ndarray) -> np.ndarray:
    """Return initial poses (B, 4, 4) by triangulation; NaN where not `solvable`."""
    corners = _triangulate(sightings, use)
    poses = _frame_through(corners)
    single = solvable(use) & (use.sum(axis=1) == 1).any(axis=1)
    if single.any():
        which = np.flatnonzero(single)
        poses[which] = _rolled(sightings.of(which), use[which], corners[which])
    return poses


def _triangulate(sightings: Sightings, use: np.ndarray) -> np.ndarray:
    """Triangulate the points (B, 3, 3) nearest to their rays; NaN where fewer than two rays observe one."""
    inverse = np.linalg.inv(sightings.matrices[..., :3])
    origins = -np.einsum("bvij,bvj->bvi", inverse, sightings.matrices[..., 3])
    homogeneous = np.concatenate([sightings.pixels, np.ones_like(sightings.pixels[..., :1])], axis=-1)
    directions = np.einsum("bvij,bvkj->bvki", inverse, homogeneous)
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    across = (np.eye(3) - directions[..., :, None] * directions[..., None, :]) * use[..., None, None]
    normal = across.sum(axis=1) + 1e-12 * np.eye(3)
    points = np.linalg.solve(normal, np.einsum("bvkij,bvj->bki", across, origins)[..., None])[..., 0]
    return np.where((use.sum(axis=1) >= 2)[..., None], points, np.nan)


def _frame_through(corners: np.ndarray) -> np.ndarray:
    """Return poses (B, 4, 4) whose origin, x axis and -z axis pass through the points (B, 3, 3), the x axis exactly."""
    with np.errstate(invalid="ignore", divide="ignore"):
        x = corners[:, 1] - corners[:, 0]
        x /= np.linalg.norm(x, axis=-1, keepdims=True)
        z = corners[:, 0] - corners[:, 2]
        z -= np.sum(z * x, axis=-1, keepdims=True) * x
        z /= np.linalg.norm(z, axis=-1, keepdims=True)
    return pose(np.stack([x, np.cross(z, x), z], axis=-1), corners[:, 0])


def _rolled(sightings: Sightings, use: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Return poses (B, 4, 4) where one point has no depth: the best of ROLLS turns about the line of the others."""
    B = len(corners)
    missing = np.isnan(corners[..., 0]).argmax(axis=1)
    one, two, rows = (missing + 1) % 3, (missing + 2) % 3, np.arange(B)
    along = corners[rows, two] - corners[rows, one]
    target = along / np.linalg.norm(along, axis=-1, keepdims=True)
    edge = sightings.points[two] - sightings.points[one]
    edge = edge / np.linalg.norm(edge, axis=-1, keepdims=True)
    rotation = _any_rotation(edge, target)
    turns = from_rotation_vector(target[:, None] * np.linspace(0, 2 * np.pi, ROLLS, endpoint=False)[:, None])
    rotation = turns @ rotation[:, None]
    middle = 0.5 * (corners[rows, one] + corners[rows, two])
    middle_in_tool = 0.5 * (sightings.points[one] + sightings.points[two])
    position = middle[:, None] - np.einsum("brij,bj->bri", rotation, middle_in_tool)
    candidates = pose(rotation, position).reshape(B * ROLLS, 4, 4)
    error = reprojection(sightings.of(np.repeat(rows, ROLLS)), candidates)
    cost = np.where(np.repeat(use, ROLLS, axis=0), np.sum(error**2, axis=-1), 0.0).sum(axis=(1, 2)).reshape(B, ROLLS)
    return candidates.reshape(B, ROLLS, 4, 4)[rows, cost.argmin(axis=1)]


def _any_rotation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return rotations (n, 3, 3) that turn unit vectors a (n, 3) into b (n, 3)."""

    def basis(first: np.ndarray) -> np.ndarray:
        second = np.cross(first, np.eye(3)[np.abs(first).argmin(axis=1)])
        second /= np.linalg.norm(second, axis=-1, keepdims=True)
        return np.stack([first, second, np.cross(first, second)], axis=-1)

    return basis(b) @ np.swapaxes(basis(a), -1, -2)


def reprojection(sightings: Sightings, poses: np.ndarray) -> np.ndarray:
    """Return the reprojection error, projected minus observed, (B, V, 3, 2) px."""
    return _project(sightings, poses)[0]


def depths(sightings: Sightings, poses: np.ndarray) -> np.ndarray:
    """Return the points' depths along each camera's axis, (B, V, 3) m if K's last row is (0, 0, 1)."""
    points = sightings.points @ np.swapaxes(poses[:, :3, :3], -1, -2) + poses[:, None, :3, 3]
    row = sightings.matrices[:, :, 2]
    return np.einsum("bvj,bkj->bvk", row[..., :3], points) + row[..., 3, None]


def _project(sightings: Sightings, poses: np.ndarray) -> tuple[np.ndarray, ...]:
    arms = sightings.points @ np.swapaxes(poses[:, :3, :3], -1, -2)
    points = arms + poses[:, None, :3, 3]
    matrices = sightings.matrices
    image = points[:, None] @ np.swapaxes(matrices[..., :3], -1, -2) + matrices[:, :, None, :, 3]
    depth = np.maximum(image[..., 2:], NEAREST)
    pixels = image[..., :2] / depth
    return pixels - sightings.pixels, pixels, depth, arms


def _jacobian(sightings: Sightings, pixels: np.ndarray, depth: np.ndarray, arms: np.ndarray) -> np.ndarray:
    """Return d pixels / d (position, rotation vector in base), (B, V, 3, 2, 6)."""
    M = sightings.matrices[:, :, None, :, :3]
    by_point = (M[..., :2, :] - pixels[..., None] * M[..., 2:, :]) / depth[..., None]
    # An arm a rotated by a small w moves by w x a, so a row j of by_point changes by j . (w x a) = w . (a x j).
    a, j = arms[:, None, :, None, :], by_point
    turned = np.stack(
        [
            a[..., 1] * j[..., 2] - a[..., 2] * j[..., 1],
            a[..., 2] * j[..., 0] - a[..., 0] * j[..., 2],
            a[..., 0] * j[..., 1] - a[..., 1] * j[..., 0],
        ],
        axis=-1,
    )
    return np.concatenate([by_point, turned], axis=-1)


def belief(sightings: Sightings, error: np.ndarray, use: np.ndarray) -> np.ndarray:
    """Return robust weights (B, V, 3) in [0, 1] for reprojection errors (B, V, 3, 2) px.

    Geman-McClure weights of each observation and of its view, because a view that shows something else is wrong in all
    three points.
    """
    ratio = np.where(use, np.sum(error**2, axis=-1) / sightings.kernel**2, 0.0)
    of_view = ratio.sum(axis=2) / np.maximum(use.sum(axis=2), 1)
    # One outlier must not reject its whole view: the view is judged by its better points.
    of_view = np.minimum(of_view, np.median(np.where(use, ratio, of_view[..., None]), axis=2))
    return use / ((1.0 + ratio) ** 2 * (1.0 + of_view[..., None]) ** 2)


def refine(
    sightings: Sightings, use: np.ndarray, poses: np.ndarray, *, robust: bool, iterations: int = 20
) -> tuple[np.ndarray, np.ndarray]:
    """Minimise the reprojection error by Levenberg-Marquardt: poses (B, 4, 4) and their information (B, 6, 6).

    The information is J'WJ over position (m) and rotation (rad) in base. With `robust`, observations are re-weighted by
    `belief` in every iteration (IRLS).
    """
    poses = poses.copy()
    B = len(poses)
    damping = np.full(B, 1e-4)
    information = np.zeros((B, 6, 6))
    active = np.arange(B)
    for _ in range(iterations):
        if not len(active):
            break
        part = slice(None) if len(active) == B else active
        problem = sightings if len(active) == B else sightings.of(active)
        now, used = poses[part], use[part]
        error, pixels, depth, arms = _project(problem, now)
        weight = np.sqrt(belief(problem, error, used) if robust else used.astype(float))
        scale = problem.whitening * weight[..., None, None]
        n = len(now)
        J = (scale @ _jacobian(problem, pixels, depth, arms)).reshape(n, -1, 6)
        r = (scale @ error[..., None]).reshape(n, -1, 1)
        Jt = np.swapaxes(J, -1, -2)
        normal = Jt @ J
        information[part] = normal
        diagonal = np.einsum("bii->bi", normal)
        damped = normal + (damping[part, None] * diagonal + 1e-9)[..., None] * np.eye(6)
        step = -np.linalg.solve(damped, Jt @ r)[..., 0]
        turned = from_rotation_vector(np.clip(step[:, 3:], -1.0, 1.0)) @ now[:, :3, :3]
        tried = pose(turned, now[:, :3, 3] + np.clip(step[:, :3], -0.5, 0.5))
        after = np.sum((scale @ reprojection(problem, tried)[..., None]) ** 2, axis=(1, 2, 3, 4))
        better = after <= np.sum(r**2, axis=(1, 2)) + 1e-12
        poses[part] = np.where(better[:, None, None], tried, now)
        damping[part] = np.clip(np.where(better, damping[part] * 0.1, damping[part] * 10), 1e-9, 1e6)
        going = (np.abs(step).max(axis=1) > CONVERGED) & (damping[part] < 1e6)
        active = np.arange(B)[part][going]
    return poses, information
