"""Camera rays: the release's axes, and the same world whatever the base frame."""

from dataclasses import replace

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from foundation.camera import Camera, camera_at, pinhole
from foundation.poses import from_rpy, invert, pose
from model.networks.plucker_rays import MOMENT_SCALE, camera_rays, token_rays

RIG = (
    camera_at("front", 24, 16, 0.9, [1.0, 0.1, 0.7], [0.4, 0, 0.1]),
    camera_at("side", 24, 16, 0.8, [0.4, 0.9, 0.5], [0.4, 0, 0.2]),
)


def rlbench_rays(camera: Camera, first: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Return d and m (H, W, 3) as the release defines them: poses and K converted to RLBench's axes first."""
    turn = np.diag([-1.0, -1.0, 1.0, 1.0])
    relative = invert(first.base_from_camera @ turn) @ camera.base_from_camera @ turn
    K = camera.K.copy()
    K[0, 0], K[1, 1] = -K[0, 0], -K[1, 1]
    v, u = np.mgrid[: camera.height, : camera.width].astype(float)
    d = np.stack([u, v, np.ones_like(u)], axis=-1) @ np.linalg.inv(K).T @ relative[:3, :3].T
    d /= np.linalg.norm(d, axis=-1, keepdims=True)
    return d, np.cross(np.broadcast_to(relative[:3, 3], d.shape), d)


def test_in_the_axes_of_the_release():
    rays = camera_rays(RIG).double().numpy()
    assert rays.shape == (2, 1, 16, 24, 6)
    for view, camera in enumerate(RIG):
        d, m = rlbench_rays(camera, RIG[0])
        np.testing.assert_allclose(rays[view, 0, ..., :3], d, atol=1e-6)
        np.testing.assert_allclose(rays[view, 0, ..., 3:], m * MOMENT_SCALE, atol=1e-6)
    np.testing.assert_allclose(rays[0, 0, ..., 3:], 0, atol=1e-7)  # the first camera is the origin


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=3), st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_the_base_frame_does_not_matter(position, rpy):
    moved = from_rpy(np.array(position), np.array(rpy))
    elsewhere = [replace(camera, base_from_camera=moved @ camera.base_from_camera) for camera in RIG]
    np.testing.assert_allclose(camera_rays(elsewhere), camera_rays(RIG), atol=2e-6)


def test_rays_meet_in_the_point_that_both_views_show():
    point = np.array([0.45, 0.05, 0.15])
    first_from_base = invert(RIG[0].base_from_camera)
    seen = (first_from_base[:3, :3] @ point + first_from_base[:3, 3]) * [-1, -1, 1]
    for camera in RIG:
        u, v = camera.project(point)
        one = replace(camera, width=1, height=1, K=camera.K - np.array([[0, 0, u], [0, 0, v], [0, 0, 0]]))
        ray = camera_rays([replace(RIG[0], width=1, height=1), one])[1, 0, 0, 0].double().numpy()
        d, m = ray[:3], ray[3:] / MOMENT_SCALE
        np.testing.assert_allclose(np.cross(seen, d), m, atol=1e-6)


def test_token_rays_are_those_of_the_cells_middles():
    latent = token_rays(RIG, (2, 3), latent_frames=4, stride=4)
    assert latent.shape == (2, 4, 6, 2, 3)
    assert torch.equal(latent[:, 0], latent[:, 3])
    pixels = np.array([[3.5, 3.5], [3.5 + 8, 3.5 + 8]])  # the centres of 8 x 8 cells
    _, directions = RIG[0].rays(pixels)
    turn = np.diag([-1.0, -1.0, 1.0]) @ RIG[0].base_from_camera[:3, :3].T
    np.testing.assert_allclose(latent[0, 0, :3, [0, 1], [0, 1]].numpy(), turn @ directions.T, atol=1e-6)


def test_a_moving_camera():
    poses = np.stack([RIG[1].base_from_camera @ pose(position=np.array([0.01 * t, 0, 0])) for t in range(5)])
    moving = replace(RIG[1], base_from_camera=poses)
    rays = camera_rays([RIG[0], moving])
    assert rays.shape == (2, 5, 16, 24, 6)
    for t in (0, 4):
        still = camera_rays([RIG[0], replace(RIG[1], base_from_camera=poses[t])])
        torch.testing.assert_close(rays[:, t], still[:, 0])
    latent = token_rays([RIG[0], moving], (2, 3), latent_frames=2, stride=4)
    small = [camera.resized(3, 2) for camera in (RIG[0], moving)]
    torch.testing.assert_close(latent[:, 1], camera_rays(small)[:, 4].permute(0, 3, 1, 2))


def test_pinhole_pixels_stand_at_integers():
    camera = Camera("c", 3, 3, pinhole(3, 3, 1.0), np.eye(4))
    middle = camera_rays([camera])[0, 0, 1, 1]
    assert torch.equal(middle, torch.tensor([0.0, 0, 1, 0, 0, 0]))
