"""Wan's video diffusion transformer with the camera branch of Action Images (arXiv 2604.06168, released weights).

Based on diffusers' WanTransformer3DModel. In every block's self-attention it adds `cam_encoder` (the camera's rays,
added to the attention's input; zero-initialised) and `projector` (after the attention; identity-initialised), so that
unmodified Wan weights give Wan's output. The other differences are configuration values, off for the release.
"""

from typing import Any, NamedTuple

import torch
from diffusers.configuration_utils import register_to_config
from diffusers.models._modeling_parallel import ContextParallelInput, ContextParallelOutput
from diffusers.models.modeling_outputs import Transformer2DModelOutput
from diffusers.models.modeling_utils import ModelMixin  # noqa: F401 - diffusers looks here for it when it loads a pipeline
from diffusers.models.transformers.transformer_wan import (
    WanAttention,
    WanAttnProcessor,
    WanRotaryPosEmbed,
    WanTimeTextImageEmbedding,
    WanTransformer3DModel,
)
from torch import nn
from torch.nn import functional

from model.networks.image_stem import ImageStem

TIMESTEPS = 1000  # Wan's timestep is 1000 times the noise level
# Below this noise level x0 no longer determines the velocity (it is divided by the level).
LEAST_LEVEL = 1e-3


class CameraRays(NamedTuple):
    """Rotary embedding's output for every block's self-attention: its two tables, and the camera's rays."""

    cos: torch.Tensor
    sin: torch.Tensor
    features: torch.Tensor  # (B or 1, n, K): one row per latent frame, or one per token
    rows: torch.Tensor  # (1, tokens): each token's row


class CanvasInputs(NamedTuple):
    """Per-pass inputs of the rotary embedding besides the latents."""

    features: torch.Tensor
    positions: tuple[int, ...] | None


