"""Carried object: its time span with the hand, and its position in the images."""

import numpy as np
import pytest

from foundation.camera import camera_at
from foundation.poses import from_rpy
from model.arm_rendering.grasped_object_warp import GraspedObject, draw_grasped_object, grasped_object

CAMERA = camera_at("front", 96, 80, 0.9, (1.1, 0.2, 0.6), (0.4, 0.0, 0.05))
OPEN, SHUT = 1.0, 0.0


def motion(*stops: tuple[float, float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return poses (T, 4, 4) and openness (T,) of a tool that points down at x, y, z."""
    poses = np.stack([from_rpy(np.array(stop[:3]), np.array([np.pi, 0, 0])) for stop in stops])
    return poses, np.array([stop[3] for stop in stops])


GRASPED = motion(
    (0.4, 0.0, 0.20, OPEN), (0.4, 0.1, 0.02, OPEN), (0.4, 0.1, 0.02, SHUT), (0.4, 0.1, 0.16, SHUT),
    (0.4, -0.1, 0.16, SHUT), (0.4, -0.1, 0.07, OPEN), (0.4, -0.1, 0.2, OPEN),
)  # fmt: skip
PUSHED = motion(
    (0.4, 0.0, 0.20, OPEN), (0.4, 0.1, 0.16, SHUT), (0.4, 0.1, 0.02, SHUT), (0.4, 0.05, 0.02, SHUT),
    (0.4, 0.0, 0.025, SHUT), (0.4, 0.0, 0.1, SHUT), (0.4, 0.0, 0.1, SHUT),
)  # fmt: skip


def test_what_is_held_goes_along_until_the_fingers_open():
    assert grasped_object(*GRASPED) == GraspedObject(2, 5)


def test_what_is_pushed_goes_along_until_the_hand_rises():
    assert grasped_object(*PUSHED) == GraspedObject(2, 4)


def test_nothing_goes_with_a_hand_that_never_closes():
    poses, openness = GRASPED
    assert grasped_object(poses, np.ones_like(openness)) is None
    assert draw_grasped_object(np.zeros((1, 80, 96, 3), np.uint8), poses, np.ones_like(openness), [CAMERA]).max() == 0.0


@pytest.mark.parametrize("done", [GRASPED, PUSHED])
def test_the_picture_around_the_fingers_moves_with_them_and_stays_where_it_was_left(done):
    poses, openness = done
    span = grasped_object(*done)
    assert span is not None
    at = CAMERA.project(poses[:, :3, 3])
    first = np.full((1, 80, 96, 3), 40, np.uint8)
    x, y = np.round(at[span.begin]).astype(int)
    first[0, y - 1 : y + 2, x - 1 : x + 2] = (255, 0, 0)  # a red object between the fingers
    drawn = draw_grasped_object(first, poses, openness, [CAMERA])[0]
    assert drawn[: span.begin + 1].max() == 0.0
    for t in range(span.begin + 1, len(poses)):
        there = at[min(t, span.end)]
        redness = drawn[t, ..., 0] - drawn[t, ..., 1]
        found = np.array(np.unravel_index(np.argmax(redness), redness.shape))[::-1]
        assert np.linalg.norm(found - there) < 2.0
        x, y = np.round(there).astype(int)
        assert drawn[t, y, x, 3] == 1.0 and drawn[t, 0, 0, 3] < 0.01
        x, y = np.round(at[span.begin]).astype(int)
        assert drawn[t, y, x, 4] == 1.0


def test_only_the_frames_that_are_wanted_are_drawn():
    first = np.random.default_rng(0).integers(0, 255, (1, 80, 96, 3), np.uint8)
    every = draw_grasped_object(first, *GRASPED, [CAMERA])
    assert np.array_equal(draw_grasped_object(first, *GRASPED, [CAMERA], [0, 4]), every[:, [0, 4]])


def test_a_place_behind_the_camera_is_left_out():
    poses, openness = (part.copy() for part in GRASPED)
    poses[3:, 0, 3] = 3.0
    drawn = draw_grasped_object(np.full((1, 80, 96, 3), 90, np.uint8), poses, openness, [CAMERA])
    assert np.isfinite(drawn).all() and drawn[0, 3:].max() == 0.0
