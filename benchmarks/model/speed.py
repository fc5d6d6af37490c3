"""Cost of the camera branch beside bare diffusers, and generation time of the embedded model."""

import statistics
import time
from typing import Any

import numpy as np
import torch
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel

from benchmarks.checks import Check, say
from benchmarks.model.scene import scene
from model.generation.untrained import embedded_pipeline
from model.networks.linear_codec import LinearCodec
from model.networks.transformer import ActionImagesTransformer

# A quarter of the release's width and two of its blocks; everything else in its proportions.
QUARTER = {
    "num_attention_heads": 6,
    "ffn_dim": 3584,
    "num_layers": 2,
    "text_dim": 1024,
    "camera_pool": (12, 16, 16),
}
FRAMES, SIZE, WORDS = 12, 16, 64  # latent frames, latent height and width, tokens of text


def transformers(config: dict[str, Any], device: str = "cpu", dtype: torch.dtype = torch.float32):
    """Build our transformer, and bare diffusers' of equal shapes."""
    bare = {name: value for name, value in config.items() if not name.startswith("camera")}
    with torch.device(device):
        # The defaults of ours are the release's; diffusers' are another Wan's.
        ours: Any = ActionImagesTransformer(**config)
        known = {name: ours.config[name] for name in ("attention_head_dim", "in_channels", "out_channels")}
        theirs: Any = WanTransformer3DModel(**{**known, **bare})
    return ours.to(dtype), theirs.to(dtype)


def forward_backward_ratios(repeats: int) -> list[Check]:
    """Measure our time over bare diffusers', forward and backward, taken in turns: the median of the pairs' ratios.

    By wall-clock time, and by processor time of all threads, which other load hardly affects.
    """
    say("forward and backward beside bare diffusers")
    torch.manual_seed(0)
    ours, bare = transformers(QUARTER)
    x = torch.randn(1, 48, FRAMES, SIZE, SIZE)
    words, t = torch.randn(1, WORDS, QUARTER["text_dim"]), torch.tensor([500.0])
    rays = torch.randn(1, FRAMES, 96, SIZE, SIZE)

    def seconds(model: torch.nn.Module, *arguments: torch.Tensor) -> np.ndarray:
        model.zero_grad(set_to_none=True)
        begun = time.perf_counter(), time.process_time()
        model(x, t, words, *arguments, return_dict=False)[0].square().mean().backward()
        return np.array([time.perf_counter(), time.process_time()]) - begun

    seconds(ours, rays)
    seconds(bare)
    ratios = []
    for repeat in range(repeats):
        if repeat % 2:
            without, with_ = seconds(bare), seconds(ours, rays)
        else:
            with_, without = seconds(ours, rays), seconds(bare)
        ratios.append(with_ / without)
    wall, processor = np.median(ratios, axis=0)
    say(f"ratios by the clock {', '.join(f'{ratio:.3f}' for ratio in sorted(pair[0] for pair in ratios))}")
    return [
        Check("forward_backward_ratio", float(wall), "", "<= 1.10"),
        Check("forward_backward_processor_ratio", float(processor), "", "<= 1.10"),
    ]


def tiny_generate_s(repeats: int) -> Check:
    """Measure the median s from the request to the decoded motion: the embedded model, policy canvas, 10 steps."""
    say("the embedded model's policy")
    pipeline = embedded_pipeline(LinearCodec())
    asked = scene()

    def seconds() -> float:
        begun = time.perf_counter()
        pipeline("pick up the red cube", asked, "policy", seed=0, num_inference_steps=10)
        return time.perf_counter() - begun

    seconds()
    return Check("tiny_generate_s", statistics.median(seconds() for _ in range(repeats)), "s", "")
