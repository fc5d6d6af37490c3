"""Objectives of a codec and of the frame decoder, for the same loop as the transformer."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from model.training.objectives import Loss, figure
from model.training.step_rng import StepRng


@dataclass(frozen=True)
class Videos:
    """Videos (B, 3, T, H, W) in [-1, 1] to be encoded and decoded; T = 1 for single images."""

    videos: torch.Tensor

    def __len__(self) -> int:
        return len(self.videos)


@dataclass(frozen=True)
class FrameDecoderBatch:
    """Inputs and targets of a FrameDecoder: see its `forward` for the shapes.

    `weight` (B, 1, T, H, W): weight of each pixel, e.g. larger where objects move; None for uniform weights. `arm`,
    `carried`: for decoders with these inputs.
    """

    video: torch.Tensor
    action: torch.Tensor
    coarse: torch.Tensor
    weight: torch.Tensor | None = None
    arm: torch.Tensor | None = None
    carried: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.video)


class AutoencoderObjective(nn.Module):
    """Mean squared reconstruction error, plus a little of the posterior's KL divergence from a standard normal.

    Squared error from the start: with an absolute error a tiny autoencoder never learns the action images' blobs. Train
    on single images first, then on clips as long as the model's: on shorter ones the later frames stay bad.
    """

    def __init__(self, codec: Any, divergence_weight: float = 1e-6):
        super().__init__()
        self.codec, self.divergence_weight = codec, divergence_weight

    def forward(self, batch: Videos, moment: StepRng) -> Loss:
        posterior = self.codec.encode(batch.videos).latent_dist
        decoded = self.codec.decode(posterior.mode()).sample.float()
        squared = (decoded - batch.videos).square().flatten(1).mean(1)
        size = posterior.mean[0].numel()
        divergence = 0.5 * (posterior.mean.square() + posterior.var - 1.0 - posterior.logvar).flatten(1).sum(1) / size
        figures = {"mse": figure(squared / 4.0), "divergence": figure(divergence)}  # mse of images in [0, 1]
        return Loss((squared + self.divergence_weight * divergence).mean(), figures)


class FrameDecoderObjective(nn.Module):
    """Mean squared error of decoded frames, weighted per pixel.

    Coarse frames and action images should be generated ones, or degraded alike: trained on true ones the decoder relies
    on them too much.
    """

    def __init__(self, decoder: Any):
        super().__init__()
        self.decoder = decoder

    def forward(self, batch: FrameDecoderBatch, moment: StepRng) -> Loss:
        painted = self.decoder(batch.video[:, :, 0], batch.action, batch.coarse, arm=batch.arm, carried=batch.carried)
        squared = (painted - batch.video).float().square().mean(dim=1, keepdim=True)[:, :, 1:]
        weight = torch.ones_like(squared) if batch.weight is None else batch.weight[:, :, 1:]
        per_sample = (squared * weight).flatten(1).sum(1) / weight.flatten(1).sum(1).clamp_min(1e-6)
        return Loss(per_sample.mean(), {"mse": figure(squared.flatten(1).mean(1) / 4.0)})


@torch.no_grad()
def set_latent_scale(codec: Any, videos: Iterable[torch.Tensor]) -> None:
    """Measure the mean and standard deviation of a trained VAE's latents, and write them into its configuration."""
    total, squares, count = torch.zeros(()), torch.zeros(()), 0
    for batch in videos:
        latents = codec.encode(batch).latent_dist.mode().double().movedim(1, 0).flatten(1).cpu()
        total, squares = total + latents.sum(1), squares + latents.square().sum(1)
        count += latents.shape[1]
    mean = total / count
    std = (squares / count - mean.square()).clamp_min(1e-8).sqrt()
    codec.register_to_config(latents_mean=mean.tolist(), latents_std=std.tolist())
