"""A motion that was read from a video, made more exact: it is moved until what is painted of it looks like the video.

Who can say how a motion would look can also say how to change it so that it looks like what was filmed: the pictures'
differences are brought down by Gauss-Newton steps, as in image alignment (Lucas and Kanade 1981; Baker and Matthews,
"Lucas-Kanade 20 Years On", 2004), but through the frame decoder and over the tool's pose instead of a patch's place.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from foundation.trajectory import Trajectory

Paint = Callable[[Sequence[Trajectory]], torch.Tensor]
"""N motions of T frames to videos (N, V, 3, T, H, W) in [-1, 1]."""

# Of a pose: x, y, z in m, and the turn about x, y, z in rad, of base.
_STEPS = np.array([0.006] * 3 + [0.06] * 3)  # by which the slopes are measured
_USUAL = np.array([0.02] * 3 + [0.15] * 3)  # how far what was read is usually off; it holds what no picture shows
_MOST = np.array([0.025] * 3 + [0.2] * 3)  # in one round
_BLURS = (9, 5, 5, 1)  # px, in each round: from coarse, which sees further, to fine
_NOISE = 0.5  # by which a painted pixel may differ; what differs more counts less
_ALIKE = 2.0  # pixels that are wrong together


def fit_motion(paint: Paint, video: torch.Tensor, motion: Trajectory, on_round: Callable[[], None]) -> Trajectory:
    """The motion, all of whose T frames are known and the first of which is left as it is, nearer to a `video`
    (V, 3, T, H, W) in [-1, 1]. `on_round` is called before every round, and ends the fit by raising."""
    changes = np.zeros((len(motion), 6))
    for blur in _BLURS:
        on_round()
        tried = [changes, *(changes + np.eye(6)[i] * _STEPS for i in range(6))]
        painted = _blurred(paint([_changed(motion, some) for some in tried]), blur)
        changes = changes + _better(painted, _blurred(video[None], blur)[0], changes)
    return _changed(motion, changes)


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
