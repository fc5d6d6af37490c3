"""Linear video codec: principal components of small blocks, with the interface of diffusers' AutoencoderKLWan.

One first frame and then blocks of four frames, like Wan's causal VAE; each block of pixels is one latent, its
projection on the components with the largest variance in videos of its kind. Encoding and decoding are matrix products,
exact in the retained subspace, and fitted in seconds (`codec_fitting.py`), which suits a small model. Lab videos and
action images differ so much that each kind may have its own components.
"""

from typing import Any

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.autoencoders.vae import AutoencoderMixin, DecoderOutput, DiagonalGaussianDistribution
from diffusers.models.modeling_outputs import AutoencoderKLOutput
from diffusers.models.modeling_utils import ModelMixin
from torch import nn

RGB, ACTION = "rgb", "action"
KINDS = (RGB, ACTION)


class LinearCodec(ModelMixin, AutoencoderMixin, ConfigMixin):
    """Codec from videos (B, 3, 1 + t n, H, W) in [-1, 1] to latents (B, z_dim, 1 + n, H / s, W / s) and back.

    s = `scale_factor_spatial` px, t = `scale_factor_temporal` frames. `kinds` names the kinds of video with their own
    components; other kinds use those of the first. The latents are already normalised: `latents_mean` and `latents_std`
    are zeros and ones, for callers that normalise the latents of any VAE.
    """

    @register_to_config
    def __init__(
        self,
        z_dim: int = 48,
        scale_factor_spatial: int = 8,
        scale_factor_temporal: int = 4,
        kinds: tuple[str, ...] = KINDS,
        latents_mean: tuple[float, ...] | None = None,
        latents_std: tuple[float, ...] | None = None,
    ):
        super().__init__()
        self.register_to_config(latents_mean=[0.0] * z_dim, latents_std=[1.0] * z_dim)
        self.use_slicing = self.use_tiling = False  # blocks are independent: slicing and tiling do not apply
        pixels = 3 * scale_factor_spatial**2
        self.bases = nn.ModuleDict({kind: _Bases(pixels, scale_factor_temporal, z_dim) for kind in kinds})

    def encode(
        self, x: torch.Tensor, return_dict: bool = True, *, kind: str = RGB
    ) -> AutoencoderKLOutput | tuple[DiagonalGaussianDistribution]:
        """Encode videos x (B, 3, T, H, W), as a distribution of zero variance; ValueError for unsupported sizes."""
        first, later = self.blocks(x)
        bases = self._bases(kind)
        z = torch.cat([bases.first_encoder(first), bases.later_encoder(later)], dim=1).movedim(-1, 1)
        latents = DiagonalGaussianDistribution(torch.cat([z, torch.full_like(z, -30.0)], dim=1), deterministic=True)
        return AutoencoderKLOutput(latent_dist=latents) if return_dict else (latents,)

    def decode(
        self, z: torch.Tensor, return_dict: bool = True, *, kind: str = RGB
    ) -> DecoderOutput | tuple[torch.Tensor]:
        """Decode latents z (B, z_dim, 1 + n, h, w) to videos (B, 3, T, H, W) in [-1, 1]."""
        bases = self._bases(kind)
        rows = z.movedim(1, -1)
        video = self.pixels(bases.first_decoder(rows[:, :1]), bases.later_decoder(rows[:, 1:])).clamp(-1.0, 1.0)
        return DecoderOutput(sample=video) if return_dict else (video,)

    def forward(self, sample: torch.Tensor, *, kind: str = RGB) -> DecoderOutput | tuple[torch.Tensor]:
        """Encode and decode."""
        (latents,) = self.encode(sample, return_dict=False, kind=kind)
        return self.decode(latents.mode(), kind=kind)

    def blocks(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Reshape videos to rows of pixels: first frame (B, 1, h, w, 3 s s), and other frames (B, n, h, w, 3 t s s)."""
        size, period = self.config["scale_factor_spatial"], self.config["scale_factor_temporal"]
        batch, channels, frames, height, width = x.shape
        if (frames - 1) % period or height % size or width % size or channels != 3:
            raise ValueError(f"{frames} frames of {channels} x {height} x {width} do not divide into blocks")
        grid = x.reshape(batch, 3, frames, height // size, size, width // size, size).permute(0, 2, 3, 5, 1, 4, 6)
        first, later = grid[:, :1], grid[:, 1:]
        later = later.reshape(batch, -1, period, *later.shape[2:]).movedim(2, 4)
        return first.flatten(4), later.flatten(4)

    def pixels(self, first: torch.Tensor, later: torch.Tensor) -> torch.Tensor:
        """Invert `blocks`."""
        size, period = self.config["scale_factor_spatial"], self.config["scale_factor_temporal"]
        batch, _, rows, columns, _ = first.shape
        first = first.unflatten(4, (3, size, size))
        later = later.unflatten(4, (period, 3, size, size)).movedim(4, 2).flatten(1, 2)
        grid = torch.cat([first, later], dim=1)
        return grid.permute(0, 4, 1, 2, 5, 3, 6).reshape(batch, 3, -1, rows * size, columns * size)

    def _bases(self, kind: str) -> Any:
        return self.bases[kind if kind in self.bases else next(iter(self.bases))]


class _Bases(nn.Module):
    """Analysis and synthesis of one kind of video: a projection and a mean each, for the first and for later frames."""

    def __init__(self, pixels: int, period: int, z_dim: int):
        super().__init__()
        self.first_encoder = nn.Linear(pixels, z_dim)
        self.first_decoder = nn.Linear(z_dim, pixels)
        self.later_encoder = nn.Linear(period * pixels, z_dim)
        self.later_decoder = nn.Linear(z_dim, period * pixels)
