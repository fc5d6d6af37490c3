"""Refinement of a decoded motion by analysis-by-synthesis: it is adjusted until its rendering matches the video.

The photometric error is minimised by Gauss-Newton, as in image alignment (Lucas and Kanade 1981; Baker and Matthews,
"Lucas-Kanade 20 Years On", 2004), but through the frame decoder and over the tool's pose instead of a patch's position.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from scipy.ndimage import uniform_filter1d
from scipy.spatial.transform import Rotation

from foundation.trajectory import Trajectory

Paint = Callable[[Sequence[Trajectory]], torch.Tensor]
"""N motions of T frames to videos (N, V, 3, T, H, W) in [-1, 1]."""

# Pose parameters: x, y, z in m, and the rotation about x, y, z in rad, in base.
_STEPS = np.array([0.006] * 3 + [0.06] * 3)  # finite-difference steps
_USUAL = np.array([0.02] * 3 + [0.15] * 3)  # prior std of the decoded pose, for what no image shows
_MOST = np.array([0.025] * 3 + [0.2] * 3)  # maximum step in one round
_BLURS = (9, 5, 1, 1)  # px, in each round: coarse to fine, for a wide basin of convergence first
ROUNDS = len(_BLURS)
_NOISE = 0.1  # robust scale of a pixel's residual; larger residuals count less, e.g. of unforeseen objects
_ALIKE = 2.0  # number of pixels with correlated errors
_CHOICE = 5, 0.5, 3  # selection of a start: blur in px, noise, and number of frames scored together


def refine_motion(
    paint: Paint, video: torch.Tensor, starts: Sequence[Trajectory], on_round: Callable[[], None]
) -> Trajectory:
    """Refine a motion to match a `video` (V, 3, T, H, W) in [-1, 1] better than any of the `starts`.

    All T frames of the starts are known. Every frame is initialised with the best matching start, and keeps its
    openness; the first frame stays that of the first start. `on_round` runs before every round, and aborts by raising.
    """
    motion = _chosen(paint, video, starts)
    changes = np.zeros((len(motion), 6))
    for blur in _BLURS:
        on_round()
        tried = [changes, *(changes + np.eye(6)[i] * _STEPS for i in range(6))]
        painted = _blurred(paint([_changed(motion, some) for some in tried]), blur)
        changes = changes + _better(painted, _blurred(video[None], blur)[0], changes)
    return _changed(motion, changes)


def _chosen(paint: Paint, video: torch.Tensor, starts: Sequence[Trajectory]) -> Trajectory:
    """Select per frame the start that matches the video best in that frame and its neighbours."""
    if len(starts) == 1:
        return starts[0]
    blur, noise, together = _CHOICE
    off = _blurred(paint(starts), blur) - _blurred(video[None], blur)
    unlike = torch.log1p((off / noise) ** 2).sum(dim=(1, 2, 4, 5)).cpu().numpy()  # (starts, T)
    best = uniform_filter1d(unlike, together, axis=1, mode="nearest").argmin(axis=0)
    best[0] = 0
    poses, openness = (np.stack([getattr(start, name) for start in starts]) for name in ("base_from_tool", "openness"))
    frames = np.arange(len(best))
    return replace(starts[0], base_from_tool=poses[best, frames], openness=openness[best, frames])


def _better(painted: torch.Tensor, video: torch.Tensor, changes: np.ndarray) -> np.ndarray:
    """Return the Gauss-Newton step (T, 6) from videos (7, V, 3, T, H, W): as is, and with each parameter perturbed."""
    off = painted[0] - video
    steps = torch.from_numpy(_STEPS).to(off)
    slopes = (painted[1:] - painted[0]) / steps.reshape(6, 1, 1, 1, 1, 1)
    weight = 1.0 / (1.0 + (off / _NOISE) ** 2) / (_NOISE**2 * _ALIKE)
    usual = torch.from_numpy(_USUAL**-2.0).to(off)
    matrix = torch.einsum("avcthw,bvcthw,vcthw->tab", slopes, slopes, weight) + torch.diag(usual)
    vector = torch.einsum("avcthw,vcthw,vcthw->ta", slopes, off, weight) + usual * torch.from_numpy(changes).to(off)
    step = -torch.linalg.solve(matrix, vector[..., None])[..., 0].cpu().numpy()
    step /= np.maximum(np.abs(step / _MOST).max(axis=1, keepdims=True), 1.0)
    step[0] = 0.0
    return step


def _blurred(videos: torch.Tensor, width: int) -> torch.Tensor:
    """Box-filter videos (N, V, 3, T, H, W) with a `width` x `width` kernel, `width` odd."""
    flat = videos.flatten(0, 3).unsqueeze(1)
    return torch.nn.functional.avg_pool2d(flat, width, stride=1, padding=width // 2).reshape(videos.shape)


def _changed(motion: Trajectory, changes: np.ndarray) -> Trajectory:
    """Apply the pose increments `changes` (T, 6) to the motion."""
    poses = motion.base_from_tool.copy()
    poses[:, :3, 3] += changes[:, :3]
    poses[:, :3, :3] = Rotation.from_rotvec(changes[:, 3:]).as_matrix() @ poses[:, :3, :3]
    return replace(motion, base_from_tool=poses)
