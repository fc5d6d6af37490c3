"""Fitting of a linear codec to videos: principal components of their blocks."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from model.networks.linear_codec import KINDS, LinearCodec

# Exponent of whitening: latents are divided by their standard deviation to this power (and by one common factor that
# makes their mean square one). With 1 the loss would be dominated by the last components' noise, with 0 by the first
# components: chosen in a pilot study, not tuned further.
WHITENING = 0.8


class _Moments:
    """Count, sum and sum of outer products of rows, in double precision."""

    def __init__(self, size: int):
        self.count = 0
        self.total = torch.zeros(size, dtype=torch.float64)
        self.products = torch.zeros(size, size, dtype=torch.float64)

    def add(self, rows: torch.Tensor) -> None:
        flat = rows.flatten(0, -2)
        self.count += len(flat)
        self.total += flat.sum(0, dtype=torch.float64).cpu()
        # Single precision within a batch of rows is enough, and eight times as fast.
        self.products += (flat.T @ flat).double().cpu()

    def components(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return mean (n,), variances (n,) in descending order, and the components (n, n) in columns."""
        mean = self.total / max(self.count, 1)
        covariance = self.products / max(self.count, 1) - torch.outer(mean, mean)
        variances, vectors = torch.linalg.eigh(covariance)
        return mean, variances.flip(0).clamp_min(0.0), vectors.flip(1)


@torch.no_grad()
def fit_linear_codec(
    videos: Mapping[str, Iterable[torch.Tensor]],
    *,
    z_dim: int = 48,
    spatial: int = 8,
    temporal: int = 4,
    whitening: float | Mapping[str, float] = WHITENING,
) -> LinearCodec:
    """Fit the codec with the least mean squared error on `videos`, per kind of video.

    `videos`: per kind ("rgb", "action") batches (B, 3, T, H, W) in [-1, 1]; a single kind gives one set of components
    for all; `whitening` may differ between kinds. Videos of one frame leave the components of later frames zero.
    One pass over the data; the components' signs are fixed, so that equal videos give equal codecs.
    """
    kinds = tuple(kind for kind in KINDS if kind in videos)
    codec = LinearCodec(z_dim=z_dim, scale_factor_spatial=spatial, scale_factor_temporal=temporal, kinds=kinds)
    for kind in kinds:
        bases: Any = codec.bases[kind]
        moments = [_Moments(3 * spatial**2), _Moments(3 * spatial**2 * temporal)]
        for batch in videos[kind]:
            for moment, rows in zip(moments, codec.blocks(batch.float()), strict=True):
                moment.add(rows)
        power = whitening[kind] if isinstance(whitening, Mapping) else whitening
        _set(bases.first_encoder, bases.first_decoder, moments[0], power)
        _set(bases.later_encoder, bases.later_decoder, moments[1], power)
    return codec.requires_grad_(False)


def _set(encoder: torch.nn.Linear, decoder: torch.nn.Linear, moments: _Moments, whitening: float) -> None:
    """Set the encoder to the projection divided by the scale, the decoder to its transpose plus the mean."""
    mean, variances, vectors = moments.components()
    kept = min(encoder.out_features, len(mean))
    basis = vectors[:, :kept]
    basis = basis * torch.where(basis.sum(0) < 0, -1.0, 1.0)
    std = variances[:kept].sqrt()
    # Constant components (a black channel) must not be amplified by their scale.
    scale = std.clamp_min(1e-4 * std.max() + 1e-12) ** whitening
    scale = scale * ((std / scale).square().mean().sqrt() + 1e-12)
    for parameter in (encoder.weight, encoder.bias, decoder.weight, decoder.bias):
        parameter.zero_()
    if moments.count == 0:
        return
    encoder.weight[:kept] = (basis / scale).T
    encoder.bias[:kept] = -(mean @ (basis / scale))
    decoder.weight[:, :kept] = basis * scale
    decoder.bias.copy_(mean)
