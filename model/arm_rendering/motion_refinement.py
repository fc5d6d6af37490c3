"""A motion that was read from a video, made more exact: it is moved until what is painted of it looks like the video.

Who can say how a motion would look can also say how to change it so that it looks like what was filmed: the pictures'
differences are brought down by Gauss-Newton steps, as in image alignment (Lucas and Kanade 1981; Baker and Matthews,
"Lucas-Kanade 20 Years On", 2004), but through the frame decoder and over the tool's pose instead of a patch's place.
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

# Of a pose: x, y, z in m, and the turn about x, y, z in rad, of base.
_STEPS = np.array([0.006] * 3 + [0.06] * 3)  # by which the slopes are measured
_USUAL = np.array([0.02] * 3 + [0.15] * 3)  # how far what was read is usually off; it holds what no picture shows
_MOST = np.array([0.025] * 3 + [0.2] * 3)  # in one round
_BLURS = (9, 5, 1, 1)  # px, in each round: from coarse, which sees further, to fine
ROUNDS = len(_BLURS)
_NOISE = 0.1  # by which a painted pixel may differ; what differs more counts less: things that nobody could foresee
_ALIKE = 2.0  # pixels that are wrong together
_CHOICE = 5, 0.5, 3  # how a start is chosen: blur in px, noise, and frames that are judged as one


def refine_motion(
    paint: Paint, video: torch.Tensor, starts: Sequence[Trajectory], on_round: Callable[[], None]
) -> Trajectory:
    """A motion nearer to a `video` (V, 3, T, H, W) in [-1, 1] than any of the `starts`, whose T frames are all known.

    Every frame begins as the one that looks most like the video there, and keeps its openness; the first frame stays as
    the first of them has it. `on_round` is called before every round, and ends the fit by raising.
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
    """In each frame the one that looks most like the video there and just before and after."""
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
    """How to change the poses (T, 6), from videos (7, V, 3, T, H, W): as they are, and each value a step further."""
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
    """Videos (N, V, 3, T, H, W), each pixel the mean of `width` x `width`, an odd number."""
    flat = videos.flatten(0, 3).unsqueeze(1)
    return torch.nn.functional.avg_pool2d(flat, width, stride=1, padding=width // 2).reshape(videos.shape)


def _changed(motion: Trajectory, changes: np.ndarray) -> Trajectory:
    """The motion with its tool moved and turned by `changes` (T, 6)."""
    poses = motion.base_from_tool.copy()
    poses[:, :3, 3] += changes[:, :3]
    poses[:, :3, :3] = Rotation.from_rotvec(changes[:, 3:]).as_matrix() @ poses[:, :3, :3]
    return replace(motion, base_from_tool=poses)
