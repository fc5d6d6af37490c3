"""Points clicked into images become the intended positions, and a path through them that can be planned."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation import xarm7
from foundation.camera import camera_at
from foundation.trajectory import Scene, View
from robot.planning.planner import make_plan
from workflows.cancellation import Cancellation, silently
from workflows.proposals.drawn_motion import DrawingError, DrawnPoint, DrawnSource, drawn_trajectory, point_at_height

CAMERAS = (
    camera_at("front", 160, 120, 0.9, (1.1, 0.2, 0.6), (0.4, 0.0, 0.1)),
    camera_at("side", 160, 120, 0.9, (0.4, -0.9, 0.5), (0.4, 0.0, 0.1)),
)
HOME = xarm7.forward(xarm7.HOME)


@given(st.floats(0.25, 0.55), st.floats(-0.2, 0.2), st.floats(0.0, 0.3), st.sampled_from(CAMERAS))
def test_a_click_on_a_point_gives_that_point_back(x, y, z, camera):
    point = np.array([x, y, z])
    assert point_at_height(camera, camera.project(point), z) == pytest.approx(point, abs=1e-9)


def test_a_click_above_the_horizon_gives_nothing():
    level = camera_at("level", 160, 120, 0.9, (1.0, 0.0, 0.5), (0.0, 0.0, 0.5))
    assert point_at_height(level, np.array([79.5, 10.0]), 0.0) is None
    assert point_at_height(level, np.array([79.5, 59.5]), 0.0) is None  # along the plane


def test_the_way_begins_at_the_tool_passes_every_point_and_rests_where_the_gripper_works():
    points = (DrawnPoint((0.45, 0.1, 0.2)), DrawnPoint((0.45, 0.1, 0.08), 0.0), DrawnPoint((0.4, -0.1, 0.2), 0.0))
    way = drawn_trajectory(HOME, 1.0, points)
    tool = way.base_from_tool[:, :3, 3]
    assert tool[0] == pytest.approx(HOME[:3, 3]) and tool[-1] == pytest.approx(points[-1].position)
    for point in points:
        assert np.linalg.norm(tool - point.position, axis=1).min() < 0.012  # between two frames 0.1 s apart
    assert np.allclose(way.base_from_tool[:, :3, :3], HOME[:3, :3])
    working = np.flatnonzero(np.abs(np.diff(way.openness)) > 1e-6)
    assert len(working) >= 5 and np.linalg.norm(np.diff(tool, axis=0)[working[1:-1]], axis=1).max() < 1e-6
    assert way.openness[0] == 1.0 and way.openness[-1] == 0.0
    assert np.linalg.norm(np.diff(tool, axis=0), axis=1).max() / np.diff(way.times).min() < 0.13  # m/s


@pytest.mark.parametrize("points", [(), (DrawnPoint(tuple(HOME[:3, 3])),)])
def test_what_goes_nowhere_is_no_motion(points):
    with pytest.raises(DrawingError, match="Nothing is drawn"):
        drawn_trajectory(HOME, 1.0, points)


def test_what_is_drawn_can_be_planned_and_says_where_it_came_from():
    views = tuple(View(camera, np.zeros((120, 160, 3), np.uint8), 0.0) for camera in CAMERAS)
    points = (DrawnPoint((0.42, 0.05, 0.15)), DrawnPoint((0.42, -0.1, 0.15), 0.0))
    proposal = DrawnSource(points, "before").propose("to the side", Scene(views, HOME, 1.0), silently, Cancellation())
    assert proposal.source == "drawn" and proposal.begun_from == "before" and proposal.decoded.valid.all()
    plan = make_plan(proposal.decoded.trajectory, xarm7.HOME, 1.0, confidence=proposal.decoded.confidence)
    assert plan.executable, plan.findings
    end = xarm7.forward(plan.motion.position[-1])[:3, 3]
    assert np.linalg.norm(end - points[-1].position) < 3e-3
