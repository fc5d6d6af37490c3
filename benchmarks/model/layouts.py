"""Tiny checkpoints in the layouts of the published models, built from their descriptions alone.

No code of the program is used here: names and shapes are those of Wan's and Action Images' own files.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch


@dataclass(frozen=True)
class TinyWan:
    """Sizes of a transformer in Wan's original layout; the defaults are a small Wan2.2-TI2V."""

    width: int = 48
    heads: int = 2
    layers: int = 2
    ffn: int = 64
    in_channels: int = 8
    out_channels: int = 8
    text: int = 24
    freq: int = 16
    pool: tuple[int, int, int] | None = (8, 4, 4)
    image: int | None = None


def transformer_shapes(size: TinyWan) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of the original files, by name."""
    d = size.width
    shapes: dict[str, tuple[int, ...]] = {"patch_embedding.weight": (d, size.in_channels, 1, 2, 2)}
    shapes["patch_embedding.bias"] = (d,)

    def linear(name: str, inputs: int, outputs: int) -> None:
        shapes[f"{name}.weight"] = (outputs, inputs)
        shapes[f"{name}.bias"] = (outputs,)

    linear("text_embedding.0", size.text, d)
    linear("text_embedding.2", d, d)
    linear("time_embedding.0", size.freq, d)
    linear("time_embedding.2", d, d)
    linear("time_projection.1", d, 6 * d)
    for i in range(size.layers):
        block = f"blocks.{i}"
        for attention in ("self_attn", "cross_attn"):
            for part in "qkvo":
                linear(f"{block}.{attention}.{part}", d, d)
            shapes[f"{block}.{attention}.norm_q.weight"] = shapes[f"{block}.{attention}.norm_k.weight"] = (d,)
        if size.image:
            linear(f"{block}.cross_attn.k_img", d, d)
            linear(f"{block}.cross_attn.v_img", d, d)
            shapes[f"{block}.cross_attn.norm_k_img.weight"] = (d,)
        shapes[f"{block}.norm3.weight"] = shapes[f"{block}.norm3.bias"] = (d,)
        linear(f"{block}.ffn.0", d, size.ffn)
        linear(f"{block}.ffn.2", size.ffn, d)
        shapes[f"{block}.modulation"] = (1, 6, d)
        if size.pool:
            linear(f"{block}.cam_encoder.2", size.pool[0] * size.pool[1] * size.pool[2], d)
            linear(f"{block}.projector", d, d)
    if size.image:
        shapes["img_emb.proj.0.weight"] = shapes["img_emb.proj.0.bias"] = (size.image,)
        linear("img_emb.proj.1", size.image, size.image)
        linear("img_emb.proj.3", size.image, d)
        shapes["img_emb.proj.4.weight"] = shapes["img_emb.proj.4.bias"] = (d,)
    linear("head.head", d, size.out_channels * 4)
    shapes["head.modulation"] = (1, 2, d)
    return shapes


def vae_shapes(
    base: int = 4, decoder_base: int = 8, z: int = 6, mult: tuple[int, ...] = (1, 2, 2, 2), blocks: int = 2
) -> dict[str, tuple[int, ...]]:
    """Return every tensor of Wan2.2_VAE.pth's layout, small; time is halved in the second and third stage, as there."""
    shapes: dict[str, tuple[int, ...]] = {}

    def conv(name: str, inputs: int, outputs: int, *kernel: int) -> None:
        shapes[f"{name}.weight"] = (outputs, inputs, *kernel)
        shapes[f"{name}.bias"] = (outputs,)

    def residual(name: str, inputs: int, outputs: int) -> None:
        shapes[f"{name}.residual.0.gamma"] = (inputs, 1, 1, 1)
        conv(f"{name}.residual.2", inputs, outputs, 3, 3, 3)
        shapes[f"{name}.residual.3.gamma"] = (outputs, 1, 1, 1)
        conv(f"{name}.residual.6", outputs, outputs, 3, 3, 3)
        if inputs != outputs:
            conv(f"{name}.shortcut", inputs, outputs, 1, 1, 1)

    def middle(name: str, width: int) -> None:
        residual(f"{name}.0", width, width)
        shapes[f"{name}.1.norm.gamma"] = (width, 1, 1)
        conv(f"{name}.1.to_qkv", width, 3 * width, 1, 1)
        conv(f"{name}.1.proj", width, width, 1, 1)
        residual(f"{name}.2", width, width)

    def side(name: str, stages: str, widths: list[int], count: int, ends: tuple[int, int], down: bool) -> None:
        conv(f"{name}.conv1", ends[0], widths[0], 3, 3, 3)
        in_time = [False, True, True] if down else [True, True, False]
        for i, (inputs, outputs) in enumerate(pairwise(widths)):
            for j in range(count):
                residual(f"{name}.{stages}.{i}.{stages}.{j}", inputs if j == 0 else outputs, outputs)
            if i < len(widths) - 2:
                sampler = f"{name}.{stages}.{i}.{stages}.{count}"
                conv(f"{sampler}.resample.1", outputs, outputs, 3, 3)
                if in_time[i]:
                    conv(f"{sampler}.time_conv", outputs, outputs if down else 2 * outputs, 3, 1, 1)
        middle(f"{name}.middle", widths[-1] if down else widths[0])
        shapes[f"{name}.head.0.gamma"] = (widths[-1], 1, 1, 1)
        conv(f"{name}.head.2", widths[-1], ends[1], 3, 3, 3)

    up = [mult[-1], *mult[::-1]]
    side("encoder", "downsamples", [base * m for m in (1, *mult)], blocks, (12, 2 * z), down=True)
    side("decoder", "upsamples", [decoder_base * m for m in up], blocks + 1, (z, 12), down=False)
    conv("conv1", 2 * z, 2 * z, 1, 1, 1)
    conv("conv2", z, z, 1, 1, 1)
    return shapes


def text_shapes(vocabulary: int = 50, width: int = 24, ffn: int = 40, heads: int = 3, layers: int = 2):
    """Return every tensor of models_t5_umt5-xxl-enc-bf16.pth's layout, small; heads are 8 wide."""
    inner = 8 * heads
    shapes: dict[str, tuple[int, ...]] = {"token_embedding.weight": (vocabulary, width), "norm.weight": (width,)}
    for i in range(layers):
        for part in "qkv":
            shapes[f"blocks.{i}.attn.{part}.weight"] = (inner, width)
        shapes[f"blocks.{i}.attn.o.weight"] = (width, inner)
        shapes[f"blocks.{i}.norm1.weight"] = shapes[f"blocks.{i}.norm2.weight"] = (width,)
        shapes[f"blocks.{i}.pos_embedding.embedding.weight"] = (32, heads)
        shapes[f"blocks.{i}.ffn.gate.0.weight"] = shapes[f"blocks.{i}.ffn.fc1.weight"] = (ffn, width)
        shapes[f"blocks.{i}.ffn.fc2.weight"] = (width, ffn)
    return shapes


def random_tensors(shapes: dict[str, tuple[int, ...]], seed: int = 0, dtype: torch.dtype = torch.float32):
    """Draw random values for every tensor, all different from those of an initialised model."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, shape in shapes.items():
        inputs = max(1, torch.Size(shape[1:]).numel())
        spread = torch.randn(shape, generator=generator)
        near_one = name.endswith("gamma") or ("norm" in name and name.endswith("weight"))
        tensors[name] = (1.0 + 0.2 * spread if near_one else spread / inputs**0.5).to(dtype)
    return tensors
