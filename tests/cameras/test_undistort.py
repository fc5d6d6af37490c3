import cv2
import numpy as np
import pytest

from cameras.errors import CameraError
from cameras.frame import Frame
from cameras.intrinsics import Intrinsics
from cameras.undistort import borderless_matrix, ideal_camera, undistort

WIDTH, HEIGHT = 640, 480
K = np.array([[480.0, 0, 322.4], [0, 482.0, 236.1], [0, 0, 1]])
DISTORTION = np.array([-0.31, 0.12, 0.0008, -0.0011, -0.02])
LENS = Intrinsics(WIDTH, HEIGHT, K, DISTORTION)


def grid(K_ideal: np.ndarray) -> np.ndarray:
    """Return points (n, 3) m, 1 m away, that an ideal camera with this K sees well inside its image."""
    u, v = np.meshgrid(np.linspace(40, WIDTH - 41, 9), np.linspace(40, HEIGHT - 41, 7))
    pixels = np.stack([u.ravel(), v.ravel(), np.ones(u.size)], axis=-1)
    return pixels @ np.linalg.inv(K_ideal).T


def picture_of(points: np.ndarray) -> np.ndarray:
    """Render the lens's image: a soft dot (sigma 2 px) at each point's distorted pixel."""
    pixels, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), K, DISTORTION)
    v, u = np.mgrid[:HEIGHT, :WIDTH]
    grey = np.zeros((HEIGHT, WIDTH))
    for x, y in pixels[:, 0]:
        grey += 250 * np.exp(-((u - x) ** 2 + (v - y) ** 2) / 8)
    return np.repeat(np.rint(grey.clip(0, 255)).astype(np.uint8)[..., None], 3, axis=-1)


def dot_centres(rgb: np.ndarray, near: np.ndarray) -> np.ndarray:
    v, u = np.mgrid[-12:13, -12:13]
    centres = []
    for x, y in np.rint(near).astype(int):
        patch = rgb[y - 12 : y + 13, x - 12 : x + 13, 0].astype(float)
        centres.append([x + (patch * u).sum() / patch.sum(), y + (patch * v).sum() / patch.sum()])
    return np.array(centres)


@pytest.mark.parametrize("whole", [False, True])
def test_dots_are_where_the_ideal_camera_sees_their_points(whole):
    K_ideal = borderless_matrix(LENS) if whole else None
    camera = ideal_camera("overview", LENS, np.eye(4), K_ideal)
    points = grid(camera.K)
    frame = undistort(Frame("usb:1", 7, 1.5, picture_of(points)), LENS, K_ideal)
    expected = camera.project(points)
    error_px = np.linalg.norm(dot_centres(frame.rgb, expected) - expected, axis=-1)
    assert error_px.max() < 0.1
    assert (frame.camera, frame.number, frame.captured) == ("usb:1", 7, 1.5)


def test_pixels_move_as_opencv_s_exact_inverse_says():
    """Undistort an image of coordinates, which gives the map itself: it agrees with cv2.undistortPoints."""
    ideal = np.random.default_rng(1).uniform((30, 30), (WIDTH - 31, HEIGHT - 31), (200, 2))
    points = np.concatenate([ideal, np.ones((200, 1))], axis=1) @ np.linalg.inv(K).T
    distorted, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), K, DISTORTION)
    back = cv2.undistortPoints(distorted, K, DISTORTION, P=K)[:, 0]
    assert np.abs(back - ideal).max() < 0.1
    ramp = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    ramp[..., 0] = np.rint(np.arange(WIDTH) * 255 / (WIDTH - 1))
    seen = undistort(Frame("usb:1", 1, 0.0, ramp), LENS).rgb[..., 0].astype(float)
    rows, columns = np.rint(ideal[:, 1]).astype(int), np.rint(ideal[:, 0]).astype(int)
    at = np.stack([columns, rows, np.ones(200)], axis=-1) @ np.linalg.inv(K).T
    there, _ = cv2.projectPoints(at, np.zeros(3), np.zeros(3), K, DISTORTION)
    assert np.abs(seen[rows, columns] - there[:, 0, 0] * 255 / (WIDTH - 1)).max() < 1.1


def test_the_largest_picture_has_no_black_border():
    white = Frame("usb:1", 1, 0.0, np.full((HEIGHT, WIDTH, 3), 255, np.uint8))
    stretched = Intrinsics(WIDTH, HEIGHT, K, [0.25, 0.05, 0, 0, 0])
    assert undistort(white, stretched).rgb.min() == 0
    assert undistort(white, stretched, borderless_matrix(stretched)).rgb[2:-2, 2:-2].min() == 255


def test_depth_keeps_its_values_and_is_unknown_where_the_lens_saw_nothing():
    depth = np.full((HEIGHT, WIDTH), 500, np.uint16)
    depth[:, 300:] = 3000
    frame = Frame("usb:1", 1, 0.0, np.zeros((HEIGHT, WIDTH, 3), np.uint8), depth)
    assert set(np.unique(undistort(frame, LENS).depth_mm)) == {500, 3000}
    stretched = Intrinsics(WIDTH, HEIGHT, K, [0.25, 0.05, 0, 0, 0])
    assert set(np.unique(undistort(frame, stretched).depth_mm)) == {0, 500, 3000}


def test_a_lens_without_distortion_costs_nothing():
    frame = Frame("usb:1", 1, 0.0, np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    assert undistort(frame, Intrinsics(WIDTH, HEIGHT, K, np.zeros(5))) is frame


def test_a_calibration_for_another_size_is_refused():
    frame = Frame("usb:1", 1, 0.0, np.zeros((720, 1280, 3), np.uint8))
    with pytest.raises(CameraError, match="sends 1280 x 720 pictures, and its calibration is for 640 x 480"):
        undistort(frame, LENS)
