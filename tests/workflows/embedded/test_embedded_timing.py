"""Demonstration in few frames: the important events fall on a frame."""

from dataclasses import replace

import numpy as np
import pytest

from foundation import xarm7
from foundation.poses import distance
from robot.planning.planner import make_plan
from robot.planning.waypoints import Waypoint
from simulation.bench.grasps import tool_down
from simulation.bench.randomise import random_scene
from simulation.bench.still import still_truth
from simulation.bench.tasks import KINDS, possible_tasks
from workflows.demonstration.demonstrator import waypoints
from workflows.embedded.keyframe_timing import FRAMES, PERIOD, SPEED, clip_trajectory


def demonstration(kind, seed):
    scene = random_scene(seed, kind)
    task = next(task for task in possible_tasks(scene) if task.kind == kind)
    truth = still_truth(scene, xarm7.HOME)
    way = waypoints(task, scene, truth)
    return way, clip_trajectory(way, truth.base_from_tool, truth.openness)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [100_000, 100_001, 100_002])
def test_key_moments_fall_on_frames(kind, seed):
    way, motion = demonstration(kind, seed)
    assert len(motion) == FRAMES and motion.times[1] == pytest.approx(PERIOD)
    assert np.allclose(motion.base_from_tool[0], xarm7.forward(xarm7.HOME))
    held = 1.0
    for waypoint in way:
        metres, radians = distance(motion.base_from_tool, waypoint.base_from_tool)
        there = np.flatnonzero((metres < 1e-9) & (radians < 1e-6))
        is_open = float(waypoint.openness > 0.5)
        if is_open != held:  # once as it was, then changed, at the same position
            changes = motion.openness[there]
            assert changes[0] == held and is_open in changes
        held = is_open
    assert np.allclose(motion.base_from_tool[-1], way[-1].base_from_tool)


@pytest.mark.parametrize("kind", KINDS)
def test_a_tenth_of_a_millimetre_changes_no_frame(kind):
    """Check the timing's stability: else a video would be timed differently from the training on the same bench."""
    draw = np.random.default_rng(0)
    for seed in range(100_000, 100_004):
        scene = random_scene(seed, kind)
        truth = still_truth(scene, xarm7.HOME)
        for task in (task for task in possible_tasks(scene) if task.kind == kind):
            way = waypoints(task, scene, truth)
            motion = clip_trajectory(way, truth.base_from_tool, truth.openness)
            moved = [replace(waypoint, base_from_tool=waypoint.base_from_tool.copy()) for waypoint in way]
            for waypoint in moved:
                waypoint.base_from_tool[:3, 3] += draw.uniform(-5e-5, 5e-5, 3)
            again = clip_trajectory(moved, truth.base_from_tool, truth.openness)
            assert np.allclose(again.base_from_tool, motion.base_from_tool, atol=1e-3), (seed, task)
            assert np.array_equal(again.openness, motion.openness)


def test_the_gripper_only_changes_while_the_tool_stands():
    for kind in KINDS:
        _, motion = demonstration(kind, 100_005)
        metres, _ = distance(motion.base_from_tool[:-1], motion.base_from_tool[1:])
        assert (metres[np.diff(motion.openness) != 0] < 1e-9).all(), kind


def test_a_motion_that_is_too_long_is_shown_quicker():
    """Check that nothing is left out; planning slows it down again."""
    places = [(0.3, 0.25), (0.55, -0.25), (0.3, -0.25), (0.55, 0.25), (0.3, 0.25), (0.55, -0.2), (0.35, -0.2)]
    way = [Waypoint(tool_down(np.array([*place, 0.2])), float(i % 2)) for i, place in enumerate(places)]
    motion = clip_trajectory(way, xarm7.forward(xarm7.HOME), 1.0)
    for waypoint in way:
        assert min(distance(motion.base_from_tool, waypoint.base_from_tool)[0]) < 1e-9
    step = np.linalg.norm(np.diff(motion.base_from_tool[:, :3, 3], axis=0), axis=-1).max()
    assert step > SPEED * PERIOD
    plan = make_plan(motion, xarm7.HOME, 1.0)
    assert plan.executable and plan.motion.duration > motion.duration
    with pytest.raises(ValueError, match="do not fit"):
        clip_trajectory(way * 3, xarm7.forward(xarm7.HOME), 1.0)
