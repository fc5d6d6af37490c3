"""Verdicts on motions drawn with known faults: inconsistent views, empty frames, wrong starts."""

import numpy as np
from model_scenes import motion, scene

from foundation.poses import pose
from foundation.trajectory import Trajectory
from model.action_images.decoding import decode
from model.action_images.rendering import render
from model.generation.candidate_selection import ranked, score_candidate

SIDE = 128
START = scene(2)
CAMERAS = [camera.resized(SIDE, SIDE) for camera in START.cameras]


def drawn(trajectory: Trajectory) -> np.ndarray:
    return render(trajectory, CAMERAS)


def moved(trajectory: Trajectory, x: float, y: float, z: float) -> Trajectory:
    poses = pose(position=np.array([x, y, z])) @ trajectory.base_from_tool
    return Trajectory(trajectory.times, poses, trajectory.openness)


def test_a_true_motion_is_believed():
    verdict = score_candidate(decode(drawn(motion(START)), CAMERAS), SIDE, START.base_from_tool)
    assert verdict.accepted and verdict.score > 0.9 and verdict.residual < 1e-3


def test_views_that_show_different_motions():
    images = drawn(motion(START))
    for shift, rejected in ((0.0, False), (0.12, True)):
        other = drawn(moved(motion(START), shift, 0.0, shift))
        mixed = np.stack([images[0], other[1]])
        verdict = score_candidate(decode(mixed, CAMERAS), SIDE, START.base_from_tool)
        assert verdict.accepted is not rejected, verdict
        assert not rejected or verdict.score == 0.0


def test_slightly_disagreeing_views_count_less():
    images = drawn(motion(START))
    scores = []
    for shift in (0.0, 0.005, 0.01):
        mixed = np.stack([images[0], drawn(moved(motion(START), shift, 0.0, shift))[1]])
        scores.append(score_candidate(decode(mixed, CAMERAS), SIDE).score)
    assert scores == sorted(scores, reverse=True) and scores[0] > scores[-1] + 0.1


def test_a_motion_that_cannot_be_read():
    images = drawn(motion(START))
    images[:, 2:4] = 0.0
    verdict = score_candidate(decode(images, CAMERAS), SIDE)
    assert "only 3 of 5 frames" in verdict.reason
    nothing = score_candidate(decode(np.zeros_like(images), CAMERAS), SIDE)
    assert nothing.score == nothing.confidence == 0.0 and not nothing.accepted


def test_a_motion_that_begins_elsewhere():
    images = drawn(moved(motion(START), 0.0, 0.1, 0.0))
    assert score_candidate(decode(images, CAMERAS), SIDE).accepted
    assert (
        "begins 100 mm from where the arm is"
        in score_candidate(decode(images, CAMERAS), SIDE, START.base_from_tool).reason
    )


def test_the_best_comes_first():
    true = drawn(motion(START))
    noisy = np.clip(true + np.random.default_rng(0).normal(0, 0.1, true.shape), 0, 1).astype(np.float32)
    empty = np.zeros_like(true)
    half = true.copy()
    half[:, 3:] = 0.0
    verdicts = [score_candidate(decode(images, CAMERAS), SIDE) for images in (empty, half, noisy, true)]
    assert ranked(verdicts) == [3, 2, 1, 0]
