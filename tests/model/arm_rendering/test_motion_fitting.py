"""Motion fitted to a video: its accuracy, what it leaves unchanged, and its cancellation."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from foundation.camera import camera_at
from foundation.poses import from_rpy
from foundation.trajectory import Trajectory
from model.arm_rendering.motion_refinement import refine_motion

CAMERAS = tuple(camera_at(f"view {y}", 48, 48, 0.8, (1.1, y, 0.5), (0.4, 0.0, 0.1)) for y in (0.6, -0.6))
DOTS = np.array([[0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.0, 0.0, -0.08]])  # m in tool
FRAMES = 7


def paint(motions: Sequence[Trajectory]) -> torch.Tensor:
    """Render three soft dots of different colours on the tool, as each camera sees them."""
    y, x = np.mgrid[:48, :48]
    videos = np.full((len(motions), len(CAMERAS), 3, FRAMES, 48, 48), -0.5)
    for n, motion in enumerate(motions):
        for t, pose in enumerate(motion.base_from_tool):
            for v, camera in enumerate(CAMERAS):
                for colour, dot in enumerate(DOTS):
                    u, w = camera.project(pose[:3, :3] @ dot + pose[:3, 3])
                    videos[n, v, colour, t] += np.exp(-((x - u) ** 2 + (y - w) ** 2) / 18.0)
    return torch.from_numpy(videos).float()


def motion() -> Trajectory:
    poses = [from_rpy(np.array([0.35 + 0.02 * t, 0.02 * t, 0.15]), np.array([np.pi, 0, 0.1 * t])) for t in range(7)]
    return Trajectory(0.2 * np.arange(FRAMES), np.stack(poses), np.ones(FRAMES))


def shifted(true: Trajectory) -> Trajectory:
    """Return the motion with all but its first frame some 15 mm and 8 degrees off."""
    generator = np.random.default_rng(0)
    poses = true.base_from_tool.copy()
    poses[1:, :3, 3] += generator.uniform(-0.015, 0.015, (FRAMES - 1, 3))
    turns = Rotation.from_euler("z", generator.uniform(-0.15, 0.15, (FRAMES - 1, 1))).as_matrix()
    poses[1:, :3, :3] = turns @ poses[1:, :3, :3]
    return replace(true, base_from_tool=poses)


def test_what_was_read_comes_nearer_to_the_video():
    true, rounds = motion(), []
    video = paint([true])[0] + 0.03 * torch.randn((2, 3, FRAMES, 48, 48), generator=torch.Generator().manual_seed(0))
    fitted = refine_motion(paint, video, [shifted(true)], lambda: rounds.append(1))
    assert np.array_equal(fitted.base_from_tool[0], true.base_from_tool[0])
    assert np.linalg.norm(fitted.base_from_tool[:, :3, 3] - true.base_from_tool[:, :3, 3], axis=1).max() < 0.003
    turns = np.swapaxes(fitted.base_from_tool[:, :3, :3], 1, 2) @ true.base_from_tool[:, :3, :3]
    assert Rotation.from_matrix(turns).magnitude().max() < 0.08  # of up to 0.15
    assert 2 < len(rounds) < 10


def test_every_frame_begins_where_a_start_looks_most_like_the_video():
    true = motion()
    lost, near = true.base_from_tool.copy(), shifted(true).base_from_tool.copy()
    lost[1:4, 2, 3] += 0.2
    near[5:, 1, 3] -= 0.2
    starts = [replace(true, base_from_tool=lost), replace(true, base_from_tool=near)]
    fitted = refine_motion(paint, paint([true])[0], starts, lambda: None)
    assert np.linalg.norm(fitted.base_from_tool[:, :3, 3] - true.base_from_tool[:, :3, 3], axis=1).max() < 0.003


def test_where_the_pictures_say_nothing_it_stays():
    read = shifted(motion())
    empty = torch.zeros(2, 3, FRAMES, 48, 48)
    fitted = refine_motion(lambda some: empty.expand(len(some), *empty.shape), empty, [read], lambda: None)
    assert fitted.base_from_tool == pytest.approx(read.base_from_tool, abs=1e-9)


def test_it_can_be_stopped():
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        refine_motion(paint, paint([motion()])[0], [motion()], stop)
