"""Samples of the frame decoder's lesson, varied by chance."""

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from model.arm_drawing import CHANNELS as ARM_CHANNELS
from model.training.codec_objectives import Paintings

_RECOLOURED, _ZOOMED, _NEARER = 0.5, 0.6, 1.5  # shares of the samples, and how much nearer they may be


def varied(paintings: Paintings, generator: np.random.Generator) -> Paintings:
    """The same as another camera might have seen it: mirrored, nearer by up to half and in other colours, by chance.

    A few hundred episodes have few tables and lights; without this a decoder learns them by heart (23 dB on episodes it
    was not taught, 26 on those it was).
    """
    names = ("video", "action", "coarse", "arm", "carried")
    parts = {name: getattr(paintings, name) for name in names if getattr(paintings, name) is not None}
    count = len(paintings)
    order = np.where(generator.random((count, 1)) < _RECOLOURED, _permutations(generator, count), np.arange(3))
    for name, red in (("video", 0), ("coarse", 0), ("carried", 0), ("arm", ARM_CHANNELS - 3)):
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
    """(count, 3) orders of three colours."""
    return generator.permuted(np.tile(np.arange(3), (count, 1)), axis=1)
