"""The frame decoder's own lesson: episodes painted over their first pictures, from what the model imagines of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from foundation.camera import Camera
from foundation.trajectory import Scene, View
from model.action_rendering_torch import render_torch
from model.arm_drawing import arm_joints, draw_arm
from model.embedded.curriculum import Painting
from model.embedded.shots import Shots
from model.generation import Generated
from model.together import Question, generate_together
from model.training.codec_objectives import Paintings

_TOGETHER = 8  # episodes imagined in one pass
# In any channel, of values from -1 to 1, by which a pixel differs from the first frame where something has moved (12 of
# 255, as the judge counts it).
_MOVED = 0.094
_SPOILT = 0.02  # standard deviation of the noise on the coarse pictures, so that their grain is not trusted


@dataclass(frozen=True, eq=False)
class Sketches:
    """What the model imagines of E episodes, in one step: `coarse` (E, V, T, H, W, 3) uint8, and the motion that is
    read from it, `base_from_tool` (E, T, 4, 4) and `openness` (E, T); where nothing can be read, the true motion.
    `joints` and `true_joints` (E, T, 7): the arm's in that motion and in the true one (see `arm_joints`)."""

    coarse: np.ndarray
    base_from_tool: np.ndarray
    openness: np.ndarray
    joints: np.ndarray
    true_joints: np.ndarray


def sketches(pipeline: Any, episodes: Shots, count: int) -> Sketches:
    """The joint videos of the first `count` episodes, each asked for by its own instruction."""
    count = min(count, len(episodes))
    coarse, poses, openness = [], [], []
    decoder, pipeline.frame_decoder = pipeline.frame_decoder, None
    try:
        for at in range(0, count, _TOGETHER):
            some = range(at, min(at + _TOGETHER, count))
            for number, made in zip(some, _imagined(pipeline, episodes, some), strict=True):
                assert made.rgb is not None and made.decoded is not None
                coarse.append(made.rgb[0])
                read = made.decoded[0].trajectory
                known = read.known.any()
                poses.append(read.at(made.times).base_from_tool if known else episodes.base_from_tool[number])
                openness.append(read.at(made.times).openness if known else episodes.openness[number])
    finally:
        pipeline.frame_decoder = decoder
    arms = [np.stack([arm_joints(one) for one in motions]) for motions in (poses, episodes.base_from_tool[:count])]
    values = (np.stack(poses), np.stack(openness), *arms)
    return Sketches(np.stack(coarse), *(value.astype(np.float32) for value in values))


def kept_sketches(path: Path, pipeline: Any, episodes: Shots, count: int) -> Sketches:
    """The sketches in a file, which are made and written when it is not there."""
    if not path.exists():
        made = sketches(pipeline, episodes, count)
        part = path.with_name(f".{path.name}.part")
        with part.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **vars(made))
        part.replace(path)
    with np.load(path, allow_pickle=False) as arrays:
        return Sketches(**dict(arrays))


@dataclass(frozen=True, eq=False)
class PaintingBatches:
    """Batches (see training.batches.Batches) of `painting.batch` Paintings, one view of an episode each.

    A share of them, `painting.imagined`, has the imagined motion, the others the true one; what moves counts
    `painting.moved_weight` times more. A decoder that uses no previous frame learns more from one frame of each
    episode, and the first, than from all frames of a few.
    """

    episodes: Shots
    sketches: Sketches
    painting: Painting
    seed: int
    sigma: float

    def __call__(self, first: int, process: int, processes: int) -> Iterator[Paintings]:
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
    ) -> Paintings:
        """One view each of `some` (B,) episodes, their `frames` (B, n), the first among them first."""
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
        moved = ((video - video[:, :, :1]).abs().amax(dim=1, keepdim=True) > _MOVED).float()
        weight = 1.0 + self.painting.moved_weight * moved
        arm = None
        if self.painting.sees_arm:
            seen = [_camera(episodes, int(scene), int(view)) for scene, view in zip(scenes, views, strict=True)]
            arm = _arms(motion(read.joints, read.true_joints), openness, seen)
        return Paintings(video, images.movedim(-1, 1) * 2.0 - 1.0, coarse, weight, arm)


def _arms(joints: np.ndarray, openness: np.ndarray, cameras: Sequence[Camera]) -> torch.Tensor:
    """(B, 3, n, H, W): the arms as sticks, each seen by its own camera."""
    drawn = [draw_arm(q, width, [camera])[0] for q, width, camera in zip(joints, openness, cameras, strict=True)]
    return torch.from_numpy(np.stack(drawn)).movedim(-1, 1)


def _imagined(pipeline: Any, episodes: Shots, some: range) -> list[Generated]:
    questions = [Question(episodes.instructions[number][0], _scene(episodes, number), seed=number) for number in some]
    return generate_together(pipeline, questions, "joint", num_inference_steps=1)


def _scene(episodes: Shots, number: int) -> Scene:
    """How the episode began."""
    scene = int(episodes.scene[number])
    views = tuple(View(_camera(episodes, scene, v), episodes.rgb[scene, v, 0], 0.0) for v in range(episodes.views))
    return Scene(views, episodes.base_from_tool[number, 0], float(episodes.openness[number, 0]))


def _camera(episodes: Shots, scene: int, view: int) -> Camera:
    height, width = episodes.size
    return Camera(f"view {view}", width, height, episodes.K[scene, view], episodes.base_from_camera[scene, view])


def _video(pictures: np.ndarray) -> torch.Tensor:
    """(B, 3, T, H, W) in [-1, 1] from (B, T, H, W, 3) uint8."""
    return torch.from_numpy(pictures).float().movedim(-1, 1) / 127.5 - 1.0
