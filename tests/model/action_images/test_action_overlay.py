"""Overlay images for users: what must be visible, and where."""

import numpy as np
import pytest

from foundation.camera import Camera, camera_at
from foundation.poses import from_rpy
from foundation.trajectory import Trajectory
from model.action_images.overlay import draw_overlay, draw_trajectory
from model.action_images.rendering import render


@pytest.fixture
def front() -> Camera:
    return camera_at("front", 160, 120, 0.8, (1.2, 0.3, 0.5), (0.4, 0, 0.2))


@pytest.fixture
def path() -> Trajectory:
    positions = np.linspace([0.4, -0.15, 0.2], [0.4, 0.15, 0.25], 9)
    return Trajectory(np.arange(9) * 0.1, from_rpy(positions, np.array([np.pi, 0.0, 0.3])), np.linspace(1, 0, 9))


def test_blobs_take_their_colour_and_the_pedestal_changes_nothing(front, path):
    grey = np.full((120, 160, 3), 90, np.uint8)
    action = render(path, [front])[0, 0]
    drawn = draw_overlay(grey, action)
    u, v = np.rint(front.project(path.base_from_tool[0, :3, 3])).astype(int)
    assert drawn[v, u].argmax() == 0 and int(drawn[v, u, 0]) - 90 > 60
    assert np.array_equal(drawn[0, 0], (90, 90, 90)) and action[0, 0, 2] == 0.25
    assert np.array_equal(grey, np.full((120, 160, 3), 90)), "the picture itself is left alone"


def test_an_action_image_of_another_size_and_of_bytes(front, path):
    small = render(path, [front.resized(80, 60)])[0, 0]
    large = draw_overlay(np.zeros((120, 160, 3), np.uint8), np.rint(small * 255).astype(np.uint8))
    same = draw_overlay(np.zeros((120, 160, 3), np.uint8), render(path, [front])[0, 0])
    difference = np.abs(large.astype(int) - same)
    assert large.shape == (120, 160, 3)
    assert np.percentile(difference, 99) < 40  # the edge of the blue blob is a step


def test_the_path_is_drawn_where_the_camera_sees_it(front, path):
    grey = np.full((120, 160, 3), 90, np.uint8)
    drawn = draw_trajectory(grey, front, path)
    changed = (drawn != grey).any(axis=-1)
    for u, v in np.rint(front.project(path.base_from_tool[:, :3, 3])).astype(int):
        assert changed[v - 1 : v + 2, u - 1 : u + 2].all()
    assert changed.mean() < 0.2
    drawn = draw_trajectory(grey, front, path, axes=0)
    (u0, v0), (u1, v1) = np.rint(front.project(path.base_from_tool[[0, -1], :3, 3])).astype(int)
    assert drawn[v0, u0, 2] > drawn[v0, u0, 0] + 50, "blue at the start"
    assert drawn[v1, u1, 0] > drawn[v1, u1, 2] + 50, "red at the end"


def test_unknown_frames_and_what_lies_behind_the_camera_are_left_out(front, path):
    grey = np.full((120, 160, 3), 90, np.uint8)
    nothing = Trajectory(path.times, np.full((9, 4, 4), np.nan), np.full(9, np.nan))
    assert np.array_equal(draw_trajectory(grey, front, nothing), grey)
    behind = np.array(path.base_from_tool)
    behind[:, :3, 3] += 2 * (front.base_from_camera[:3, 3] - (0.4, 0, 0.2))
    assert np.array_equal(draw_trajectory(grey, front, Trajectory(path.times, behind, path.openness)), grey)


def test_pictures_that_do_not_fit_are_refused(front, path):
    with pytest.raises(ValueError, match="uint8"):
        draw_overlay(np.zeros((120, 160, 3)), np.zeros((120, 160, 3)))
    with pytest.raises(ValueError, match="an action image must be"):
        draw_overlay(np.zeros((120, 160, 3), np.uint8), np.zeros((120, 160)))
    with pytest.raises(ValueError, match="front must stand still and have the picture's size 80 x 60"):
        draw_trajectory(np.zeros((60, 80, 3), np.uint8), front, path)
