"""Training of the frame decoder: episodes rendered over their first frames, conditioned on the model's predictions.

Batches of the frame decoder's lesson, with random augmentation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import nn

from foundation.camera import Camera
from model.action_images.rendering_torch import render_torch
from model.arm_rendering.drawing import CHANNELS, draw_arm, fingers_seen
from model.arm_rendering.grasped_object_warp import draw_grasped_object
from model.embedded.curriculum import FrameDecoderLesson
from model.embedded.predicted_clips import PredictedClips, camera_of
from model.embedded.scene_data import SceneData
from model.training.codec_objectives import FrameDecoderBatch

_RECOLOURED, _ZOOMED, _NEARER = 0.5, 0.6, 1.5  # fractions of the samples, and the largest zoom


def augmented(paintings: FrameDecoderBatch, generator: np.random.Generator) -> FrameDecoderBatch:
    """Augment the samples randomly: mirrored, zoomed by up to half and with permuted colours.

    A few hundred episodes have few tables and lights; without augmentation a decoder overfits (23 dB on held-out
    episodes, 26 on the training ones).
    """
    names = ("video", "action", "coarse", "arm", "carried")
    parts = {name: getattr(paintings, name) for name in names if getattr(paintings, name) is not None}
    count = len(paintings)
    order = np.where(generator.random((count, 1)) < _RECOLOURED, _permutations(generator, count), np.arange(3))
    for name, red in (("video", 0), ("coarse", 0), ("carried", 0), ("arm", CHANNELS - 3)):
        if name in parts:
            part = parts[name]
            colours = part[:, red : red + 3]
            mixed = torch.stack([one[torch.from_numpy(o)] for one, o in zip(colours, order, strict=True)])
            parts[name] = torch.cat([part[:, :red], mixed, part[:, red + 3 :]], dim=1)
    zoom = np.where(generator.random(count) < _ZOOMED, generator.uniform(1.0, _NEARER, count), 1.0)
    side = np.where(generator.random(count) < 0.5, -1.0, 1.0)
    shift = generator.uniform(-1, 1, (count, 2)) * (1.0 - 1.0 / zoom)[:, None]
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = torch.from_numpy(side / zoom).float(), torch.from_numpy(1.0 / zoom).float()
    theta[:, :, 2] = torch.from_numpy(shift).float()
    stacked = torch.cat(list(parts.values()), dim=1)
    flat = stacked.movedim(2, 1).flatten(1, 2)  # (B, n * C, H, W)
    grid = nn.functional.affine_grid(theta, list(flat.shape), align_corners=False)
    seen = nn.functional.grid_sample(flat, grid, padding_mode="border", align_corners=False)
    seen = seen.unflatten(1, (stacked.shape[2], stacked.shape[1])).movedim(1, 2)
    split = torch.split(seen, [part.shape[1] for part in parts.values()], dim=1)
    return replace(paintings, **dict(zip(parts, split, strict=True)))


def _permutations(generator: np.random.Generator, count: int) -> np.ndarray:
    """Return (count, 3) permutations of three colours."""
    return generator.permuted(np.tile(np.arange(3), (count, 1)), axis=1)


# Difference to the first frame, in any channel with values from -1 to 1, above which a pixel counts as moved (12 of
# 255, as in the evaluation).
_MOVED = 0.094
_SPOILT = 0.02  # standard deviation of the noise added to the coarse frames, so that their grain is not trusted


@dataclass(frozen=True, eq=False)
class FrameDecoderBatches:
    """Batches (see training.batches.Batches) of `painting.batch` samples, one view of an episode each.

    A fraction `painting.imagined` has the predicted motion, the others the true one; moving pixels are weighted
    `painting.moved_weight` times more. A decoder without the previous frame as input learns more from one frame of each
    episode, and the first, than from all frames of a few.
    """

    episodes: SceneData
    sketches: PredictedClips
    painting: FrameDecoderLesson
    seed: int
    sigma: float
    _arms: np.ndarray = field(init=False, repr=False)
    _drawn: np.ndarray = field(init=False, repr=False)

    def __post_init__(self):
        episodes = len(self.sketches.coarse), self.episodes.views, self.episodes.frames
        # One block, of which the system allocates only the pages written: thousands of small arrays kept between large
        # short-lived ones would fragment the heap and take many times their own memory.
        object.__setattr__(self, "_arms", np.zeros((*episodes, 2, *self.episodes.size, CHANNELS), np.uint8))
        object.__setattr__(self, "_drawn", np.zeros((*episodes, 2), bool))

    def __call__(self, first: int, process: int, processes: int) -> Iterator[FrameDecoderBatch]:
        batch, T = self.painting.batch, self.episodes.frames
        share = batch // processes
        while True:
            generator = np.random.default_rng([self.seed, first, 0xF4A])
            chosen = generator.integers(len(self.sketches.coarse), size=batch)
            views = generator.integers(self.episodes.views, size=batch)
            imagined = generator.random(batch) < self.painting.imagined
            frames = np.tile(np.arange(T), (batch, 1))
            if not self.painting.uses_previous:
                frames = np.stack([np.zeros(batch, int), generator.integers(1, T, size=batch)], axis=1)
            own = slice(process * share, (process + 1) * share)
            yield self._paintings(chosen[own], views[own], frames[own], imagined[own], generator)
            first += 1

    @torch.no_grad()
    def _paintings(
        self,
        some: np.ndarray,
        views: np.ndarray,
        frames: np.ndarray,
        imagined: np.ndarray,
        generator: np.random.Generator,
    ) -> FrameDecoderBatch:
        """Build samples of `some` (B,) episodes, one view each, from their `frames` (B, n), the first frame first."""
        episodes, read, each = self.episodes, self.sketches, np.arange(len(some))[:, None]
        scenes = episodes.scene[some]
        video = _video(episodes.rgb[scenes[:, None], views[:, None], frames])
        coarse = _video(read.coarse[some[:, None], views[:, None], frames])
        grain = torch.from_numpy(generator.normal(0.0, _SPOILT, coarse.shape)).float()
        coarse = (coarse + grain).clamp_(-1.0, 1.0)
        coarse[:, :, 0] = video[:, :, 0]

        def motion(imagined_: np.ndarray, true: np.ndarray) -> np.ndarray:
            which = imagined.reshape(-1, *(1,) * (true.ndim - 1))
            return np.where(which, imagined_[some], true[some])[each, frames]

        tools = motion(read.base_from_tool, episodes.base_from_tool)
        openness = motion(read.openness, episodes.openness)
        K, cameras = episodes.K[scenes, views][:, None], episodes.base_from_camera[scenes, views][:, None]
        images = render_torch(
            torch.from_numpy(tools).float(),
            torch.from_numpy(openness).float(),
            torch.from_numpy(K).float(),
            torch.from_numpy(cameras).float(),
            episodes.size,
            sigma=self.sigma,
        )[:, 0]
        arm = carried = None
        seen = [camera_of(episodes, int(scene), int(view)) for scene, view in zip(scenes, views, strict=True)]
        if self.painting.sees_arm:
            samples = zip(some, views, frames, imagined, strict=True)
            arms = [[self._arm(int(n), int(v), int(t), bool(other)) for t in shown] for n, v, shown, other in samples]
            arm = torch.from_numpy(np.array(arms)).float().movedim(-1, 1) / 255.0
        if self.painting.sees_carried:
            whole = [(read if other else episodes, int(n)) for n, other in zip(some, imagined, strict=True)]
            firsts = episodes.rgb[scenes, views, 0]
            carried = _carried(firsts, [(m.base_from_tool[n], m.openness[n]) for m, n in whole], seen, frames)
        made = FrameDecoderBatch(video, images.movedim(-1, 1) * 2.0 - 1.0, coarse, None, arm, carried)
        made = augmented(made, generator) if self.painting.varied else made
        moved = ((made.video - made.video[:, :, :1]).abs().amax(dim=1, keepdim=True) > _MOVED).float()
        return replace(made, weight=1.0 + self.painting.moved_weight * moved)

    def _arm(self, number: int, view: int, frame: int, imagined: bool) -> np.ndarray:
        """Render the arm in one frame, (H, W, 6) uint8, cached; rendering takes as long as the decoder's own pass."""
        key = (number, view, frame, int(imagined))
        if not self._drawn[key]:
            episodes, read = self.episodes, self.sketches
            joints, openness = (read.joints, read.openness) if imagined else (read.true_joints, episodes.openness)
            fingers = fingers_seen(openness[number])[[frame]]
            light = read.light[number] if np.isfinite(read.light[number]).all() else None
            camera = camera_of(episodes, int(episodes.scene[number]), view)
            shown = joints[number, [frame]], fingers, [camera], light, read.colours[number]
            self._arms[key] = np.round(255.0 * draw_arm(*shown)[0, 0])
            self._drawn[key] = True
        return self._arms[key]


def _carried(
    firsts: np.ndarray, motions: list[tuple[np.ndarray, np.ndarray]], cameras: Sequence[Camera], frames: np.ndarray
) -> torch.Tensor:
    """Render the grasped objects of whole motions, each by its own camera, in the `frames` (B, n): (B, 5, n, H, W)."""
    drawn = [
        draw_grasped_object(first[None], *motion, [camera], some)[0]
        for first, motion, camera, some in zip(firsts, motions, cameras, frames, strict=True)
    ]
    return torch.from_numpy(np.stack(drawn)).movedim(-1, 1)


def _video(pictures: np.ndarray) -> torch.Tensor:
    """Convert (B, T, H, W, 3) uint8 to (B, 3, T, H, W) in [-1, 1]."""
    return torch.from_numpy(pictures).float().movedim(-1, 1) / 127.5 - 1.0
