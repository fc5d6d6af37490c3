"""Size presets of the one architecture, as configuration values (no torch here).

Each is a dictionary of keyword arguments: of ActionImagesTransformer, of diffusers' AutoencoderKLWan, of transformers'
text encoders. Tests and the pilot model use the same classes at other sizes.
"""

from types import MappingProxyType
from typing import Any

# Generation modes, explained in model/generation/canvas.py.
MODES = ("joint", "policy", "action_to_video", "video_to_action", "view_transfer", "video")

# Wan2.2-TI2V-5B (Wan-AI/Wan2.2-TI2V-5B), the backbone of the released Action Images weights, with their camera branch.
WAN22_TI2V_5B = MappingProxyType[str, Any](
    {
        "patch_size": (1, 2, 2),
        "num_attention_heads": 24,
        "attention_head_dim": 128,
        "in_channels": 48,
        "out_channels": 48,
        "text_dim": 4096,
        "freq_dim": 256,
        "ffn_dim": 14336,
        "num_layers": 30,
        "camera": "pooled",
        "camera_channels": 96,
        "camera_pool": (48, 16, 16),
    }
)
FULL_SIZE_PARAMETERS = 6_415_549_632  # of these values: the DiT 4,999,787,712 and the camera branch 1,415,761,920

# Wan2.1-I2V-14B-480P, which one description of the paper names as its backbone (docs/model.md, "Wan2.1-I2V-14B").
WAN21_I2V_14B = MappingProxyType[str, Any](
    {
        "patch_size": (1, 2, 2),
        "num_attention_heads": 40,
        "attention_head_dim": 128,
        "in_channels": 36,  # 16 noised, 4 mask, 16 given
        "out_channels": 16,
        "text_dim": 4096,
        "freq_dim": 256,
        "ffn_dim": 13824,
        "num_layers": 40,
        "image_dim": 1280,  # CLIP ViT-H/14
        "added_kv_proj_dim": 5120,
        "camera": "pooled",
        "camera_channels": 32,
        "camera_pool": (16, 16, 16),
    }
)

# The VAE of Wan2.2-TI2V-5B: 16 px and 4 frames per latent. Its latents' means and deviations are in the configuration
# file that comes with the weights.
WAN22_VAE = MappingProxyType[str, Any](
    {
        "base_dim": 160,
        "decoder_base_dim": 256,
        "z_dim": 48,
        "is_residual": True,
        "in_channels": 12,
        "out_channels": 12,
        "patch_size": 2,
        "scale_factor_spatial": 16,
        "scale_factor_temporal": 4,
    }
)

# UMT5-XXL's encoder, the text encoder of all Wan models.
UMT5_XXL = MappingProxyType[str, Any](
    {
        "vocab_size": 256384,
        "d_model": 4096,
        "d_kv": 64,
        "d_ff": 10240,
        "num_layers": 24,
        "num_heads": 64,
        "relative_attention_num_buckets": 32,
        "feed_forward_proj": "gated-gelu",
        "dropout_rate": 0.0,
    }
)

# The embedded model: the same network, small enough for a laptop's CPU, with the options that a network this small
# needs to learn (each value is explained in docs/model.md).
EMBEDDED = MappingProxyType[str, Any](
    {
        "patch_size": (1, 2, 2),
        "num_attention_heads": 4,
        "attention_head_dim": 64,
        "in_channels": 48,
        "out_channels": 48,
        "text_dim": 192,
        "freq_dim": 256,
        "ffn_dim": 1024,
        "num_layers": 8,
        "camera": "per_token",
        "camera_channels": 6,
        "timestep_per_token": True,
        "two_stage": True,
        "prediction": "x0",
        "segment_layers": True,
        "relative_rgb": True,
        "kept_positions": True,
    }
)

# The embedded model's text encoder: T5's encoder over bytes (ByT5's tokenizer: 256 bytes, 3 special, 125 unused).
BYTE_ENCODER = MappingProxyType[str, Any](
    {
        "vocab_size": 384,
        "d_model": 192,
        "d_kv": 48,
        "d_ff": 384,
        "num_layers": 2,
        "num_heads": 4,
        "relative_attention_num_buckets": 32,
        "feed_forward_proj": "gated-gelu",
        "dropout_rate": 0.0,
    }
)

# A size for tests and demonstrations: the release's architecture, seconds on one core.
TINY = MappingProxyType[str, Any](
    {
        "patch_size": (1, 2, 2),
        "num_attention_heads": 2,
        "attention_head_dim": 32,
        "in_channels": 16,
        "out_channels": 16,
        "text_dim": 32,
        "freq_dim": 32,
        "ffn_dim": 128,
        "num_layers": 2,
        "camera": "pooled",
        "camera_channels": 32,
        "camera_pool": (16, 4, 4),
    }
)
