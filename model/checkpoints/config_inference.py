"""Model configurations inferred from tensor shapes, because published files often come without their configuration.

Tensor names are those of diffusers and transformers; results are arguments of their classes.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from model.errors import WeightsError

Shapes = Mapping[str, tuple[int, ...]]

_RELEASED_POOL = 16  # the release pools each latent frame's rays to (channels, 16, 16)
_WAN_HEAD = 128  # every published Wan transformer has heads of this width
# Normalisation of Wan 2.2's 48 latent channels, which is in its authors' code, not in its weights.
_WAN22_MEAN = (
    -0.2289, -0.0052, -0.1323, -0.2339, -0.2799, 0.0174, 0.1838, 0.1557, -0.1382, 0.0542, 0.2813, 0.0891,
    0.1570, -0.0098, 0.0375, -0.1825, -0.2246, -0.1207, -0.0698, 0.5109, 0.2665, -0.2108, -0.2158, 0.2502,
    -0.2055, -0.0322, 0.1109, 0.1567, -0.0729, 0.0899, -0.2799, -0.1230, -0.0313, -0.1649, 0.0117, 0.0723,
    -0.2839, -0.2083, -0.0520, 0.3748, 0.0152, 0.1957, 0.1433, -0.2944, 0.3573, -0.0548, -0.1681, -0.0667,
)  # fmt: skip
_WAN22_STD = (
    0.4765, 1.0364, 0.4514, 1.1677, 0.5313, 0.4990, 0.4818, 0.5013, 0.8158, 1.0344, 0.5894, 1.0901,
    0.6885, 0.6165, 0.8454, 0.4978, 0.5759, 0.3523, 0.7135, 0.6804, 0.5833, 1.4146, 0.8986, 0.5659,
    0.7069, 0.5338, 0.4889, 0.4917, 0.4069, 0.4999, 0.6866, 0.4093, 0.5709, 0.6065, 0.6415, 0.4944,
    0.5726, 1.2042, 0.5458, 1.6887, 0.3971, 1.0600, 0.3943, 0.5537, 0.5444, 0.4089, 0.7468, 0.7744,
)  # fmt: skip


def transformer_config(shapes: Shapes, what: str, **given: Any) -> dict[str, Any]:
    """Infer the arguments of ActionImagesTransformer; `given` ones take precedence.

    Raises WeightsError when these are not such a model's tensors.
    """
    patch = _shape(shapes, "patch_embedding.weight", 5, what)
    out = _shape(shapes, "proj_out.weight", 2, what)
    width, patch_size = patch[0], patch[2:]
    config: dict[str, Any] = {
        "patch_size": patch_size,
        "in_channels": patch[1],
        "out_channels": out[0] // math.prod(patch_size),
        "text_dim": _shape(shapes, "condition_embedder.text_embedder.linear_1.weight", 2, what)[1],
        "freq_dim": _shape(shapes, "condition_embedder.time_embedder.linear_1.weight", 2, what)[1],
        "ffn_dim": _shape(shapes, "blocks.0.ffn.net.0.proj.weight", 2, what)[0],
        "num_layers": _count(shapes, r"blocks\.(\d+)\."),
        "cross_attn_norm": "blocks.0.norm2.weight" in shapes,
        **_heads(width, what, given),
    }
    if "condition_embedder.image_embedder.ff.net.0.proj.weight" in shapes:
        config["image_dim"] = shapes["condition_embedder.image_embedder.ff.net.0.proj.weight"][1]
        config["added_kv_proj_dim"] = _shape(shapes, "blocks.0.attn2.add_k_proj.weight", 2, what)[1]
    if "condition_embedder.image_embedder.pos_embed" in shapes:
        config["pos_embed_seq_len"] = shapes["condition_embedder.image_embedder.pos_embed"][1]
    return config | _camera(shapes, config["out_channels"], given) | given


def _camera(shapes: Shapes, channels: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """Infer the camera branch: VAE-encoded ray directions and moments, pooled to a grid whose shape is not stored."""
    if "camera" in given:
        return {}
    encoder = shapes.get("blocks.0.attn1.cam_encoder.weight")
    side = _RELEASED_POOL if encoder is None else math.isqrt(encoder[-1] // channels)
    return {"camera_channels": 2 * channels, "camera_pool": (channels, side, side)}


def _heads(width: int, what: str, given: Mapping[str, Any]) -> dict[str, int]:
    """Infer the attention heads, which tensor shapes do not determine: as `given`, or Wan's."""
    heads, size = given.get("num_attention_heads"), given.get("attention_head_dim")
    if heads is None and size is None and width % _WAN_HEAD:
        raise WeightsError(
            f"{what} is {width} wide, which no published Wan model is, and does not say how many attention heads it "
            "has. Name their number (--heads)."
        )
    heads = heads or width // (size or _WAN_HEAD)
    size = size or width // heads
    if heads * size != width:
        raise WeightsError(f"{what} is {width} wide: that is not {heads} attention heads of {size}. Correct --heads.")
    return {"num_attention_heads": heads, "attention_head_dim": size}


