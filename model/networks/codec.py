"""Encoding and decoding of videos with a common interface for all codecs: AutoencoderKLWan, tiny or linear ones.

A codec is a pipeline's `vae`: an AutoencoderKLWan, or a LinearCodec with the same methods. Latents are normalised here,
(z - latents_mean) / latents_std, so that callers need not.
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
    """Encode videos (..., 3, T, H, W) in [-1, 1] to normalised latents (..., C, 1 + n, h, w).

    `kind` "rgb" or "action", for codecs that distinguish them. With a generator the latents are sampled from the
    VAE's posterior, otherwise they are its mode. ModelError for an unsupported size.
    """
    latent_shape(codec, *videos.shape[-3:])
    flat = videos.reshape(-1, *videos.shape[-4:]).to(codec.dtype)
    posterior = codec.encode(flat, **_kind(codec, kind)).latent_dist
    latents = posterior.mode() if generator is None else posterior.sample(generator)
    mean, std = _scale(codec, latents)
    return ((latents - mean) / std).unflatten(0, videos.shape[:-4])


def decode_latents(codec: Any, latents: torch.Tensor, kind: str = RGB) -> torch.Tensor:
    """Decode normalised latents (..., C, 1 + n, h, w) to videos (..., 3, T, H, W) in [-1, 1]."""
    flat = latents.reshape(-1, *latents.shape[-4:]).to(codec.dtype)
    mean, std = _scale(codec, flat)
    return codec.decode(flat * std + mean, **_kind(codec, kind)).sample.unflatten(0, latents.shape[:-4])


def still_latents(codec: Any, first: torch.Tensor, frames: int) -> torch.Tensor:
    """Encode static videos of `frames` frames at `first` (..., 3, H, W) to normalised latents (..., C, 1 + n, h, w)."""
    return encode_videos(codec, first.unsqueeze(-3).expand(*first.shape[:-2], frames, *first.shape[-2:]))


def restore_first_frame(codec: Any, videos: torch.Tensor, first: torch.Tensor) -> torch.Tensor:
    """Restore the true first frame's (..., 3, H, W) sharpness in the static parts of decoded videos (..., 3, T, H, W).

    The codec's loss on a static video is known, and is added to every frame where the video does not differ from the
    first frame (weight exp(-(difference / 0.1)^2), both through the codec).
    """
    still = first.unsqueeze(-3).expand_as(videos)
    coarse = decode_latents(codec, encode_videos(codec, still))
    moved = (videos - coarse).abs().amax(dim=-4, keepdim=True)
    return (videos + (still - coarse) * torch.exp(-((moved / 0.1) ** 2))).clamp(-1.0, 1.0)


def latent_shape(codec: Any, frames: int, height: int, width: int) -> tuple[int, int, int, int]:
    """Return (C, 1 + n, h, w) for a video of `frames` frames of height x width px; ModelError for unsupported sizes."""
    period, size = codec.config["scale_factor_temporal"], codec.config["scale_factor_spatial"]
    if frames < 1 or (frames - 1) % period:
        near = max(frames - 1, 0) // period * period + 1
        raise ModelError(f"The model's videos have {period} n + 1 frames, not {frames}. Use {near} or {near + period}.")
    if height % size or width % size:
        raise ModelError(f"The model's images are multiples of {size} px, not {width} x {height}. Resize them.")
    return codec.config["z_dim"], 1 + (frames - 1) // period, height // size, width // size


def _scale(codec: Any, latents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and standard deviation (C, 1, 1, 1) of the codec's raw latents."""
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
    """Build an untrained AutoencoderKLWan like the large one (residual, 2 px patches), about 1.7 M parameters.

    One latent covers `spatial` px (8 or 16) and four frames.
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
