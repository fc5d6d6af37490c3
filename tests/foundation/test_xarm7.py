import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation import xarm7
from foundation.poses import distance, from_rotation_vector, pose, rotation_vector, to_rpy

seeds = st.integers(0, 2**32 - 1)


def random_joints(generator: np.random.Generator, *shape: int, margin: float = 0.05) -> np.ndarray:
    lower, upper = np.maximum(xarm7.LOWER, -np.pi) + margin, np.minimum(xarm7.UPPER, np.pi) - margin
    return generator.uniform(lower, upper, (*shape, 7))


def test_poses_published_by_the_maker():
    zero = xarm7.forward(np.zeros(7), np.eye(4))
    assert np.allclose(zero[:3, 3], [0.206, 0, 0.1205], atol=1e-12)
    assert np.allclose(np.abs(to_rpy(zero)), [np.pi, 0, 0], atol=1e-12)
    home = xarm7.forward(xarm7.HOME, np.eye(4))
    assert np.allclose(home[:3, 3] * 1000, [399.91, 0, 399.81], atol=0.01)


def test_standard_dh_gives_the_same_flange():
    """Check that both conventions the maker publishes agree (d, alpha, a of the standard one)."""
    standard = np.array(
        [
            [0.267, -np.pi / 2, 0],
            [0, np.pi / 2, 0],
            [0.293, np.pi / 2, 0.0525],
            [0, np.pi / 2, 0.0775],
            [0.3425, np.pi / 2, 0],
            [0, -np.pi / 2, 0.076],
            [0.097, 0, 0],
        ]
    )
    for q in random_joints(np.random.default_rng(0), 100):
        flange = np.eye(4)
        for angle, (d, alpha, a) in zip(q, standard, strict=True):
            flange = flange @ pose(from_rotation_vector(np.array([0, 0, angle])), np.array([0, 0, d]))
            flange = flange @ pose(from_rotation_vector(np.array([alpha, 0, 0])), np.array([a, 0, 0]))
        assert np.allclose(flange, xarm7.forward(q, np.eye(4)), atol=1e-12)


def test_batches_equal_single_calls():
    q = random_joints(np.random.default_rng(1), 3, 4)
    assert np.array_equal(xarm7.forward(q)[2, 1], xarm7.forward(q[2, 1]))
    assert np.allclose(xarm7.jacobian(q)[2, 1], xarm7.jacobian(q[2, 1]))


@given(seeds)
def test_jacobian_against_finite_differences(seed):
    q, step = random_joints(np.random.default_rng(seed)), 1e-6
    ahead, behind = xarm7.forward(q + step * np.eye(7)), xarm7.forward(q - step * np.eye(7))
    linear = (ahead - behind)[:, :3, 3] / (2 * step)
    angular = rotation_vector(ahead[:, :3, :3] @ np.swapaxes(behind[:, :3, :3], -1, -2)) / (2 * step)
    assert np.allclose(xarm7.jacobian(q), np.concatenate([linear, angular], axis=1).T, atol=1e-8)


@given(seeds)
def test_inverse_reaches_every_reachable_pose_within_limits(seed):
    generator = np.random.default_rng(seed)
    wanted = xarm7.forward(random_joints(generator))
    q = xarm7.inverse_anywhere(wanted, xarm7.HOME, seed=seed)
    assert q is not None
    metres, radians = distance(xarm7.forward(q), wanted)
    assert metres < 1e-6 and radians < 1e-5
    assert xarm7.within_limits(q)


@given(seeds)
def test_inverse_stays_near_where_it_starts(seed):
    generator = np.random.default_rng(seed)
    q = random_joints(generator, margin=0.3)
    near = q + generator.uniform(-0.05, 0.05, 7)
    found = xarm7.inverse(xarm7.forward(q), near)
    assert found is not None
    assert np.abs(found - near).max() < 0.6  # the elbow may swing a little to use the redundancy


def test_the_redundancy_follows_the_posture():
    wanted = xarm7.forward(xarm7.HOME)
    for elbow in (-0.6, 0.0, 0.6):
        posture = xarm7.HOME + np.array([0, 0, elbow, 0, 0, 0, 0])
        q = xarm7.inverse(wanted, xarm7.HOME, posture=posture)
        assert q is not None and distance(xarm7.forward(q), wanted)[0] < 1e-6
    left, right = (
        xarm7.inverse(wanted, xarm7.HOME, posture=xarm7.HOME + np.array([0, 0, e, 0, 0, 0, 0])) for e in (-0.6, 0.6)
    )
    assert left is not None and right is not None
    assert right[2] - left[2] > 0.2


@pytest.mark.parametrize("position", [(1.5, 0, 0.3), (0.0, 0.0, 2.0), (0.9, 0.0, -0.2)])
def test_what_cannot_be_reached_has_no_answer(position):
    down = xarm7.forward(xarm7.HOME)[:3, :3]
    assert xarm7.inverse_anywhere(pose(down, np.array(position)), xarm7.HOME, attempts=5) is None


def test_limits_refuse_nan():
    assert xarm7.within_limits(xarm7.HOME)
    assert not xarm7.within_limits(np.full(7, np.nan))
    assert not xarm7.within_limits(xarm7.UPPER, margin=0.01)


def test_gripper_units():
    assert xarm7.pulse_from_openness(1.0) == 850
    assert xarm7.openness_from_pulse(-10) == 0.0
    assert xarm7.openness_from_pulse(860) == 1.0
