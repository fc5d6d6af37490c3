"""Batches of a training step: latents, cameras and instructions of several samples."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, TypeVar

import torch

from model.generation.canvas import relative_to_still
from model.networks.codec import ACTION, encode_videos, still_latents


@dataclass(frozen=True)
class Batch:
    """B samples of V views; latents in the canvas's form (normalised, and relative where the transformer requires it).

    rgb (B, V, C, T or 1, h, w), of which the first latent frame suffices when only policies are trained; action
    (B, V, C, T, h, w), or None where unknown; camera (B, V, T, K, h, w) in the transformer's form, or None;
    instructions, one text each; text (B, n, text_dim), their embeddings, where precomputed. pictures (B, V, 3, H, W) in
    [-1, 1], the first frames, for transformers that read them in addition to the latents. layout: the canvas
    (see layouts.py) that the data were made for, or None where the objective may choose; the action then holds only the
    latent frames that it selects.
    """

    rgb: torch.Tensor
    action: torch.Tensor | None
    camera: torch.Tensor | None
    instructions: tuple[str, ...]
    text: torch.Tensor | None = None
    pictures: torch.Tensor | None = None
    layout: Any = None

    def __len__(self) -> int:
        return len(self.rgb)


class Sliceable(Protocol):
    """A dataclass whose tensors and tuples have one entry per sample."""

    def __len__(self) -> int: ...


B = TypeVar("B", bound=Sliceable)
# Batches from a given number on (each step takes `micro_batches` of them), for this process out of a number of
# processes. The same arguments give the same batches: that, and nothing else, makes a run repeatable and resumable.
Batches = Callable[[int, int, int], Iterator[Any]]


def part(batch: B, samples: slice) -> B:
    """Select some of a batch's samples."""
    values = {f.name: getattr(batch, f.name) for f in fields(batch)}  # type: ignore[arg-type]
    per_sample = (torch.Tensor, tuple, list)
    return type(batch)(**{n: v[samples] if isinstance(v, per_sample) else v for n, v in values.items()})


def to_device(batch: B, device: torch.device | str) -> B:
    """Move the batch's tensors to `device`."""
    values = {f.name: getattr(batch, f.name) for f in fields(batch)}  # type: ignore[arg-type]
    moved = {n: v.to(device, non_blocking=True) if isinstance(v, torch.Tensor) else v for n, v in values.items()}
    return type(batch)(**moved)


def repeated(batches: Sequence[Sliceable]) -> Batches:
    """Cycle through ready-made batches, each divided evenly among the processes."""

    def iterate(first: int, process: int, processes: int) -> Iterator[Sliceable]:
        while True:
            batch = batches[first % len(batches)]
            if len(batch) % processes:
                raise ValueError(f"{len(batch)} samples cannot be divided among {processes} processes")
            share = len(batch) // processes
            yield part(batch, slice(process * share, (process + 1) * share))
            first += 1

    return iterate


@torch.no_grad()
def encode_batch(
    codec: Any,
    rgb: torch.Tensor,
    action: torch.Tensor | None,
    camera: torch.Tensor | None,
    instructions: Sequence[str],
    *,
    relative_rgb: bool = False,
    text: torch.Tensor | None = None,
    pictures: torch.Tensor | None = None,
) -> Batch:
    """Encode videos (B, V, 3, T, H, W) in [-1, 1] to a batch; of rgb the first frame suffices for policies.

    `relative_rgb`: as the transformer's configuration value of that name; `text`, `pictures`: as in Batch.
    """
    latents = encode_videos(codec, rgb)
    if relative_rgb and rgb.shape[3] > 1:
        latents = relative_to_still(latents, still_latents(codec, rgb[:, :, :, 0], rgb.shape[3]))
    action_latents = None if action is None else encode_videos(codec, action, ACTION)
    return Batch(latents, action_latents, camera, tuple(instructions), text, pictures)