class CanvasRotary(WanRotaryPosEmbed):
    """Wan's rotary embedding at arbitrary temporal positions; it also carries the camera's rays to the blocks.

    Blocks pass it on to their self-attention unchanged, so that diffusers' block (and every cache, offload and parallel
    hook made for it) can be used as is.
    """

    inputs: CanvasInputs | None = None

    def forward(self, hidden_states: torch.Tensor) -> CameraRays:  # pyright: ignore[reportIncompatibleMethodOverride]
        assert self.inputs is not None, "set by ActionImagesTransformer.forward"
        features, positions = self.inputs
        frames = hidden_states.shape[2] // self.patch_size[0]
        if positions is None:
            cos, sin = super().forward(hidden_states)
        else:
            # Only the shape is read: as many frames as the last position needs, from which the wanted ones are taken.
            wide = hidden_states[:1, :1, :1].expand(1, 1, max(positions) + 1, -1, -1)
            places = torch.tensor(positions, device=hidden_states.device)
            cos, sin = (
                table.unflatten(1, (max(positions) + 1, -1)).index_select(1, places).flatten(1, 2)
                for table in super().forward(wide)
            )
        tokens, rows = cos.shape[1], features.shape[1]
        assert rows in (1, frames, tokens)
        index = torch.arange(rows, device=hidden_states.device).repeat_interleave(tokens // rows)
        return CameraRays(cos, sin, features, index[None])


class CameraAttention(WanAttention):
    """Self-attention with the camera's rays added to its input, and a linear projection after it."""

    def __init__(self, camera_dim: int, **attention: Any):
        super().__init__(processor=WanAttnProcessor(), **attention)
        self.cam_encoder = nn.Linear(camera_dim, self.inner_dim)
        self.projector = nn.Linear(self.inner_dim, self.inner_dim)
        self.reset_camera()

    def reset_camera(self) -> None:
        """Reset the camera branch to have no effect, as before training."""
        for zero in (self.cam_encoder.weight, self.cam_encoder.bias, self.projector.bias):
            nn.init.zeros_(zero)
        nn.init.eye_(self.projector.weight)

    def forward(
        self,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        rotary_emb: Any = None,  # CameraRays
        **kwargs: Any,
    ) -> torch.Tensor:
        cos, sin, features, rows = rotary_emb
        camera = self.cam_encoder(features)
        if rows.shape[1] % camera.shape[1] == 0 and getattr(self.processor, "_parallel_config", None) is None:
            hidden_states = (hidden_states.unflatten(1, (camera.shape[1], -1)) + camera[:, :, None]).flatten(1, 2)
        else:  # this process has only some of the tokens
            hidden_states = hidden_states + camera[:, rows[0]]
        attended = super().forward(hidden_states, encoder_hidden_states, attention_mask, (cos, sin), **kwargs)
        return self.projector(attended)


class FrameTimeEmbedding(WanTimeTextImageEmbedding):
    """Wan's condition embedding, with timesteps that may differ between latent frames."""

    tokens_per_frame: int | None = None

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.token_rows = nn.Identity()  # split by context parallelism

    def forward(self, *args: Any, **kwargs: Any):
        temb, projected, text, image = super().forward(*args, **kwargs)
        if temb.ndim == 3:
            assert self.tokens_per_frame is not None, "set by ActionImagesTransformer.forward"
            frames = torch.arange(temb.shape[1], device=temb.device)
            rows = self.token_rows(frames.repeat_interleave(self.tokens_per_frame)[None])[0]
            temb, projected = (self._per_token(x, rows) for x in (temb, projected))
        return temb, projected, text, image

    def _per_token(self, per_frame: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        assert self.tokens_per_frame is not None
        if len(rows) == per_frame.shape[1] * self.tokens_per_frame:
            return per_frame.repeat_interleave(self.tokens_per_frame, dim=1)  # faster in the backward pass
        return per_frame[:, rows]


class ActionImagesTransformer(WanTransformer3DModel):
    """World-action model: predicts velocities of a canvas (model/generation/canvas.py), given text and cameras.

    The defaults are the release's (Wan2.2-TI2V-5B). In addition to diffusers' configuration values:

    camera: "pooled", the release's: per latent frame, `camera_channels` = 2 x latent channels of encoded rays, pooled
        to `camera_pool` and mapped to one vector; or "per_token": the 6 numbers of each latent cell's ray.
    timestep_per_token: the pipeline and the training give every latent frame its own timestep, clean ones 0, and may
        give rgb and action different noise levels.
    two_stage: trained to denoise the action first, then rgb given it (needs `timestep_per_token`).
    prediction: "velocity", or "x0": the network's last layer predicts the clean latents; the output is velocity anyway.
    segment_layers: rgb and action have separate first and last layers.
    relative_rgb: rgb latents are relative to those of a static video of the first frame (canvas.relative_to_still).
    rays: the frame in which the cameras' rays are given: "first_view", the release's, or "base", the arm's.
    stem_widths, stem_px: the first frames also pass through convolutions (image_stem.py) of these widths, at a
        resolution at which a token is `stem_px` px wide.
    kept_positions: cut segments keep their frames' temporal positions (canvas.positions).
    """

    # The camera's rows are not split: every process maps all of them and takes those of its own tokens.
    _cp_plan = {  # noqa: RUF012 - diffusers' own declaration
        "rope": {
            0: ContextParallelInput(split_dim=1, expected_dims=4, split_output=True),
            1: ContextParallelInput(split_dim=1, expected_dims=4, split_output=True),
            3: ContextParallelInput(split_dim=1, expected_dims=2, split_output=True),
        },
        "condition_embedder.token_rows": {0: ContextParallelInput(split_dim=1, expected_dims=2, split_output=True)},
        "blocks.0": {"hidden_states": ContextParallelInput(split_dim=1, expected_dims=3, split_output=False)},
        "proj_out": ContextParallelOutput(gather_dim=1, expected_dims=3),
    }

    @register_to_config
    def __init__(
        self,
        patch_size: tuple[int, int, int] = (1, 2, 2),
        num_attention_heads: int = 24,
        attention_head_dim: int = 128,
        in_channels: int = 48,
        out_channels: int = 48,
        text_dim: int = 4096,
        freq_dim: int = 256,
        ffn_dim: int = 14336,
        num_layers: int = 30,
        cross_attn_norm: bool = True,
        qk_norm: str | None = "rms_norm_across_heads",
        eps: float = 1e-6,
        image_dim: int | None = None,
        added_kv_proj_dim: int | None = None,
        rope_max_seq_len: int = 1024,
        pos_embed_seq_len: int | None = None,
        camera: str = "pooled",
        camera_channels: int = 96,
        camera_pool: tuple[int, int, int] = (48, 16, 16),
        timestep_per_token: bool = False,
        two_stage: bool = False,
        prediction: str = "velocity",
        segment_layers: bool = False,
        relative_rgb: bool = False,
        kept_positions: bool = False,
        rays: str = "first_view",
        stem_widths: tuple[int, ...] | None = None,
        stem_px: int = 32,
    ):
        # By keyword: diffusers takes positional arguments for defaults, and would lose them in `from_config`.
        super().__init__(
            patch_size=patch_size,
            num_attention_heads=num_attention_heads,
            attention_head_dim=attention_head_dim,
            in_channels=in_channels,
            out_channels=out_channels,
            text_dim=text_dim,
            freq_dim=freq_dim,
            ffn_dim=ffn_dim,
            num_layers=num_layers,
            cross_attn_norm=cross_attn_norm,
            qk_norm=qk_norm,
            eps=eps,
            image_dim=image_dim,
            added_kv_proj_dim=added_kv_proj_dim,
            rope_max_seq_len=rope_max_seq_len,
            pos_embed_seq_len=pos_embed_seq_len,
        )
        _check(camera, prediction, timestep_per_token, two_stage)
        width = num_attention_heads * attention_head_dim
        self.rope = CanvasRotary(attention_head_dim, patch_size, rope_max_seq_len)
        self.condition_embedder = FrameTimeEmbedding(
            width, freq_dim, width * 6, text_dim, image_dim, pos_embed_seq_len=pos_embed_seq_len
        )
        if camera == "pooled":
            self.camera_dim = camera_pool[0] * camera_pool[1] * camera_pool[2]
        else:
            self.camera_dim = camera_channels * patch_size[1] * patch_size[2]
        for block in self.blocks:
            block.attn1 = CameraAttention(
                self.camera_dim, dim=width, heads=num_attention_heads, dim_head=attention_head_dim, eps=eps
            )
        if segment_layers:
            self.patch_embedding = nn.Conv3d(2 * in_channels, width, patch_size, patch_size)
            self.proj_out = nn.Linear(width, 2 * self.proj_out.out_features)
        if stem_widths:
            plain: Any = self.patch_embedding
            self.patch_embedding = ImageStem(plain, stem_px, tuple(stem_widths))

    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        hidden_states: torch.Tensor,
        timestep: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        camera: torch.Tensor | None = None,
        *,
        action_frames: torch.Tensor | None = None,
        positions: tuple[int, ...] | None = None,
        pictures: torch.Tensor | None = None,
        picture_frames: tuple[int, ...] = (),
        encoder_hidden_states_image: torch.Tensor | None = None,
        attention_kwargs: dict[str, Any] | None = None,
        return_dict: bool = True,
    ) -> Transformer2DModelOutput | tuple[torch.Tensor]:
        """Predict the velocity eps - z (B, C, F, h, w) of a canvas `hidden_states` (B, C, F, h, w).

        Args:
            timestep: (B,), or (B, F) one per latent frame, in [0, 1000].
            encoder_hidden_states: (B, n, text_dim).
            camera: (B or 1, F, camera_channels, h, w); None is equivalent to zeros.
            action_frames: (F,) bool, required with `segment_layers`.
            positions: (F,) temporal positions, by default 0 to F - 1.
            pictures: (B, n, 3, h stem_px / p, w stem_px / p) in [-1, 1], required with `stem_widths`: the cameras'
                images at the frames `picture_frames` (n,) of the canvas.
        """
        settings: Any = self.config
        noisy = hidden_states
        if settings.segment_layers:
            hidden_states = _apart(hidden_states, action_frames)
        stem: Any = self.patch_embedding
        if settings.stem_widths:
            if pictures is None or pictures.shape[1] != len(picture_frames):
                raise ValueError("this transformer looks at the first pictures: it needs one for each picture frame")
            stem.shown = (pictures, picture_frames)
        self.rope.inputs = CanvasInputs(self.camera_features(camera, hidden_states), positions)
        self.condition_embedder.tokens_per_frame = self._tokens_per_frame(hidden_states)
        try:
            passed: Any = super().forward(
                hidden_states,
                timestep,  # pyright: ignore[reportArgumentType] - floats are accepted
                encoder_hidden_states,
                encoder_hidden_states_image,
                return_dict=False,
                attention_kwargs=attention_kwargs,
            )
        finally:
            self.rope.inputs = None
            if settings.stem_widths:
                stem.shown = None
        output: torch.Tensor = passed[0]
        if settings.segment_layers:
            output = _together(output, action_frames)
        if settings.prediction == "x0":
            output = velocity_from_clean(noisy[:, : output.shape[1]], output, timestep)
        return Transformer2DModelOutput(sample=output) if return_dict else (output,)

    def camera_features(self, camera: torch.Tensor | None, hidden_states: torch.Tensor) -> torch.Tensor:
        """Return rows (B, F, K) per latent frame, or (B, tokens, K) per token, for every block's `cam_encoder`."""
        settings: Any = self.config
        if camera is None:
            return hidden_states.new_zeros(1, 1, self.camera_dim)
        camera = camera.to(hidden_states.dtype)
        if settings.camera == "pooled":
            # The latent frame takes the place of the batch's items, its channels that of time
            # (F "acts as channel axis").
            return functional.adaptive_avg_pool3d(camera, tuple(settings.camera_pool)).flatten(2)
        _, p_h, p_w = settings.patch_size
        cells = camera.unflatten(4, (-1, p_w)).unflatten(3, (-1, p_h))  # (B, F, K, h', p_h, w', p_w)
        return cells.permute(0, 1, 3, 5, 2, 4, 6).flatten(4).flatten(1, 3)

    def _tokens_per_frame(self, hidden_states: torch.Tensor) -> int:
        settings: Any = self.config
        _, p_h, p_w = settings.patch_size
        return (hidden_states.shape[3] // p_h) * (hidden_states.shape[4] // p_w)


def velocity_from_clean(noisy: torch.Tensor, clean: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
    """Compute v = (x_s - z) / s from clean latents z (B, C, F, h, w) and timesteps (B,) or (B, F); 0 where s = 0."""
    level = _level(timestep, noisy)
    velocity = (noisy - clean) / level.clamp(min=LEAST_LEVEL)
    return torch.where(level == 0, torch.zeros_like(velocity), velocity)


def clean_from_velocity(noisy: torch.Tensor, velocity: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
    """Compute z = x_s - s v, the inverse of `velocity_from_clean`."""
    return noisy - _level(timestep, noisy) * velocity


def _level(timestep: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    level = timestep.to(like.dtype) / TIMESTEPS
    return level.reshape(len(level), 1, *(level.shape[1:] or (1,)), 1, 1)


def _apart(canvas: torch.Tensor, action_frames: torch.Tensor | None) -> torch.Tensor:
    """Return (B, 2 C, F, h, w): rgb in the first half of the channels, action in the second, zeros elsewhere."""
    is_action = _frame_mask(action_frames, canvas)
    zero = torch.zeros_like(canvas)
    return torch.cat([torch.where(is_action, zero, canvas), torch.where(is_action, canvas, zero)], dim=1)


def _together(output: torch.Tensor, action_frames: torch.Tensor | None) -> torch.Tensor:
    rgb, action = output.chunk(2, dim=1)
    return torch.where(_frame_mask(action_frames, output), action, rgb)


def _frame_mask(action_frames: torch.Tensor | None, like: torch.Tensor) -> torch.Tensor:
    if action_frames is None:
        raise ValueError("this transformer has layers for each kind of segment: it needs action_frames (F,)")
    return action_frames.to(like.device)[None, None, :, None, None]


def _check(camera: str, prediction: str, timestep_per_token: bool, two_stage: bool) -> None:
    if camera not in ("pooled", "per_token"):
        raise ValueError(f'camera must be "pooled" or "per_token", not {camera!r}')
    if prediction not in ("velocity", "x0"):
        raise ValueError(f'prediction must be "velocity" or "x0", not {prediction!r}')
    if two_stage and not timestep_per_token:
        raise ValueError("two_stage needs timestep_per_token: the stages differ in their noise levels")
