"""Batches of a lesson, sampled, rendered and encoded on the fly, reproducible by batch number."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from foundation.camera import Camera
from foundation.image_resize import resize_images
from model.action_images.rendering_torch import render_torch
from model.embedded.batch_selection import Choice, Choices, Sampling
from model.embedded.scene_data import SceneData
from model.errors import ModelError
from model.generation.canvas import relative_to_still
from model.generation.crop_refinement import in_pixels
from model.networks.codec import ACTION, RGB
from model.networks.linear_codec import LinearCodec
from model.networks.plucker_rays import plucker_rays
from model.training.batches import Batch
from model.training.layouts import OneView


class LessonBatches:
    """Batches (see training.batches.Batches) sampled from `shots`, rendered and encoded on the codec's device.

    Seeded with `seed` and the batch's number. The first frames have a resolution of `seen_px`.
    """

    def __init__(
        self, shots: SceneData, codec: LinearCodec, sampling: Sampling, seed: int, *, sigma: float, seen_px: int
    ):
        if sampling.nearer and shots.rgb.shape[2] > 1 and not sampling.excerpt:
            raise ModelError("Whole videos are not shown from nearby: leave `nearer` out of lessons on episodes.")
        self.shots, self.codec, self.sampling, self.seed, self.sigma = shots, codec, sampling, seed, sigma
        self.seen_px = seen_px
        self.choices = Choices(shots, sampling)
        config: Any = codec.config
        self._period, self._cell_px = config["scale_factor_temporal"], config["scale_factor_spatial"]
        self.latent_frames = 1 + (shots.frames - 1) // self._period

    def __call__(self, first: int, process: int, processes: int) -> Iterator[Batch]:
        while True:
            yield self.batch(first, process, processes)
            first += 1

    def batch(self, number: int, process: int = 0, processes: int = 1) -> Batch:
        """Return this process's share of batch `number`."""
        generator = np.random.default_rng([self.seed, number, 0xBA7C])
        layout = self._layout(generator)
        choice = self.choices.draw(generator)
        share = len(choice.motions) // processes
        return self.encoded(choice[process * share : (process + 1) * share], layout)

    @torch.no_grad()
    def encoded(self, choice: Choice, layout: OneView | None) -> Batch:
        """Encode the samples as latents: the part of the action that `layout` selects, None for the whole canvas."""
        texts = [self.shots.instructions[m] for m in choice.motions]
        instructions = tuple(t[int(w * len(t))] for t, w in zip(texts, choice.wordings, strict=True))
        scenes = self.shots.scene[choice.motions][:, None]
        rgb, pictures, K = self._seen(scenes, choice)
        K, cameras = self._tensor(K), self._tensor(self.shots.base_from_camera[scenes, choice.views])
        rgb, pictures = self._rgb(rgb, choice), self._coloured(pictures, choice)
        action = self._action(choice.motions, K, cameras, layout)
        rays = self._rays(K, cameras)
        return Batch(rgb, action, rays, instructions, pictures=pictures.movedim(-1, 2), layout=layout)

    def _layout(self, generator: np.random.Generator) -> OneView | None:
        wanted = self.sampling
        if not wanted.excerpt:
            return None
        later = np.arange(min(wanted.earliest, self.latent_frames - 1), self.latent_frames)
        frames = np.sort(generator.choice(later, min(wanted.excerpt, len(later)), replace=False))
        slot = int(generator.integers(wanted.slots))
        return OneView(self.latent_frames, tuple(int(f) for f in frames), slot, wanted.without_present)

    def _seen(self, scenes: np.ndarray, choice: Choice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return videos (B, v, F, H, W, 3), first frames (B, v, H', W', 3) of `seen_px`, and the videos' K.

        K is (B, v, 3, 3). They show the whole image, or the chosen crop of the first frames.
        """
        shots, side = self.shots, self.seen_px
        videos = shots.rgb[scenes, choice.views]
        if self.sampling.excerpt:
            videos = videos[:, :, :1]
        K = shots.K[scenes, choice.views]
        pictures = np.empty((*choice.views.shape, side, side, 3), np.uint8)
        for at in np.ndindex(choice.views.shape):
            whole = shots.pictures[scenes[at[0], 0], choice.views[at]]
            left, top, width, height = in_pixels(choice.parts[at], whole.shape[:2])
            part = whole[top : top + height, left : left + width]
            pictures[at] = resize_images(part, side, side)
            if part.shape != whole.shape:
                videos[at] = resize_images(part, *shots.size[::-1])
                K[at] = _camera(K[at], shots.size, whole.shape[:2], (left, top, width, height))
        return videos, pictures, K

    def _rgb(self, videos: np.ndarray, choice: Choice) -> torch.Tensor:
        """Encode the first frames as latents (B, v, C, F, h, w), or whole videos relative to them."""
        pixels = self._coloured(videos, choice).movedim(-1, 2)
        latents = self._encode(pixels, RGB)
        if pixels.shape[3] == 1:
            return latents
        return relative_to_still(latents, self._encode(pixels[:, :, :, :1].expand_as(pixels), RGB))

    def _coloured(self, pictures: np.ndarray, choice: Choice) -> torch.Tensor:
        """Convert images (B, v, ..., 3) to [-1, 1], with the sampled brightness and colour factors."""
        colours = self._tensor(choice.colours)
        colours = colours.reshape(*colours.shape[:2], *(1,) * (pictures.ndim - 3), 3)
        return (self._tensor(pictures) * colours).clamp_(0, 255) / 127.5 - 1.0

    def _action(
        self, motions: np.ndarray, K: torch.Tensor, cameras: torch.Tensor, layout: OneView | None
    ) -> torch.Tensor:
        """Render and encode the action images that the layout selects, (B, v, C, n, h, w)."""
        latent_frames = range(self.latent_frames) if layout is None else (0, *layout.frames)
        groups = [np.arange((f - 1) * self._period + 1, f * self._period + 1) for f in latent_frames if f]
        wanted = np.concatenate([[0], *groups])
        tools, openness = (
            self._tensor(a[motions][:, wanted]) for a in (self.shots.base_from_tool, self.shots.openness)
        )
        images = render_torch(tools, openness, K, cameras, self.shots.size, sigma=self.sigma)  # (B, v, n, H, W, 3)
        return self._encode(images.movedim(-1, 2) * 2.0 - 1.0, ACTION)

    def _rays(self, K: torch.Tensor, cameras: torch.Tensor) -> torch.Tensor:
        """Return the rays through the centres of the latent cells, in the arm's frame, (B, v, T, 6, h, w)."""
        height, width = (side // self._cell_px for side in self.shots.size)
        half = K.new_tensor([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
        scale = torch.diag(K.new_tensor([1 / self._cell_px, 1 / self._cell_px, 1.0]))
        rays = plucker_rays(torch.linalg.inv(half) @ scale @ half @ K, cameras, (height, width), "base")
        return rays.movedim(-1, 3).expand(-1, -1, self.latent_frames, -1, -1, -1)  # from (B, v, 1, h, w, 6)

    def _encode(self, videos: torch.Tensor, kind: str) -> torch.Tensor:
        """Encode videos (B, v, 3, T, H, W) as latents (B, v, C, n, h, w)."""
        (latents,) = self.codec.encode(videos.flatten(0, 1), return_dict=False, kind=kind)
        return latents.mode().unflatten(0, videos.shape[:2])

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.codec.device).float()


def _camera(
    K: np.ndarray, size: tuple[int, int], drawn: tuple[int, int], part: tuple[int, int, int, int]
) -> np.ndarray:
    """Return K for images of `size` (H, W) of a crop (left, top, width, height) in px of images of `drawn` (H, W)."""
    whole = Camera("whole", size[1], size[0], K, np.eye(4)).resized(drawn[1], drawn[0])
    left, top, width, height = part
    return whole.cropped(left, top, width, height).resized(size[1], size[0]).K


class Alternating:
    """Batches of several sources in alternation, to prevent forgetting of the previous lesson."""

    def __init__(self, *sources: LessonBatches):
        self._sources = sources

    def __call__(self, first: int, process: int, processes: int) -> Iterator[Batch]:
        while True:
            yield self._sources[first % len(self._sources)].batch(first, process, processes)
            first += 1
