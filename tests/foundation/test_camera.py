import json

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from foundation.camera import Camera, camera_at, pinhole
from foundation.poses import from_rotation_vector, pose

seeds = st.integers(0, 2**32 - 1)


def random_camera(generator: np.random.Generator, T: int | None = None) -> Camera:
    width, height = generator.integers(32, 1000, 2)
    focal = generator.uniform(0.5, 2.0, 2) * height
    K = np.array([[focal[0], 0, generator.uniform(0, width)], [0, focal[1], generator.uniform(0, height)], [0, 0, 1]])
    shape = (3,) if T is None else (T, 3)
    base_from_camera = pose(from_rotation_vector(generator.normal(size=shape)), generator.normal(size=shape))
    return Camera("random", int(width), int(height), K, base_from_camera)


@given(seeds, st.sampled_from([None, 4]))
def test_a_ray_through_a_projected_point_meets_the_point(seed, T):
    generator = np.random.default_rng(seed)
    camera = random_camera(generator, T)
    points = generator.normal(scale=2.0, size=(4, 5, 3))
    pixels = camera.project(points)
    seen = ~np.isnan(pixels).any(axis=-1)
    assume(seen.any())
    origins, directions = camera.rays(np.nan_to_num(pixels))
    along = np.einsum("...i,...i->...", points - origins, directions)
    nearest = origins + along[..., None] * directions
    assert (along[seen] > 0).all()
    assert np.abs(nearest - points)[seen].max() < 1e-9


@given(seeds, st.integers(8, 512), st.integers(8, 512))
def test_resizing_moves_pixels_as_image_resizing_does(seed, width, height):
    generator = np.random.default_rng(seed)
    camera = random_camera(generator)
    points = generator.normal(scale=2.0, size=(20, 3))
    before, after = camera.project(points), camera.resized(width, height).project(points)
    scale = np.array([width / camera.width, height / camera.height])
    assert np.allclose(after, scale * (before + 0.5) - 0.5, atol=1e-6, equal_nan=True)


@given(seeds, st.integers(-50, 50), st.integers(-50, 50))
def test_cropping_shifts_pixels(seed, left, top):
    generator = np.random.default_rng(seed)
    camera = random_camera(generator)
    points = generator.normal(scale=2.0, size=(20, 3))
    cropped = camera.cropped(left, top, 64, 48)
    assert np.allclose(cropped.project(points), camera.project(points) - (left, top), atol=1e-6, equal_nan=True)


def test_the_top_left_pixel_centre_is_the_origin():
    camera = camera_at("front", 640, 480, 0.8, (1.0, 0.0, 0.5), (0.0, 0.0, 0.0))
    assert np.allclose(camera.project(np.zeros(3)), [319.5, 239.5])
    edges = np.array([[-0.5, -0.5], [639.5, 479.5], [-0.6, 3], [3, 479.6], [np.nan, 3]])
    assert camera.sees(edges).tolist() == [True, True, False, False, False]


def test_what_is_behind_the_camera_has_no_pixel():
    camera = Camera("c", 64, 64, pinhole(64, 64, 1.0), np.eye(4))
    assert np.isnan(camera.project(np.array([[0, 0, -1.0], [0, 0, 0.0]]))).all()


def test_json_round_trip_is_exact():
    camera = random_camera(np.random.default_rng(3), T=2)
    again = Camera.from_dict(json.loads(json.dumps(camera.to_dict())))
    assert np.array_equal(again.K, camera.K) and np.array_equal(again.base_from_camera, camera.base_from_camera)
    assert (again.name, again.width, again.height) == (camera.name, camera.width, camera.height)


@pytest.mark.parametrize(
    ("K", "base_from_camera"),
    [
        (np.diag([-1.0, 1.0, 1.0]), np.eye(4)),
        (np.diag([np.nan, 1.0, 1.0]), np.eye(4)),
        (np.ones((3, 3)), np.eye(4)),
        (np.eye(3), 2 * np.eye(4)),
        (np.eye(3), np.eye(3)),
        (np.eye(2), np.eye(4)),
    ],
)
def test_nonsense_is_refused_with_the_cameras_name(K, base_from_camera):
    with pytest.raises(ValueError, match="wrist"):
        Camera("wrist", 64, 48, K, base_from_camera)


def test_cameras_cannot_be_changed_from_outside():
    K = pinhole(64, 48, 1.0)
    camera = Camera("c", 64, 48, K, np.eye(4))
    K[0, 0] = 1.0
    assert camera.K[0, 0] != 1.0
    with pytest.raises(ValueError, match="read-only"):
        camera.K[0, 0] = 1.0
