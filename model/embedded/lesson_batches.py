"""Batches of a lesson from shots: chosen, drawn and encoded while training goes on, the same for the same number."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from model.action_rendering_torch import render_torch
from model.canvas import relative_to_still
from model.codec import ACTION, RGB
from model.embedded.shots import Shots
from model.linear_codec import LinearCodec
from model.rays import plucker_rays
from model.training.batches import Batch
from model.training.layouts import OneView


@dataclass(frozen=True)
class Sampling:
    """How samples are drawn: `batch` of them at once; `views` per sample; `excerpt` later action frames of one view
    ("one_view" lessons), not before `earliest`, 0 for all of them on the whole canvas; `without_present` as in
    layouts.OneView; `kinds` with their weights, empty for all alike; `jitter`: brightness and colour of the pictures,
    at most by this share."""

    batch: int
    views: int = 1
    excerpt: int = 0
    earliest: int = 1
    slots: int = 3
    without_present: bool = False
    kinds: tuple[tuple[str, float], ...] = ()
    jitter: float = 0.15


class LessonBatches:
    """Batches (see training.batches.Batches) of `sampling` from `shots`; seeded with `seed` and the batch's number.

    Neighbouring samples are pairs: one scene, the same views, another thing or task where the scene has one. So the
    words alone decide, and they have to be learnt.
    """

    def __init__(self, shots: Shots, codec: LinearCodec, sampling: Sampling, seed: int, *, sigma: float):
        self.shots, self.codec, self.sampling, self.seed, self.sigma = shots, codec, sampling, seed, sigma
        self._motions = [motions for motions in shots.motions_of()]
        weights = dict(sampling.kinds)
        self._weights = np.array([weights.get(kind, 0.0) if weights else 1.0 for kind in shots.kinds])
        possible = [self._weights[motions].sum() > 0 for motions in self._motions]
        self._scenes = np.flatnonzero(possible)
        config: Any = codec.config
        self._period = config["scale_factor_temporal"]
        self._latent_frames = 1 + (shots.frames - 1) // self._period

    def __call__(self, first: int, process: int, processes: int) -> Iterator[Batch]:
        while True:
            yield self.batch(first, process, processes)
            first += 1

    @torch.no_grad()
    def batch(self, number: int, process: int = 0, processes: int = 1) -> Batch:
        """This process's share of batch `number`."""
        generator = np.random.default_rng([self.seed, number, 0xBA7C])
        layout = self._layout(generator)
        motions, views, wordings, jitter = self._draw(generator)
        share = len(motions) // processes
        own = slice(process * share, (process + 1) * share)
        motions, views, wordings, jitter = motions[own], views[own], wordings[own], jitter[own]
        texts = [self.shots.instructions[m] for m in motions]
        instructions = tuple(t[int(w * len(t))] for t, w in zip(texts, wordings, strict=True))
        scenes = self.shots.scene[motions][:, None]
        K = torch.from_numpy(self.shots.K[scenes, views]).float()
        cameras = torch.from_numpy(self.shots.base_from_camera[scenes, views]).float()
        rgb = self._rgb(scenes, views, jitter)
        action = self._action(motions, K, cameras, layout)
        return Batch(rgb, action, self._rays(K, cameras), instructions, layout=layout)

    def _layout(self, generator: np.random.Generator) -> OneView | None:
        wanted = self.sampling
        if not wanted.excerpt:
            return None
        later = np.arange(min(wanted.earliest, self._latent_frames - 1), self._latent_frames)
        frames = np.sort(generator.choice(later, min(wanted.excerpt, len(later)), replace=False))
        slot = int(generator.integers(wanted.slots))
        return OneView(self._latent_frames, tuple(int(f) for f in frames), slot, wanted.without_present)

    def _draw(self, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Motions (B,), views (B, v), wordings (B,) in [0, 1), and colour factors (B, v, 3); pair by pair."""
        count = self.sampling.batch
        motions, views = np.empty(count, int), np.empty((count, self.sampling.views), int)
        jitter = 1.0 + generator.uniform(-1, 1, (count, self.sampling.views, 3)) * 0.25 * self.sampling.jitter
        jitter *= 1.0 + generator.uniform(-1, 1, (count, self.sampling.views, 1)) * self.sampling.jitter
        for i in range(0, count, 2):
            chosen = self._pair(generator)
            motions[i : i + 2] = chosen[: count - i]
            views[i : i + 2] = generator.permutation(self.shots.views)[: self.sampling.views]
        return motions, views, generator.random(count), jitter

    def _pair(self, generator: np.random.Generator) -> np.ndarray:
        """Two motions of one scene, or of two where the scene has but one."""
        chosen = np.empty(0, int)
        while len(chosen) < 2:
            here = self._motions[self._scenes[generator.integers(len(self._scenes))]]
            chances = self._weights[here]
            number = min(2 - len(chosen), int((chances > 0).sum()))
            some = generator.choice(here, number, replace=False, p=chances / chances.sum())
            chosen = np.concatenate([chosen, some])
        return chosen

    def _rgb(self, scenes: np.ndarray, views: np.ndarray, jitter: np.ndarray) -> torch.Tensor:
        """Latents (B, v, C, F, h, w) of the first pictures, or of whole videos relative to those."""
        videos = self.shots.rgb[scenes, views]  # (B, v, F, H, W, 3)
        if self.sampling.excerpt:
            videos = videos[:, :, :1]
        pixels = torch.from_numpy(videos).float()
        pixels = (pixels * torch.from_numpy(jitter).float()[:, :, None, None, None]).clamp_(0, 255) / 127.5 - 1.0
        pixels = pixels.movedim(-1, 2)
        latents = _encoded(self.codec, pixels, RGB)
        if pixels.shape[3] == 1:
            return latents
        return relative_to_still(latents, _encoded(self.codec, pixels[:, :, :, :1].expand_as(pixels), RGB))

    def _action(
        self, motions: np.ndarray, K: torch.Tensor, cameras: torch.Tensor, layout: OneView | None
    ) -> torch.Tensor:
        """Latents (B, v, C, n, h, w) of the action images that the layout asks for."""
        latent_frames = range(self._latent_frames) if layout is None else (0, *layout.frames)
        groups = [np.arange(f * self._period - self._period + 1, f * self._period + 1) for f in latent_frames if f]
        wanted = np.concatenate([[0], *groups])
        tools = torch.from_numpy(self.shots.base_from_tool[motions][:, wanted]).float()
        openness = torch.from_numpy(self.shots.openness[motions][:, wanted]).float()
        images = render_torch(tools, openness, K, cameras, self.shots.size, sigma=self.sigma)  # (B, v, n, H, W, 3)
        return _encoded(self.codec, images.movedim(-1, 2) * 2.0 - 1.0, ACTION)

    def _rays(self, K: torch.Tensor, cameras: torch.Tensor) -> torch.Tensor:
        """(B, v, T, 6, h, w), the rays through the middles of the latent cells, in the arm's frame."""
        config: Any = self.codec.config
        size = config["scale_factor_spatial"]
        height, width = (side // size for side in self.shots.size)
        half = torch.tensor([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
        scaled = torch.linalg.inv(half) @ torch.diag(torch.tensor([1 / size, 1 / size, 1.0])) @ half @ K
        rays = plucker_rays(scaled, cameras, (height, width), "base")  # (B, v, 1, h, w, 6)
        return rays.movedim(-1, 3).expand(-1, -1, self._latent_frames, -1, -1, -1)


def _encoded(codec: LinearCodec, videos: torch.Tensor, kind: str) -> torch.Tensor:
    """Latents (B, v, C, n, h, w) of videos (B, v, 3, T, H, W)."""
    (latents,) = codec.encode(videos.flatten(0, 1), return_dict=False, kind=kind)
    return latents.mode().unflatten(0, videos.shape[:2])


class Alternating:
    """Batches of several sources in turn: so that the next lesson does not undo the one before."""

    def __init__(self, *sources: LessonBatches):
        self._sources = sources

    def __call__(self, first: int, process: int, processes: int) -> Iterator[Batch]:
        while True:
            yield self._sources[first % len(self._sources)].batch(first, process, processes)
            first += 1
