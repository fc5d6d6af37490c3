"""Drift check: a camera that was moved, one that was not, and tags that were."""

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from cameras.calibration.board import BENCH_TAG_SIZE, tag_cells
from cameras.calibration.drift import BenchSight, bench_sight, check_drift
from cameras.intrinsics import Intrinsics
from foundation.camera import camera_at
from foundation.poses import invert, pose, transform

CAMERA = camera_at("left", 640, 480, 0.78, (0.98, 0.58, 0.62), (0.4, 0.02, 0.1))
LENS = Intrinsics(640, 480, CAMERA.K, [-0.05, 0.01, 0.0, 0.0, 0.0])
PLACES = {0: (0.25, 0.3), 1: (0.55, 0.3), 2: (0.6, -0.2), 3: (0.3, -0.25)}


def sight(moved=None, seed=0, places=PLACES) -> BenchSight:
    generator = np.random.default_rng(seed)
    half = BENCH_TAG_SIZE / 2
    square = np.array([[half, half, 0], [half, -half, 0], [-half, -half, 0], [-half, half, 0.0]])
    camera_from_base = invert(CAMERA.base_from_camera @ (np.eye(4) if moved is None else moved))
    seen = {}
    for number, place in places.items():
        points = transform(camera_from_base, square + np.array([*place, 0.0]))
        pixels, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), LENS.K, LENS.distortion)
        seen[number] = pixels[:, 0] + generator.normal(0.0, 0.08, (4, 2))
    return BenchSight(seen, 0.08)


@pytest.mark.parametrize("seed", range(5))
def test_an_undisturbed_camera_is_green(seed):
    drift = check_drift(sight(seed=1), sight(seed=seed + 2), LENS, BENCH_TAG_SIZE)
    assert drift.ok and drift.shift_px < 0.5 and drift.shift_mm < 1.5


@pytest.mark.parametrize("axis", np.eye(3).tolist())
@pytest.mark.parametrize("kind", ["turn", "shift"])
def test_one_degree_or_five_millimetres_are_red_about_every_axis(axis, kind):
    turn = Rotation.from_rotvec(np.deg2rad(1.0) * np.array(axis)).as_matrix()
    moved = pose(turn) if kind == "turn" else pose(position=0.005 * np.array(axis))
    drift = check_drift(sight(seed=1), sight(moved, seed=2), LENS, BENCH_TAG_SIZE)
    assert drift.light == "red" and "calibrate again" in drift.sentence
    if kind == "shift":
        assert drift.shift_mm == pytest.approx(5.0, abs=1.5)


def test_a_small_move_is_yellow():
    drift = check_drift(sight(seed=1), sight(pose(position=np.array([0.0015, 0.0, 0.0])), seed=2), LENS, BENCH_TAG_SIZE)
    assert drift.light == "yellow" and "when there is time" in drift.sentence


def test_a_tag_that_was_moved_is_not_taken_for_the_camera():
    drift = check_drift(sight(seed=1), sight(seed=2, places={**PLACES, 2: (0.62, -0.2)}), LENS, BENCH_TAG_SIZE)
    assert drift.light == "yellow" and drift.moved_tags == (2,) and "tag 2 has been moved" in drift.sentence


def test_without_a_common_tag_nothing_is_known():
    assert check_drift(sight(), BenchSight(), LENS, BENCH_TAG_SIZE).light == "unknown"
    assert "Lay them out" in check_drift(BenchSight(), sight(), LENS, BENCH_TAG_SIZE).sentence


def test_tags_are_taken_from_most_of_the_pictures_and_once_each():
    picture = np.full((200, 400), 215, np.uint8)
    for left, number in ((30, 0), (150, 1), (270, 1)):
        black = np.kron(tag_cells("tag36h11", number), np.ones((10, 10), bool))
        picture[60 : 60 + len(black), left : left + len(black)][black] = 25
    rest = np.full_like(picture, 215)
    found = bench_sight([picture, picture, picture, rest], "tag36h11", (0, 1))
    assert list(found.corners) == [0]
    np.testing.assert_allclose(found.corners[0].mean(axis=0), [69.5, 99.5], atol=0.2)
    assert not bench_sight([picture, rest, rest], "tag36h11", (0,)).corners
