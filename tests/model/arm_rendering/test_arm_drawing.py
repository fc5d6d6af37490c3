"""Rendered arm: its position in the images, the separation of its parts, its shadow, and what is left out."""

import numpy as np
import pytest

from foundation import xarm7
from foundation.camera import camera_at
from foundation.trajectory import Trajectory
from model.arm_rendering.drawing import CHANNELS, arm_joints, draw_arm, find_colours, fingers_seen
from model.arm_rendering.shapes import arm_shapes
from robot.planning.planner import make_plan

CAMERAS = tuple(camera_at(f"view {y}", 96, 80, 0.9, (1.2, y, 0.7), (0.3, 0.0, 0.2)) for y in (0.6, -0.6))
POSTURES = xarm7.HOME + np.linspace(0, 1, 5)[:, None] * np.array([0.4, 0.2, 0, 0.3, 0, 0.1, 0])


def test_joints_lead_where_the_tool_is_and_what_cannot_be_reached_is_left_out():
    poses = xarm7.forward(POSTURES)
    poses[3, :3, 3] = 5.0
    poses[4] = np.nan
    joints = arm_joints(poses)
    assert xarm7.forward(joints[:3]) == pytest.approx(poses[:3], abs=1e-4)
    assert np.isnan(joints[3:]).all()
    pictures = draw_arm(joints, np.ones(5), CAMERAS)
    assert pictures.shape == (2, 5, 80, 96, CHANNELS) and pictures[:, 3:].max() == 0.0
    assert pictures.min() >= 0.0 and pictures[:, :3].max() == pytest.approx(1.0)


def test_the_redundancy_is_spent_as_planning_spends_it():
    """Check that from the plan's posture the joints are those in which the arm really passes the frames."""
    swung = xarm7.HOME + np.array([0.5, 0, -0.5, 0, 0.3, 0, 0.2])
    poses = np.repeat(xarm7.forward(swung)[None], 6, axis=0)
    poses[:, :3, 3] += np.linspace(0, 1, 6)[:, None] * np.array([0.1, -0.15, -0.1])
    plan = make_plan(Trajectory(np.arange(6.0), poses, np.ones(6)), swung, 1.0)
    passed = np.array([np.interp(plan.frame_moments, plan.motion.times, q) for q in plan.motion.position.T]).T
    assert np.abs(arm_joints(poses, swung) - passed).max() < 0.01
    assert np.abs(arm_joints(poses) - passed).max() > 0.1  # without the posture another solution results


def test_the_gripper_is_seen_to_do_what_it_was_asked_a_frame_before():
    assert fingers_seen(np.array([1.0, 1.0, 0.0, 0.0, 1.0])).tolist() == [1.0, 1.0, 1.0, 0.0, 0.0]


def test_the_arms_colours_are_found_again_in_pictures_of_it():
    usual, light = arm_shapes().colours, np.array([0.3, -0.2])
    true = np.clip(usual[:, ::-1] * [1.0, 0.7, 0.5] + 0.1, 0, 1)
    drawn = draw_arm(POSTURES[:1], np.ones(1), CAMERAS, light, true)[:, 0]
    pictures = np.round(255 * (drawn[..., 3:] + (1 - drawn[..., :1]) * [0.2, 0.5, 0.3])).astype(np.uint8)
    found = find_colours(pictures, CAMERAS, POSTURES[0], 1.0, light)
    seen = np.abs(found - usual).max(axis=1) > 1e-9  # parts too small to be seen take the usual colour
    assert seen.sum() >= 3 and found[seen] == pytest.approx(true[seen], abs=0.03)
    away = [camera_at("away", 96, 80, 0.9, (1.2, 0.6, 0.7), (3.0, 3.0, 0.2))]
    assert (find_colours(pictures[:1], away, POSTURES[0], 1.0, light) == usual).all()


def test_hand_and_shoulder_are_where_the_cameras_see_them():
    pictures = draw_arm(POSTURES, np.zeros(5), CAMERAS)
    for camera, shown in zip(CAMERAS, pictures, strict=True):
        for q, picture in zip(POSTURES, shown, strict=True):
            wrist, tip = xarm7.link_frames(q)[-1], xarm7.forward(q)
            above_tip = tip[:3, 3] - 0.02 * tip[:3, 2]
            orders = []
            for point in (np.array([0.0, 0.0, 0.15]), wrist[:3, 3], above_tip):
                x, y = np.round(camera.project(point)).astype(int)
                assert picture[y, x, 0] > 0.5
                orders.append(picture[y, x, 1])
            assert orders[1] < orders[2]  # the fingers come after the wrist; the base may be hidden behind both
            x, y = np.round(camera.project(np.array([0.7, 0.0, 0.0]))).astype(int)
            assert picture[y, x].max() == 0.0  # the bare table


def test_white_links_are_lighter_than_the_black_gripper():
    for camera, shown in zip(CAMERAS, draw_arm(POSTURES[:1], np.ones(1), CAMERAS), strict=True):
        upper_arm = xarm7.link_frames(POSTURES[0])[2] @ np.array([0.0, 0.0, -0.05, 1.0])
        palm = xarm7.forward(POSTURES[0]) @ np.array([0.0, 0.0, -0.104, 1.0])
        lightness = []
        for point in (upper_arm, palm):
            x, y = np.round(camera.project(point[:3])).astype(int)
            lightness.append(shown[0, y, x, 3:].mean())
        assert lightness[0] > 2.5 * lightness[1]


def test_open_fingers_stand_apart():
    shut, apart = (draw_arm(POSTURES[:1], np.array([openness]), CAMERAS[:1])[0, 0, ..., 0] for openness in (0.0, 1.0))
    assert (apart > 0.5).sum() != (shut > 0.5).sum()


def test_the_shadow_falls_away_from_the_light_and_what_is_turned_to_it_is_lighter():
    left, right = (draw_arm(POSTURES[:1], np.ones(1), CAMERAS, np.array([0.0, y]))[:, 0] for y in (0.6, -0.6))
    dark = draw_arm(POSTURES[:1], np.ones(1), CAMERAS)[:, 0]
    assert dark[..., 2].max() == 0.0
    hand = xarm7.forward(POSTURES[0])[:3, 3]
    for view, camera in enumerate(CAMERAS):
        for shown, y in ((left, 0.6), (right, -0.6)):
            places = [hand * [1, 1, 0] + [0, side * hand[2], 0] for side in (y, -y)]
            (x, row), (other_x, other_row) = np.round(camera.project(np.array(places))).astype(int)
            assert shown[view, row, x, 2] > 0.5 and shown[view, other_row, other_x, 2] < 0.1
        assert (left[view, ..., 3:] >= dark[view, ..., 3:]).all()
    # Light from -y brightens the side that the camera at -y sees.
    assert left[1, ..., 3].sum() > right[1, ..., 3].sum() and left[0, ..., 3].sum() < right[0, ..., 3].sum()
