"""The direct policy learns what the images show, uses the cameras' poses, and reads the instruction."""

import itertools
from dataclasses import replace

import numpy as np
import torch

from foundation.camera import Camera, camera_at
from foundation.poses import from_rpy
from model.networks.direct_policy import SEEN, DirectPolicy, Examples, learn, untrained


def examples(count: int, seed: int = 0) -> Examples:
    """Draw examples: a bright square marks the goal, the text whether to close; cameras like the lab's, 32 px."""
    rng = np.random.default_rng(seed)
    cameras = [camera_at("c", 32, 32, 0.8, (1.0, side, 0.6), (0.4, 0.0, 0.1)) for side in (0.5, -0.5)]
    goals = rng.uniform((0.3, -0.15, 0.1), (0.5, 0.15, 0.1), (count, 3))
    rgb = np.full((count, 2, 32, 32, 3), 60, np.uint8)
    for i, goal in enumerate(goals):
        for view, camera in enumerate(cameras):
            u, v = np.round(camera.project(goal)).astype(int)
            rgb[i, view, max(0, v - 2) : v + 3, max(0, u - 2) : u + 3] = 250
    poses = np.tile(from_rpy(np.array([0.4, 0.0, 0.3]), np.array([np.pi, 0.0, 0.0])), (count, 3, 1, 1))
    poses[:, 1:, :3, 3] = goals[:, None]
    closes = rng.random(count) < 0.5
    openness = np.ones((count, 3))
    openness[closes, 2] = 0.0
    return Examples(
        rgb,
        np.array([[camera.K for camera in cameras]] * count),
        np.array([[camera.base_from_camera for camera in cameras]] * count),
        tuple("pick it up" if close else "reach it" for close in closes),
        poses,
        openness,
    )


def some(whole: Examples, which: np.ndarray) -> Examples:
    return Examples(
        whole.rgb[which], whole.K[which], whole.base_from_camera[which],
        tuple(whole.instructions[i] for i in which), whole.base_from_tool[which], whole.openness[which],
    )  # fmt: skip


def off(network: DirectPolicy, shown: Examples) -> float:
    """Return the mean distance in m from the goal."""
    apart = network.motions(shown)[0][:, 1:, :3, 3] - shown.base_from_tool[:, 1:, :3, 3]
    return float(np.linalg.norm(apart, axis=-1).mean())


def test_it_learns_where_to_go():
    torch.set_num_threads(1)
    shown, rng = examples(64), np.random.default_rng(1)
    network = untrained(3, width=32, layers=1, heads=2)
    batches = (some(shown, rng.permutation(64)[:16]) for _ in itertools.count())
    before, still = off(network, shown), np.linalg.norm(shown.base_from_tool[:, 1, :3, 3] - [0.4, 0.0, 0.1], axis=-1)
    assert learn(network, batches, seconds=1e6, most_steps=150) == 150
    poses, openness = network.motions(shown)
    assert off(network, shown) < min(0.5 * before, 0.7 * float(still.mean()))  # better than going to the middle
    assert np.allclose(poses[:, 0], shown.base_from_tool[:, 0]) and (openness[:, 0] == 1).all()
    assert np.allclose(poses[..., :3, :3] @ poses[..., :3, :3].swapaxes(-1, -2), np.eye(3), atol=1e-6)


def test_the_same_question_has_the_same_answer_and_each_input_counts():
    shown = examples(2)
    network = untrained(3, width=32, layers=1, heads=2)
    said = network.motions(shown)[0]
    assert np.array_equal(untrained(3, width=32, layers=1, heads=2).motions(shown)[0], said)
    alone = network.motions(some(shown, np.array([0])))[0]
    assert np.abs(alone[0] - said[0]).max() < 1e-4  # padding and batching change nothing
    others = (
        replace(shown, rgb=255 - shown.rgb),
        replace(shown, base_from_camera=shown.base_from_camera[:, ::-1]),
        replace(shown, instructions=("put it away", "put it away")),
    )
    for other in others:
        assert np.abs(network.motions(other)[0] - said).max() > 1e-5


def test_larger_pictures_are_seen_made_smaller():
    shown, network = examples(4), untrained(3, width=32, layers=1, heads=2)

    def sized(px: int) -> Examples:
        cameras = [
            [Camera("c", 32, 32, *one) for one in zip(*both, strict=True)]
            for both in zip(shown.K, shown.base_from_camera, strict=True)
        ]
        K = np.array([[camera.resized(px, px).K for camera in both] for both in cameras])
        return replace(shown, rgb=shown.rgb.repeat(px // 32, axis=2).repeat(px // 32, axis=3), K=K)

    for large, small in zip(network.motions(sized(SEEN * 2)), network.motions(sized(SEEN)), strict=True):
        assert np.allclose(large, small, atol=1e-4)
