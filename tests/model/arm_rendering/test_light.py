"""Direction of the light: recovered from images of a bench on which the arm's shadow was darkened."""

import numpy as np
import pytest

from foundation import xarm7
from foundation.camera import Camera, camera_at
from model.arm_rendering.drawing import draw_arm
from model.arm_rendering.light_estimation import estimate_light

CAMERAS = tuple(camera_at(f"view {y}", 96, 96, 0.9, (1.2, y, 0.7), (0.3, 0.0, 0.1)) for y in (0.6, -0.6))
POSTURE = xarm7.HOME + np.array([0.3, 0.2, 0, 0.3, 0, 0.1, 0])


def pictures(light: np.ndarray | None, cameras: tuple[Camera, ...] = CAMERAS, seed: int = 0) -> np.ndarray:
    """Render a grey bench with a few dark objects on it, the arm over it, and its shadow."""
    generator = np.random.default_rng(seed)
    drawn = draw_arm(POSTURE[None], np.ones(1), cameras, light)[:, 0]
    bench = np.full((*drawn.shape[:3], 3), 170.0)
    for place in generator.uniform((0.2, -0.4, 0.0), (0.6, 0.4, 0.0), (5, 3)):
        for picture, camera in zip(bench, cameras, strict=True):
            x, y = np.round(camera.project(place)).astype(int)
            picture[max(y - 3, 0) : y + 3, max(x - 3, 0) : x + 3] = 60
    bench *= 1.0 - 0.4 * drawn[..., 2:3]
    bench = np.where(drawn[..., :1] > 0.5, 230 * drawn[..., 3:], bench) + generator.normal(0, 2, bench.shape)
    return np.clip(bench, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("light", [(0.4, 0.3), (-0.5, 0.1), (0.0, -0.6), (0.05, 0.0), (0.9, -0.4)])
def test_the_direction_is_found_again(light):
    found = estimate_light(pictures(np.array(light)), CAMERAS, POSTURE, 1.0)
    assert found == pytest.approx(light, abs=0.08)
    one = estimate_light(pictures(np.array(light), CAMERAS[:1]), CAMERAS[:1], POSTURE, 1.0)
    assert one == pytest.approx(light, abs=0.15)


def test_without_a_shadow_or_an_arm_there_is_no_telling():
    even = np.full((2, 96, 96, 3), 120, np.uint8)
    assert estimate_light(even, CAMERAS, POSTURE, 1.0) is None
    assert estimate_light(pictures(np.array([0.4, 0.3])), CAMERAS, np.full(7, np.nan), 1.0) is None
    away = tuple(camera_at("away", 96, 96, 0.9, (1.2, y, 0.7), (3.0, 0.0, 0.7)) for y in (0.6, -0.6))
    assert estimate_light(even, away, POSTURE, 1.0) is None