def vae_config(shapes: Shapes, what: str, **given: Any) -> dict[str, Any]:
    """Infer the arguments of AutoencoderKLWan in Wan 2.2's form (residual stages); `given` ones take precedence."""
    base = _shape(shapes, "encoder.conv_in.weight", 5, what)
    stages = _count(shapes, r"encoder\.down_blocks\.(\d+)\.")
    blocks = _count(shapes, r"encoder\.down_blocks\.0\.resnets\.(\d+)\.")
    widths = [
        _shape(shapes, f"encoder.down_blocks.{i}.resnets.{blocks - 1}.conv2.weight", 5, what)[0] for i in range(stages)
    ]
    z = _shape(shapes, "post_quant_conv.weight", 5, what)[0]
    in_time = [f"encoder.down_blocks.{i}.downsampler.time_conv.weight" in shapes for i in range(stages - 1)]
    patch = {3: 1, 12: 2}.get(base[1], 1)
    known = z == len(_WAN22_MEAN)
    config: dict[str, Any] = {
        "base_dim": base[0],
        "decoder_base_dim": _shape(shapes, "decoder.conv_out.weight", 5, what)[1],
        "z_dim": z,
        "dim_mult": [width // base[0] for width in widths],
        "num_res_blocks": blocks,
        "temperal_downsample": in_time,
        "is_residual": True,
        "in_channels": base[1],
        "out_channels": _shape(shapes, "decoder.conv_out.weight", 5, what)[0],
        "patch_size": patch if patch > 1 else None,
        "scale_factor_temporal": 2 ** sum(in_time),
        "scale_factor_spatial": patch * 2 ** (stages - 1),
        "latents_mean": list(_WAN22_MEAN) if known else [0.0] * z,
        "latents_std": list(_WAN22_STD) if known else [1.0] * z,
    }
    return config | given


def text_encoder_config(shapes: Shapes, what: str, **given: Any) -> dict[str, Any]:
    """Infer the arguments of UMT5Config; `given` ones take precedence."""
    vocabulary, width = _shape(shapes, "shared.weight", 2, what)
    buckets, heads = _shape(shapes, "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", 2, what)
    config: dict[str, Any] = {
        "vocab_size": vocabulary,
        "d_model": width,
        "num_heads": heads,
        "d_kv": _shape(shapes, "encoder.block.0.layer.0.SelfAttention.q.weight", 2, what)[0] // heads,
        "d_ff": _shape(shapes, "encoder.block.0.layer.1.DenseReluDense.wi_0.weight", 2, what)[0],
        "num_layers": _count(shapes, r"encoder\.block\.(\d+)\."),
        "relative_attention_num_buckets": buckets,
        "feed_forward_proj": "gated-gelu",
        "layer_norm_epsilon": 1e-6,
        "dropout_rate": 0.0,
    }
    return config | given


def _shape(shapes: Shapes, name: str, dimensions: int, what: str) -> tuple[int, ...]:
    shape = shapes.get(name)
    if shape is None or len(shape) != dimensions or 0 in shape:
        has = "is missing" if shape is None else f"has the shape {tuple(shape)}"
        raise WeightsError(f"{what} holds the weights of another kind of model, or a part only: {name} {has}.")
    return tuple(shape)


def _count(shapes: Shapes, pattern: str) -> int:
    """Return one more than the largest number at the start of a name; gaps are found when the names are checked."""
    numbers = [int(match[1]) for name in shapes if (match := re.match(pattern, name))]
    # No model has more parts than tensors: a malicious name cannot request a million blocks.
    return min(max(numbers, default=-1) + 1, len(shapes))
