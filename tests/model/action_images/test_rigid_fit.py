"""Pose of three points from several views: Jacobian, initial guesses, and outlier views."""

import numpy as np

from benchmarks.action_images.rigs import random_rig
from foundation.poses import distance, from_rotation_vector, pose
from model.action_images.encoding import axis_points, projection_matrices, tool_points
from model.action_images.rigid_fit import (
    Sightings,
    _jacobian,
    _project,
    belief,
    refine,
    reprojection,
    solvable,
    start_poses,
)


def problem(seed: int = 0, frames: int = 8, views: int = 2) -> tuple[Sightings, np.ndarray]:
    rig = random_rig(np.random.default_rng(seed), frames, views)
    points = tool_points(rig.trajectory.base_from_tool)
    pixels = np.stack([camera.project(points) for camera in rig.cameras], axis=1)
    matrices = projection_matrices(rig.cameras, frames).swapaxes(0, 1)
    whitening = np.broadcast_to(np.eye(2), (*pixels.shape[:3], 2, 2)).copy()
    sightings = Sightings(matrices, pixels, whitening, np.full(pixels.shape[:3], 2.0), axis_points())
    return sightings, rig.trajectory.base_from_tool


def moved(poses: np.ndarray, step: np.ndarray) -> np.ndarray:
    return pose(from_rotation_vector(step[3:]) @ poses[:, :3, :3], poses[:, :3, 3] + step[:3])


def test_the_jacobian_is_the_finite_difference():
    sightings, poses = problem()
    _, *parts = _project(sightings, poses)
    J = _jacobian(sightings, *parts)
    for k, step in enumerate(1e-6 * np.eye(6)):
        difference = reprojection(sightings, moved(poses, step)) - reprojection(sightings, moved(poses, -step))
        assert np.allclose(J[..., k], difference / 2e-6, rtol=1e-5, atol=1e-3)


def test_triangulation_starts_at_the_truth_when_nothing_is_wrong():
    sightings, poses = problem()
    metres, radians = distance(start_poses(sightings, np.ones((8, 2, 3), bool)), poses)
    assert metres.max() < 1e-6
    assert radians.max() < 1e-5


def test_each_point_may_be_missing_in_one_view():
    sightings, poses = problem(3)
    for view in range(2):
        for point in range(3):
            use = np.ones((8, 2, 3), bool)
            use[:, view, point] = False
            assert solvable(use).all()
            found, _ = refine(sightings, use, start_poses(sightings, use), robust=False)
            metres, _ = distance(found, poses)
            assert np.median(metres) < 1e-6


def test_too_little_is_not_solvable():
    use = np.ones((3, 2, 3), bool)
    use[0, :, 2] = False
    use[1, 0, :2] = False
    use[2, 1] = False
    assert not solvable(use).any()
    sightings, _ = problem(frames=3)
    assert np.isnan(start_poses(sightings, use)).any(axis=(1, 2)).all()


def test_refining_reaches_the_truth_from_afar():
    sightings, poses = problem(1, frames=20, views=3)
    start = moved(poses, np.array([0.03, -0.03, 0.02, 0.3, -0.2, 0.3]))
    found, information = refine(sightings, np.ones((20, 3, 3), bool), start, robust=False)
    metres, radians = distance(found, poses)
    assert metres.max() < 1e-6 and radians.max() < 1e-5
    assert (np.linalg.eigvalsh(information) > 0).all()


def test_a_view_is_judged_as_a_whole_but_not_by_one_bad_point():
    sightings, _ = problem(views=2, frames=1)
    use = np.ones((1, 2, 3), bool)
    error = np.zeros((1, 2, 3, 2))
    error[0, 0, 0] = (30.0, 0.0)
    trust = belief(sightings, error, use)
    assert trust[0, 0, 0] < 1e-3 and trust[0, 0, 1:].min() > 0.99 and trust[0, 1].min() > 0.99
    error[0, 0] = (30.0, 0.0)
    error[0, 0, 2] = 0.0
    assert belief(sightings, error, use)[0, 0].max() < 1e-3
