"""Videos to latents and back, the same for every codec: AutoencoderKLWan of the large model, tiny or linear ones.

A codec is what stands in a pipeline under `vae`: an AutoencoderKLWan, or a LinearCodec with the same methods. Latents
are scaled here, (z - latents_mean) / latents_std, so that nobody else has to.
"""

from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan

from model.errors import ModelError
from model.networks.linear_codec import ACTION, KINDS, RGB, LinearCodec

__all__ = [
    "ACTION",
    "KINDS",
    "RGB",
    "decode_latents",
    "encode_videos",
    "latent_shape",
    "restore_first_frame",
    "still_latents",
    "tiny_wan",
]


def encode_videos(
    codec: Any, videos: torch.Tensor, kind: str = RGB, generator: torch.Generator | None = None
) -> torch.Tensor:
    """Scaled latents (..., C, 1 + n, h, w) of videos (..., 3, T, H, W) in [-1, 1].

    `kind` "rgb" or "action", for codecs that know the difference. With a generator the latents are drawn from the
    autoencoder's posterior, otherwise they are its mode. ModelError for a size the codec does not take.
    """
    latent_shape(codec, *videos.shape[-3:])
    flat = videos.reshape(-1, *videos.shape[-4:]).to(codec.dtype)
    posterior = codec.encode(flat, **_kind(codec, kind)).latent_dist
    latents = posterior.mode() if generator is None else posterior.sample(generator)
    mean, std = _scale(codec, latents)
    return ((latents - mean) / std).unflatten(0, videos.shape[:-4])


def decode_latents(codec: Any, latents: torch.Tensor, kind: str = RGB) -> torch.Tensor:
    """Videos (..., 3, T, H, W) in [-1, 1] of scaled latents (..., C, 1 + n, h, w)."""
    flat = latents.reshape(-1, *latents.shape[-4:]).to(codec.dtype)
    mean, std = _scale(codec, flat)
    return codec.decode(flat * std + mean, **_kind(codec, kind)).sample.unflatten(0, latents.shape[:-4])


def still_latents(codec: Any, first: torch.Tensor, frames: int) -> torch.Tensor:
    """Scaled latents (..., C, 1 + n, h, w) of videos of `frames` frames that stay at `first` (..., 3, H, W)."""
    return encode_videos(codec, first.unsqueeze(-3).expand(*first.shape[:-2], frames, *first.shape[-2:]))


def restore_first_frame(codec: Any, videos: torch.Tensor, first: torch.Tensor) -> torch.Tensor:
    """Decoded videos (..., 3, T, H, W) whose resting parts are as sharp as the true first frame (..., 3, H, W).

    What the codec loses of a video in which nothing moves is known, and is added to every frame where the video has
    not moved away from the first frame (weight exp(-(difference / 0.1)^2), both through the codec).
    """
    still = first.unsqueeze(-3).expand_as(videos)
    coarse = decode_latents(codec, encode_videos(codec, still))
    moved = (videos - coarse).abs().amax(dim=-4, keepdim=True)
    return (videos + (still - coarse) * torch.exp(-((moved / 0.1) ** 2))).clamp(-1.0, 1.0)


def latent_shape(codec: Any, frames: int, height: int, width: int) -> tuple[int, int, int, int]:
    """(C, 1 + n, h, w) of a video of `frames` frames of height x width px. ModelError for a size not taken."""
    period, size = codec.config["scale_factor_temporal"], codec.config["scale_factor_spatial"]
    if frames < 1 or (frames - 1) % period:
        near = max(frames - 1, 0) // period * period + 1
        raise ModelError(f"The model's videos have {period} n + 1 frames, not {frames}. Use {near} or {near + period}.")
    if height % size or width % size:
        raise ModelError(f"The model's images are multiples of {size} px, not {width} x {height}. Resize them.")
    return codec.config["z_dim"], 1 + (frames - 1) // period, height // size, width // size


def _scale(codec: Any, latents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation (C, 1, 1, 1) of the codec's own latents."""
    mean, std = (
        torch.tensor(codec.config[name], device=latents.device, dtype=latents.dtype).view(-1, 1, 1, 1)
        for name in ("latents_mean", "latents_std")
    )
    return mean, std


def _kind(codec: Any, kind: str) -> dict[str, str]:
    if kind not in KINDS:
        raise ValueError(f"a video is of kind {KINDS}, not {kind!r}")
    return {"kind": kind} if isinstance(codec, LinearCodec) else {}


def tiny_wan(z_dim: int = 48, base_dim: int = 24, spatial: int = 8) -> AutoencoderKLWan:
    """An untrained AutoencoderKLWan of the large one's kind (residual, 2 px patches), about 1.7 M parameters.

    `spatial` px to a latent (8 or 16), four frames to a latent.
    """
    levels = {8: [1, 2, 2], 16: [1, 2, 2, 2]}[spatial]
    return AutoencoderKLWan(
        base_dim=base_dim,
        z_dim=z_dim,
        dim_mult=levels,
        num_res_blocks=1,
        temperal_downsample=[False] * (len(levels) - 3) + [True, True],
        is_residual=True,
        in_channels=12,
        out_channels=12,
        patch_size=2,
        scale_factor_spatial=spatial,
        scale_factor_temporal=4,
        latents_mean=[0.0] * z_dim,
        latents_std=[1.0] * z_dim,
    )
