"""Rendered action images: the encoding, pixel by pixel."""

import cv2
import numpy as np

from foundation.camera import Camera, pinhole
from foundation.poses import pose
from foundation.trajectory import Trajectory
from model.action_images.blobs import find_points
from model.action_images.decoding import decode
from model.action_images.rendering import render


def camera(name: str = "front", x: float = 0.0, size: tuple[int, int] = (80, 60)) -> Camera:
    """Return a camera that looks along z from z = -1 m."""
    return Camera(name, *size, pinhole(*size, 0.9), pose(position=np.array([x, 0.0, -1.0])))


def at(point, openness: float = 1.0) -> Trajectory:
    return Trajectory(np.zeros(1), pose(position=np.asarray(point, float))[None], np.array([openness]))


def expected(centre: np.ndarray, size: tuple[int, int] = (80, 60)) -> np.ndarray:
    v, u = np.mgrid[0 : size[1], 0 : size[0]]
    return np.exp(-((u - centre[0]) ** 2 + (v - centre[1]) ** 2) / (2 * (0.05 * min(size)) ** 2))


def test_channels_are_gaussians_of_the_origin_the_x_axis_and_minus_the_z_axis():
    front = camera()
    image = render(at((0.05, 0.02, 0.0)), [front])[0, 0]
    for channel, point in enumerate([(0.05, 0.02, 0.0), (0.15, 0.02, 0.0)]):
        assert np.allclose(image[..., channel], expected(front.project(np.array(point))), atol=1e-6)
    blue = expected(front.project(np.array((0.05, 0.02, -0.1))))
    assert np.allclose(image[..., 2], np.where(blue > 0.25, blue, 0.25), atol=1e-6)
    assert image.dtype == np.float32


def test_a_closed_gripper_has_no_blue_background():
    front = camera()
    image = render(at((0.05, 0.02, 0.0), openness=0.5), [front])[0, 0]
    blue = expected(front.project(np.array((0.05, 0.02, -0.1))))
    assert np.allclose(image[..., 2], np.where(blue > 0.25, blue, 0.0), atol=1e-6)


def test_the_centre_of_the_top_left_pixel_is_zero_zero():
    front = camera()
    corner = front.base_from_camera[:3, 3] + np.linalg.inv(front.K) @ [0.0, 0.0, 1.0]
    image = render(at(corner), [front])[0, 0]
    assert image[0, 0, 0] == 1.0


def test_pictures_made_smaller_are_decoded_with_the_camera_made_smaller():
    """Check that no half pixel is lost in resizing: 0.5 px of the small image would be 8 mm here."""
    cameras = [camera("left", -0.3, (320, 240)), camera("right", 0.3, (320, 240))]
    truth = at((0.02, 0.01, 0.0))
    small = np.stack([[cv2.resize(view[0], (80, 60), interpolation=cv2.INTER_AREA)] for view in render(truth, cameras)])
    decoded = decode(small, [c.resized(80, 60) for c in cameras])
    assert decoded.valid.all()
    error = decoded.trajectory.base_from_tool[0, :3, 3] - (0.02, 0.01, 0.0)
    assert np.abs(error).max() < 2e-5


def test_no_bias_over_all_fractions_of_a_pixel():
    front = camera()
    offsets = np.linspace(-0.5, 0.5, 41)
    pixels = np.stack([40 + offsets, 30 + offsets[::-1], np.ones(41)], axis=-1)
    points = pixels @ np.linalg.inv(front.K).T + (0, 0, -1)
    path = Trajectory(np.arange(41.0), pose(position=points), np.zeros(41))
    images = np.rint(render(path, [front]) * 255).astype(np.uint8)
    found, _ = find_points(images)
    error = found[0, :, 0] - pixels[:, :2]
    assert np.abs(error.mean(axis=0)).max() < 1e-3
    assert np.abs(error).max() < 0.01
