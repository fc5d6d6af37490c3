"""Detection of tags drawn by the AprilTag library itself and seen through a known camera."""

import ctypes
import threading

import cv2
import numpy as np
import pytest
from pupil_apriltags import Detector
from pupil_apriltags.bindings import _image_u8_get_array, _ImageU8

from cameras.calibration.tags import detect_tags
from foundation.camera import Camera, pinhole
from foundation.poses import from_rpy

WIDTH, HEIGHT = 1280, 720
SIZE_M = 0.08
CELL_PX = 24  # of the drawn tag's image; the black square begins one cell inside


def drawn_tag(number: int) -> np.ndarray:
    """Draw the printed tag, upright, with its white border, one pixel per cell."""
    detector = Detector("tag36h11")
    draw = detector.libc.apriltag_to_image
    draw.restype = ctypes.POINTER(_ImageU8)
    image = draw(detector.tag_families["tag36h11"], number)
    code = _image_u8_get_array(image)[2:8, 2:8].copy()
    # The library draws the code correctly and its border wrongly (3.1.0): a black ring in a white one.
    return np.pad(np.pad(code, 1, constant_values=0), 1, constant_values=255)


TAGS = {number: drawn_tag(number) for number in (0, 3, 17, 255)}


def photograph(number: int, camera_from_tag: np.ndarray, K: np.ndarray, noise: float = 2.0, seed: int = 0):
    """Render an antialiased image (H, W) uint8 of a tag, and its true corners (4, 2): top-left first, clockwise.

    The tag's frame: origin in its middle, x right, y down, z into the paper.
    """
    half = SIZE_M / 2
    corners = np.array([[-half, -half, 0], [half, -half, 0], [half, half, 0], [-half, half, 0]])
    truth = Camera("c", WIDTH, HEIGHT, K, np.linalg.inv(camera_from_tag)).project(corners)
    drawing = cv2.resize(TAGS[number], None, fx=CELL_PX, fy=CELL_PX, interpolation=cv2.INTER_NEAREST)
    # In drawing pixels the black square's edges are on the borders between pixels.
    first, last = CELL_PX - 0.5, 9 * CELL_PX - 0.5
    source = np.array([[first, first], [last, first], [last, last], [first, last]], np.float32)
    fine = 4
    target = ((truth + 0.5) * fine - 0.5).astype(np.float32)
    homography = cv2.getPerspectiveTransform(source, target)
    large = cv2.warpPerspective(
        drawing, homography, (fine * WIDTH, fine * HEIGHT), flags=cv2.INTER_LINEAR, borderValue=190
    )
    picture = cv2.resize(large, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(float) * 0.8 + 20
    picture += np.random.default_rng(seed).normal(0, noise, picture.shape)
    return picture.clip(0, 255).astype(np.uint8), truth


def views():
    random = np.random.default_rng(11)
    for seed in range(16):
        number = list(TAGS)[seed % 4]
        position = np.array([*random.uniform(-0.15, 0.15, 2), random.uniform(0.4, 0.8)])
        rpy = np.array([*random.uniform(-0.6, 0.6, 2), random.uniform(-np.pi, np.pi)])
        yield number, from_rpy(position, rpy), seed


@pytest.mark.parametrize("decimate", [1.0, 1.5, 2.0])
def test_corners_are_true_in_order_and_without_bias(decimate):
    K = pinhole(WIDTH, HEIGHT, np.deg2rad(43))
    errors = []
    for number, camera_from_tag, seed in views():
        picture, truth = photograph(number, camera_from_tag, K, seed=seed)
        (tag,) = detect_tags(picture, decimate=decimate)
        assert tag.id == number
        assert tag.corrected == 0
        errors.append(tag.corners - truth)
        middle = Camera("c", WIDTH, HEIGHT, K, np.linalg.inv(camera_from_tag)).project(np.zeros(3))
        assert np.linalg.norm(tag.centre - middle) < 0.2
    errors = np.array(errors)
    assert np.sqrt((errors**2).sum(axis=-1).mean()) < 0.15
    assert np.abs(errors.mean(axis=(0, 1))).max() < 0.03


def test_opencv_prints_the_same_tags_turned_half_round():
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36h11)
    marker = np.pad(cv2.aruco.generateImageMarker(dictionary, 17, 8 * CELL_PX), CELL_PX, constant_values=255)
    (tag,) = detect_tags(np.pad(marker, 50, constant_values=255))
    assert tag.id == 17
    first, last = 50 + CELL_PX - 0.5, 50 + 9 * CELL_PX - 0.5
    assert np.abs(tag.corners - [[last, last], [first, last], [first, first], [last, first]]).max() < 0.2


def test_colour_and_grey_give_the_same():
    turned = from_rpy(np.array([0.0, 0, 0.5]), np.array([0.2, -0.3, 1.0]))
    picture, _ = photograph(3, turned, pinhole(WIDTH, HEIGHT, 0.75))
    (grey,) = detect_tags(picture)
    (colour,) = detect_tags(np.repeat(picture[..., None], 3, axis=-1))
    assert np.abs(grey.corners - colour.corners).max() < 0.02


def test_several_tags_come_by_their_ids():
    K = pinhole(WIDTH, HEIGHT, 0.75)
    left, _ = photograph(17, from_rpy(np.array([-0.12, 0, 0.5]), np.zeros(3)), K)
    right, _ = photograph(0, from_rpy(np.array([0.12, 0, 0.5]), np.zeros(3)), K)
    both = np.concatenate([left[:, : WIDTH // 2], right[:, WIDTH // 2 :]], axis=1)
    assert [tag.id for tag in detect_tags(both)] == [0, 17]


def test_noise_and_flat_pictures_hold_no_tags():
    random = np.random.default_rng(3)
    assert detect_tags(np.full((480, 640), 127, np.uint8)) == []
    for _ in range(3):
        texture = cv2.GaussianBlur(random.integers(0, 256, (480, 640), np.uint8), (0, 0), 3)
        texture = cv2.normalize(texture, None, 0, 255, cv2.NORM_MINMAX)
        assert detect_tags(texture, decimate=1.0) == []


def test_a_tag_that_barely_stands_out_is_left_out():
    picture, _ = photograph(3, from_rpy(np.array([0.0, 0, 0.5]), np.zeros(3)), pinhole(WIDTH, HEIGHT, 0.75), noise=0)
    faint = (118 + picture.astype(float) * 0.1).astype(np.uint8)
    assert detect_tags(faint) == []
    assert [tag.id for tag in detect_tags(faint, least_margin=1.0)] == [3]


def test_threads_may_look_at_the_same_time():
    picture, _ = photograph(255, from_rpy(np.array([0.0, 0, 0.5]), np.zeros(3)), pinhole(WIDTH, HEIGHT, 0.75))
    (expected,) = detect_tags(picture)
    results = []
    threads = [threading.Thread(target=lambda: results.append(detect_tags(picture))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(np.array_equal(tags[0].corners, expected.corners) for tags in results)


def test_what_cannot_be_searched_is_refused():
    with pytest.raises(ValueError, match="there are: tag16h5"):
        detect_tags(np.zeros((10, 10), np.uint8), "tag36h12")
    with pytest.raises(ValueError, match="float64"):
        detect_tags(np.zeros((10, 10)))
