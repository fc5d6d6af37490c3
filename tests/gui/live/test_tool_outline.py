"""Tool outline in an image: its position, its time, and the status light beside it."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from cameras.calibration.drift import Drift
from cameras.intrinsics import Intrinsics
from cameras.undistort import distort, ideal_camera
from foundation import xarm7
from foundation.camera import pinhole
from foundation.poses import look_at, transform
from gui.live.calibration_status import Light, calibration_status
from gui.live.tool_outline import tool_outline
from gui.runtime.arm_history import ArmHistory, ArmPose
from workflows.calibration.place_check import place_check
from workflows.known_cameras import CALIBRATED, SIMULATED_TRUTH, KnownCamera

K = pinhole(640, 480, 0.75)
LENS = Intrinsics(640, 480, K, np.array([-0.12, 0.05, 0.0005, -0.0003, 0.0]))
PLACE = look_at(np.array([0.98, 0.58, 0.62]), np.array([0.4, 0.02, 0.1]))
CAMERA = ideal_camera("left", LENS, PLACE)


def inside(point: np.ndarray, outline: np.ndarray) -> bool:
    """Return whether a point is inside a convex outline."""
    edges = np.roll(outline, -1, axis=0) - outline
    ways = point - outline
    turns = edges[:, 0] * ways[:, 1] - edges[:, 1] * ways[:, 0]
    return bool((turns > 0).all() or (turns < 0).all())


def test_palm_and_fingers_are_outlined_where_they_are():
    drawing = tool_outline(CAMERA, ArmPose(xarm7.HOME, 1.0))
    palm, *fingers = drawing.outlines
    tool = xarm7.forward(xarm7.HOME)
    assert inside(CAMERA.project(transform(tool, np.array([0.0, 0.0, -0.172 + 0.038]))), palm)
    for finger, side in zip(fingers, (1, -1), strict=True):
        middle = np.array([0.0, side * (0.011 + 0.042), 0.1395 - 0.172])
        assert inside(CAMERA.project(transform(tool, middle)), finger)
    assert np.allclose(drawing.tool[0], CAMERA.project(tool[:3, 3])) and not drawing.closed


def test_closed_fingers_and_the_bare_flange():
    closed = tool_outline(CAMERA, ArmPose(xarm7.HOME, 0.0))
    assert closed.closed and len(closed.outlines) == 3
    assert len(tool_outline(CAMERA, ArmPose(xarm7.HOME, 0.0), gripper=False).outlines) == 1


def test_in_a_picture_with_distortion_it_is_drawn_where_the_lens_shows_it():
    ideal = tool_outline(CAMERA, ArmPose(xarm7.HOME, 1.0))
    seen = tool_outline(CAMERA, ArmPose(xarm7.HOME, 1.0), as_seen=lambda pixels: distort(pixels, LENS))
    shift = np.linalg.norm(seen.tool - ideal.tool, axis=1)
    assert (shift > 0.02).all() and (shift < 10.0).all()


def test_distortion_is_the_lenses_and_says_nothing_far_outside():
    import cv2

    points = np.array([[0.1, -0.2, 1.0], [0.3, 0.25, 1.2], [-0.3, 0.1, 0.9]])
    shown = cv2.projectPoints(points, np.zeros(3), np.zeros(3), K, LENS.distortion)[0].reshape(-1, 2)
    ideal = (points / points[:, 2:]) @ K.T
    assert np.allclose(distort(ideal[:, :2], LENS), shown, atol=1e-9)
    assert np.isnan(distort(np.array([[5000.0, 200.0], [np.nan, 3.0]]), LENS)).all(axis=1).all()


def test_nothing_is_outlined_behind_the_camera():
    behind = ideal_camera("left", LENS, look_at(np.array([0.98, 0.58, 0.62]), np.array([2.0, 1.2, 0.8])))
    assert tool_outline(behind, ArmPose(xarm7.HOME, 1.0)).outlines == ()


def test_the_arm_is_where_it_was_when_the_picture_was_taken(arm_status):
    moments = ArmHistory()
    assert moments.at(1.0) is None
    for read, angle in ((10.0, 0.0), (10.1, 0.1), (10.2, 0.3), (10.2, 9.0)):  # the last one is not newer
        moments.add(replace(arm_status, read=read, position=np.full(7, angle), openness=angle))
    assert np.allclose(moments.at(10.15).q, 0.2) and moments.at(10.15).openness == pytest.approx(0.2)
    assert np.allclose(moments.at(9.0).q, 0.0) and np.allclose(moments.at(11.0).q, 0.3)
    moments.add(replace(arm_status, read=20.0, position=np.full(7, 1.0)))
    assert np.allclose(moments.at(15.0).q, 0.3)  # the motion after that is unknown
    moments.add(None)
    assert moments.at(15.0) is None


def test_the_light_says_what_is_known():
    known = KnownCamera(CAMERA, LENS, CALIBRATED, made_at=datetime.now(UTC))
    check = place_check({"a": Drift("green", "fine", 0.21, 0.34), "b": Drift("red", "moved", 4.0, 7.0)}, {})
    assert calibration_status(None, None, "a").light is Light.UNKNOWN
    assert calibration_status(KnownCamera(CAMERA, LENS, SIMULATED_TRUTH), check, "a").light is Light.TRUTH
    assert calibration_status(known, None, "a").short == "not checked"
    good = calibration_status(known, check, "a")
    assert (good.light, good.short, good.sentence) == (Light.GOOD, "0.3 mm · 0.2 px", "fine")
    assert calibration_status(known, check, "b").light is Light.BAD
    unseen = place_check({"a": Drift("unknown", "No bench tag is seen.")}, {})
    assert calibration_status(known, unseen, "a").sentence == "No bench tag is seen."
