"""Decoding the output of a small model: blobs a pixel or two from where one pose would put them."""

import numpy as np

from foundation.camera import camera_at
from foundation.poses import distance, from_rpy
from foundation.trajectory import Trajectory
from model.action_images.decoding import DISAGREE, decode
from model.action_images.rendering import render

SIDE = 96
CAMERAS = [
    camera_at(name, SIDE, SIDE, 0.6, at, (0.4, 0.0, 0.1))
    for name, at in {"a": (1.2, 0.7, 0.6), "b": (1.2, -0.7, 0.6)}.items()
]


def motion(frames: int = 20) -> Trajectory:
    generator = np.random.default_rng(0)
    poses = [
        from_rpy(np.array([0.4, 0.0, 0.12]) + generator.uniform(-0.08, 0.08, 3), np.array([np.pi, 0, turn]))
        for turn in generator.uniform(-0.7, 0.7, frames)
    ]
    return Trajectory(np.arange(float(frames)), np.stack(poses), np.ones(frames))


def test_with_a_wider_tolerance_coarse_views_no_longer_disagree_and_exact_ones_are_read_as_well():
    wanted = motion()
    exact = render(wanted, CAMERAS)
    generator = np.random.default_rng(1)
    coarse = exact.copy()
    for view, frame, channel in np.ndindex(2, len(wanted), 3):
        shift = tuple(int(v) for v in generator.integers(-2, 3, 2))
        coarse[view, frame, ..., channel] = np.roll(exact[view, frame, ..., channel], shift, axis=(0, 1))
    strict, tolerant = decode(coarse, CAMERAS), decode(coarse, CAMERAS, tolerance=0.02)
    assert (strict.reasons == DISAGREE).sum() > len(wanted) // 3 > 2 * (tolerant.reasons == DISAGREE).sum()
    assert tolerant.valid.any()
    errors, _ = distance(tolerant.trajectory.base_from_tool[tolerant.valid], wanted.base_from_tool[tolerant.valid])
    assert np.median(errors) < 0.02
    plain = decode(exact, CAMERAS, tolerance=0.02)
    assert plain.valid.all()
    assert distance(plain.trajectory.base_from_tool, wanted.base_from_tool)[0].max() < 1e-4
