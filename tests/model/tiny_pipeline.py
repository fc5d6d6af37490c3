"""Tiny random pipeline in a folder; also a program, so that a test need not load torch for it twice."""

import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, FlowMatchEulerDiscreteScheduler

from model.generation.pipeline import ActionImagesPipeline
from model.networks.text_encoding import byte_encoder, byte_tokenizer
from model.networks.transformer import ActionImagesTransformer


def tiny_pipeline(layers: int = 2, width: int = 32) -> ActionImagesPipeline:
    """Make a pipeline of two heads of `width` / 2; 5 frames of 64 x 64 px, 4 steps."""
    torch.manual_seed(0)
    vae = AutoencoderKLWan(
        base_dim=4, decoder_base_dim=4, z_dim=6, dim_mult=[1, 1, 1, 1], num_res_blocks=1,
        temperal_downsample=[False, True, True], is_residual=True, in_channels=12, out_channels=12, patch_size=2,
        scale_factor_spatial=16, scale_factor_temporal=4, latents_mean=[0.0] * 6, latents_std=[1.0] * 6,
    )  # fmt: skip
    transformer = ActionImagesTransformer(
        num_attention_heads=2, attention_head_dim=width // 2, in_channels=6, out_channels=6, text_dim=32, freq_dim=16,
        ffn_dim=2 * width, num_layers=layers, camera_channels=12, camera_pool=(6, 2, 2),
    )  # fmt: skip
    encoder = byte_encoder(d_model=32, d_kv=16, d_ff=32, num_layers=1, num_heads=2)
    return ActionImagesPipeline(
        transformer, vae, encoder, byte_tokenizer(), FlowMatchEulerDiscreteScheduler(shift=5.0),
        height=64, width=64, num_frames=5, num_inference_steps=4, guidance_scale=1.0, max_text_length=64,
    )  # fmt: skip


if __name__ == "__main__":
    tiny_pipeline().save_pretrained(Path(sys.argv[1]))
