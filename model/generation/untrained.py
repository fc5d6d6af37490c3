"""New, untrained pipelines: the embedded model before its training, and tiny ones for tests."""

from typing import Any

import torch
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler

from model.generation.pipeline import ActionImagesPipeline
from model.networks.codec import tiny_wan
from model.networks.sizes import EMBEDDED, TINY
from model.networks.text_encoding import byte_encoder, byte_tokenizer
from model.networks.transformer import ActionImagesTransformer

SHIFT = 5.0  # the release's, in training and generation


def euler(shift: float = SHIFT) -> FlowMatchEulerDiscreteScheduler:
    """Return an Euler scheduler for the flow, as used by the release."""
    return FlowMatchEulerDiscreteScheduler(shift=shift)


def unipc(shift: float = SHIFT) -> UniPCMultistepScheduler:
    """Return a UniPC multistep scheduler for the same flow: equally good in fewer steps, for models that need many."""
    return UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift)


def embedded_pipeline(
    codec: Any, *, seed: int = 0, transformer: dict[str, Any] | None = None, **settings: Any
) -> ActionImagesPipeline:
    """Build the embedded model, untrained, over a codec of 48 channels; `settings` are the pipeline's."""
    usual = {"height": 64, "width": 64, "num_frames": 17, "num_inference_steps": 4, "guidance_scale": 1.0}
    usual |= {"max_text_length": 96, "picture_part": "workspace", "rehearsal_mode": "policy"}
    usual |= {"knows_video": False}
    return _pipeline({**EMBEDDED, **(transformer or {})}, codec, seed, {**usual, **settings})


def tiny_pipeline(*, seed: int = 0, transformer: dict[str, Any] | None = None, **settings: Any) -> ActionImagesPipeline:
    """Build the release's architecture at a size that runs in seconds, with random weights in every layer."""
    usual = {"height": 64, "width": 64, "num_frames": 5, "num_inference_steps": 3, "guidance_scale": 2.0}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        codec = tiny_wan(z_dim=16, base_dim=8).eval()
    pipeline = _pipeline({**TINY, **(transformer or {})}, codec, seed, {**usual, "max_text_length": 64, **settings})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 1)
        for block in pipeline.transformer.blocks:  # at its initial values the camera branch would have no effect
            torch.nn.init.normal_(block.attn1.cam_encoder.weight, std=0.02)
    return pipeline


def _pipeline(transformer: dict[str, Any], codec: Any, seed: int, settings: dict[str, Any]) -> ActionImagesPipeline:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ActionImagesTransformer(**transformer).eval()
        encoder = byte_encoder(d_model=transformer["text_dim"]).eval()
    pipeline = ActionImagesPipeline(network, codec, encoder, byte_tokenizer(), euler(), **settings)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
