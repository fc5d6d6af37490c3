"""Rendering through torch: the same images, with correct gradients."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from benchmarks.action_images.rigs import random_rig
from foundation.camera import Camera
from foundation.poses import pose
from model.action_images.rendering import render
from model.action_images.rendering_torch import camera_tensors, render_torch


def tensors(seed: int = 0, size: int = 48, frames: int = 3):
    rig = random_rig(np.random.default_rng(seed), frames, 2)
    cameras = rig.at(size)
    poses = torch.tensor(rig.trajectory.base_from_tool.copy())
    openness = torch.tensor(rig.trajectory.openness.copy())
    return rig.trajectory, cameras, poses, openness, *camera_tensors(cameras, dtype=torch.float64)


def test_it_draws_what_numpy_draws_in_batches():
    for seed in range(3):
        trajectory, cameras, poses, openness, K, base_from_camera = tensors(seed)
        batch = render_torch(poses.expand(4, -1, -1, -1), openness.expand(4, -1), K, base_from_camera, (48, 48))
        assert batch.shape == (4, 2, 3, 48, 48, 3)
        expected = render(trajectory, cameras)
        assert np.abs(batch[2].numpy() - expected).max() < 1e-5


def test_each_sample_may_have_its_own_cameras():
    first, second = tensors(0), tensors(1)
    poses, openness, K, base_from_camera = (torch.stack([a, b]) for a, b in zip(first[2:], second[2:], strict=True))
    batch = render_torch(poses, openness, K, base_from_camera, (48, 48))
    for one, images in zip((first, second), batch, strict=True):
        assert np.abs(images.numpy() - render(one[0], one[1])).max() < 1e-5


def test_a_moving_camera():
    trajectory, cameras, poses, openness, _, _ = tensors()
    still, other = cameras
    path = pose(position=np.linspace([0, 0, 0], [0.02, 0, 0.02], 3))
    moving = Camera("wrist", 48, 48, other.K, path @ other.base_from_camera)
    K, base_from_camera = camera_tensors([still, moving], dtype=torch.float64)
    assert base_from_camera.shape == (2, 3, 4, 4)
    images = render_torch(poses, openness, K, base_from_camera, (48, 48))
    assert np.abs(images.numpy() - render(trajectory, [still, moving])).max() < 1e-5
    longer = Camera("other", 48, 48, other.K, np.repeat(other.base_from_camera[None], 5, axis=0))
    with pytest.raises(ValueError, match="same number of poses"):
        camera_tensors([moving, longer])


def test_gradients_are_the_finite_differences():
    """Compare the gradients of a smooth sum over the image; blue only inside its blob, whose edge is a step."""
    _, _, poses, openness, K, base_from_camera = tensors(frames=2)
    weights = torch.tensor(np.random.default_rng(0).normal(size=(2, 2, 48, 48, 3)))
    with torch.no_grad():
        weights *= render_torch(poses, openness, K, base_from_camera, (48, 48)) > torch.tensor([0.0, 0.0, 0.4])

    def total(position: torch.Tensor, rotation: torch.Tensor) -> torch.Tensor:
        moved = torch.cat([torch.cat([rotation, position[..., None]], dim=-1), poses[:, 3:]], dim=-2)
        return (weights * render_torch(moved, openness, K, base_from_camera, (48, 48))).sum()

    position = poses[:, :3, 3].clone().requires_grad_()
    rotation = poses[:, :3, :3].clone().requires_grad_()
    assert torch.autograd.gradcheck(total, (position, rotation), eps=1e-7, atol=1e-3, rtol=1e-4)


def test_descent_on_the_pictures_finds_the_pose():
    _, _, poses, openness, K, base_from_camera = tensors(frames=1)
    target = render_torch(poses, openness, K, base_from_camera, (48, 48))
    offset = torch.tensor([0.012, -0.01, 0.008], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([offset], lr=1e-3)
    for _ in range(150):
        moved = poses.clone()
        moved[:, :3, 3] = poses[:, :3, 3] + offset
        loss = (render_torch(moved, openness, K, base_from_camera, (48, 48)) - target).square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert offset.detach().norm() < 1e-3


def test_a_point_behind_the_camera_is_empty_and_has_no_gradient():
    _, _, poses, openness, K, base_from_camera = tensors(frames=1)
    behind = poses.clone()
    behind[:, :3, 3] = base_from_camera[0, :3, 3] - base_from_camera[0, :3, 2]
    behind.requires_grad_()
    images = render_torch(behind, torch.zeros_like(openness), K[:1], base_from_camera[:1], (48, 48))
    assert images.abs().max() == 0
    images.sum().backward()
    assert behind.grad is not None and behind.grad.isfinite().all()


def test_the_numpy_path_needs_no_torch():
    script = "import sys, model.action_images; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
