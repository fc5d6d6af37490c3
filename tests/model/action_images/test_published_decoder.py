"""The baseline of the benchmark is fair: on clean images it is as exact as its depth steps allow."""

import numpy as np

from benchmarks.action_images.published_decoder import DEPTHS, decode_published
from benchmarks.action_images.rigs import random_rig
from foundation.poses import distance
from model.action_images.rendering import render


def test_it_is_as_exact_as_its_steps():
    errors = []
    for seed in range(8):
        rig = random_rig(np.random.default_rng(seed), 6, 2)
        cameras = rig.at(256)
        poses, openness = decode_published(render(rig.trajectory, cameras), cameras, 0.3, 1.8)
        assert np.array_equal(openness > 0.5, rig.trajectory.openness > 0.5)
        # Far enough inside that the blob is not cut: the centroid of a cut blob is another point.
        origin = rig.trajectory.base_from_tool[:, :3, 3]
        pixels = np.stack([camera.project(origin) for camera in cameras])
        whole = np.abs(pixels - 127.5).max(axis=(0, 2)) < 127.5 - 50
        errors.append(distance(poses, rig.trajectory.base_from_tool)[0][whole])
    metres = np.concatenate(errors)
    assert len(metres) > 20
    assert np.median(metres) < (1.8 - 0.3) / DEPTHS
