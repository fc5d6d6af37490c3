"""Change detection on the bench: noise and light do not count, a moved cube does."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from foundation import xarm7
from foundation.camera import camera_at
from foundation.trajectory import Scene, View
from workflows.rehearsal.approval import what_changed

CAMERA = camera_at("left", 640, 480, 0.75, (0.98, 0.58, 0.62), (0.4, 0.0, 0.1))


def scene(seed: int, *, cube=(300, 250), size: int = 30, light: float = 1.0, camera=CAMERA) -> Scene:
    """Draw a bench with a cube in pixels, and the noise of a real camera."""
    generator = np.random.default_rng(seed)
    picture = np.full((480, 640, 3), 190, np.float64)
    picture[:200] = 150
    cv2.rectangle(picture, cube, (cube[0] + size, cube[1] + size), (200, 30, 25), -1)
    noisy = np.clip(light * picture + generator.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)
    return Scene((View(camera, noisy, 0.0),), xarm7.forward(xarm7.HOME), 1.0)


def test_noise_and_a_little_light_are_no_change():
    assert what_changed(scene(0), scene(1)) == ""
    assert what_changed(scene(0), scene(1, light=0.96)) == ""


def test_a_cube_that_was_moved_is():
    assert "moved in front of the camera left" in what_changed(scene(0), scene(1, cube=(360, 250)))
    assert "moved" in what_changed(scene(0), scene(1, size=0))


def test_another_calibration_and_a_missing_camera_are():
    moved = CAMERA.base_from_camera.copy()
    moved[0, 3] += 0.001
    assert "calibrated again" in what_changed(scene(0), scene(0, camera=replace(CAMERA, base_from_camera=moved)))
    assert "disconnected" in what_changed(scene(0), scene(0, camera=replace(CAMERA, name="right")))


@pytest.mark.parametrize("offset", [20, 40])
def test_small_moves_of_a_cube_of_four_centimetres_are_seen(offset):
    assert what_changed(scene(0), scene(1, cube=(300 + offset, 250)))
