"""Delay between frames and arm, estimated from a moving board."""

import cv2
import numpy as np
import pytest
from known_rig import MOUNT, POINTS, known_rig

from cameras.calibration.board import GRIPPER_BOARD
from cameras.calibration.board_view import BoardView
from cameras.calibration.delay import estimate_delay
from foundation.poses import invert, pose, transform

RIG = known_rig(poses=4)
LENS = RIG.data.lenses[2]
CAMERA_FROM_BASE = invert(RIG.base_from_camera[2])
MIDDLE = pose(np.diag([1.0, -1.0, -1.0]), np.array([0.42, 0.0, 0.15]))


def by_the_arm(moments: np.ndarray) -> np.ndarray:
    """Return camera_from_board (n, 4, 4): 80 mm to both sides, four seconds per period."""
    shift = np.zeros((len(moments), 3))
    shift[:, 1] = 0.08 * np.sin(np.pi / 2 * moments)
    return CAMERA_FROM_BASE @ pose(None, shift) @ MIDDLE @ MOUNT


def seen(delay: float, noise_px: float = 0.1, miscalibrated: float = 0.0, frames: int = 60):
    stamped = np.arange(frames) / 15.0
    generator = np.random.default_rng(3)
    views = []
    for each in by_the_arm(stamped - delay):
        off = pose(position=np.array([miscalibrated, 0.0, 0.0])) @ each
        pixels, _ = cv2.projectPoints(transform(off, POINTS), np.zeros(3), np.zeros(3), LENS.K, LENS.distortion)
        views.append(BoardView(GRIPPER_BOARD.ids, pixels[:, 0] + generator.normal(0, noise_px, (16, 2)), 640, 480))
    return stamped, views


@pytest.mark.parametrize("delay", [-0.004, 0.0, 0.033, 0.120])
def test_the_delay_is_found_to_a_millisecond(delay):
    found = estimate_delay(*seen(delay), GRIPPER_BOARD, LENS, by_the_arm)
    assert found is not None
    assert found.seconds == pytest.approx(delay, abs=0.001)
    assert found.uncertainty < 0.001


def test_what_the_calibration_is_off_by_is_not_taken_for_time():
    found = estimate_delay(*seen(0.05, miscalibrated=0.003), GRIPPER_BOARD, LENS, by_the_arm)
    assert found is not None and found.seconds == pytest.approx(0.05, abs=0.002)


def test_some_wrong_pictures_do_not_matter():
    stamped, views = seen(0.05)
    wrong = BoardView(GRIPPER_BOARD.ids, views[20].corners + 40.0, 640, 480)
    found = estimate_delay(stamped, [*views[:20], wrong, *views[21:]], GRIPPER_BOARD, LENS, by_the_arm)
    assert found is not None and found.seconds == pytest.approx(0.05, abs=0.002)


def test_too_few_pictures_or_no_motion_tell_nothing():
    assert estimate_delay(*seen(0.03, frames=8), GRIPPER_BOARD, LENS, by_the_arm) is None
    stamped, views = seen(0.03)
    still = [views[0]] * len(views)
    standing = lambda moments: by_the_arm(np.zeros(len(moments)))  # noqa: E731
    assert estimate_delay(stamped, still, GRIPPER_BOARD, LENS, standing) is None
