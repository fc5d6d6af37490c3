import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from foundation import poses

vectors = arrays(float, 3, elements=st.floats(-3, 3))


@given(vectors, vectors, vectors)
def test_inverse_and_transform_agree(position, rotation, point):
    a_from_b = poses.pose(poses.from_rotation_vector(rotation), position)
    assert np.allclose(poses.invert(a_from_b) @ a_from_b, np.eye(4), atol=1e-12)
    assert np.allclose(poses.transform(poses.invert(a_from_b), poses.transform(a_from_b, point)), point, atol=1e-12)


@given(vectors)
def test_rpy_is_about_fixed_axes_and_survives_gimbal_lock(rpy):
    expected = Rotation.from_rotvec([0, 0, rpy[2]]) * Rotation.from_rotvec([0, rpy[1], 0])
    expected = (expected * Rotation.from_rotvec([rpy[0], 0, 0])).as_matrix()
    made = poses.from_rpy(np.zeros(3), rpy)
    assert np.allclose(made[:3, :3], expected, atol=1e-12)
    assert np.allclose(poses.from_rpy(np.zeros(3), poses.to_rpy(made)), made, atol=1e-6)


def test_rpy_at_pitch_of_90_degrees():
    for pitch in (np.pi / 2, -np.pi / 2):
        made = poses.from_rpy(np.zeros(3), np.array([0.4, pitch, 0.9]))
        assert np.allclose(poses.from_rpy(np.zeros(3), poses.to_rpy(made)), made, atol=1e-7)


@given(vectors, vectors)
def test_distance_is_metres_and_radians(position, rotation):
    angle = np.linalg.norm(rotation)
    metres, radians = poses.distance(np.eye(4), poses.pose(poses.from_rotation_vector(rotation), position))
    assert np.isclose(metres, np.linalg.norm(position))
    assert np.isclose(radians, min(angle % (2 * np.pi), 2 * np.pi - angle % (2 * np.pi)), atol=1e-7)


def test_interpolation_is_halfway_and_held_at_the_ends():
    start, end = np.eye(4), poses.pose(poses.from_rotation_vector(np.array([0, 0, 1.0])), np.array([1.0, 0, 0]))
    times = np.array([0.0, 2.0])
    halfway = poses.interpolate(times, np.stack([start, end]), np.array([-1.0, 1.0, 9.0]))
    assert np.allclose(halfway[0], start) and np.allclose(halfway[2], end)
    assert np.allclose(halfway[1, :3, 3], [0.5, 0, 0])
    assert np.allclose(poses.rotation_vector(halfway[1, :3, :3]), [0, 0, 0.5])


def test_is_pose_refuses_what_is_not_rigid():
    assert poses.is_pose(np.eye(4))
    mirrored, scaled, unknown, skewed = (np.eye(4) for _ in range(4))
    mirrored[0, 0], scaled[:3, :3], unknown[0, 3], skewed[3, 0] = -1, 2 * np.eye(3), np.nan, 0.1
    assert not any(poses.is_pose(matrix) for matrix in (mirrored, scaled, unknown, skewed, np.eye(3)))


def test_look_at_puts_the_target_on_the_optical_axis_with_the_image_upright():
    base_from_camera = poses.look_at(np.array([1.0, 0.2, 0.5]), np.array([0.3, 0.0, 0.1]))
    assert poses.is_pose(base_from_camera)
    target, above = poses.transform(poses.invert(base_from_camera), np.array([[0.3, 0.0, 0.1], [0.3, 0.0, 0.2]]))
    assert np.allclose(target[:2], 0, atol=1e-12) and target[2] > 0
    assert above[1] < 0  # y points down
