"""Mapping of tensor names in the published files to those of diffusers and transformers.

Every table is one-to-one. Unknown names are kept, so that the check against the model reports them.
"""

import re
from collections.abc import Iterable

# (pattern, replacement), the first full match wins
Rules = tuple[tuple[str, str], ...]

_ATTENTION = {"q": "to_q", "k": "to_k", "v": "to_v", "o": "to_out.0", "k_img": "add_k_proj", "v_img": "add_v_proj"}
_ATTENTION |= {"norm_q": "norm_q", "norm_k": "norm_k", "norm_k_img": "norm_added_k"}

# Wan's diffusion transformer, with the camera branch of the published Action Images weights.
TRANSFORMER: Rules = (
    (r"blocks\.(\d+)\.cam_encoder\.2\.(weight|bias)", r"blocks.\1.attn1.cam_encoder.\2"),
    (r"blocks\.(\d+)\.projector\.(weight|bias)", r"blocks.\1.attn1.projector.\2"),
    *(
        (rf"blocks\.(\d+)\.{old}_attn\.{part}\.(weight|bias)", rf"blocks.\1.{new}.{name}.\2")
        for old, new in (("self", "attn1"), ("cross", "attn2"))
        for part, name in _ATTENTION.items()
    ),
    # Wan's norm3 precedes the cross-attention; in diffusers it is the second norm.
    (r"blocks\.(\d+)\.norm3\.(weight|bias)", r"blocks.\1.norm2.\2"),
    (r"blocks\.(\d+)\.ffn\.0\.(weight|bias)", r"blocks.\1.ffn.net.0.proj.\2"),
    (r"blocks\.(\d+)\.ffn\.2\.(weight|bias)", r"blocks.\1.ffn.net.2.\2"),
    (r"blocks\.(\d+)\.modulation", r"blocks.\1.scale_shift_table"),
    (r"text_embedding\.0\.(weight|bias)", r"condition_embedder.text_embedder.linear_1.\1"),
    (r"text_embedding\.2\.(weight|bias)", r"condition_embedder.text_embedder.linear_2.\1"),
    (r"time_embedding\.0\.(weight|bias)", r"condition_embedder.time_embedder.linear_1.\1"),
    (r"time_embedding\.2\.(weight|bias)", r"condition_embedder.time_embedder.linear_2.\1"),
    (r"time_projection\.1\.(weight|bias)", r"condition_embedder.time_proj.\1"),
    # Image-to-video models of Wan 2.1: the projection of the CLIP features.
    (r"img_emb\.proj\.0\.(weight|bias)", r"condition_embedder.image_embedder.norm1.\1"),
    (r"img_emb\.proj\.1\.(weight|bias)", r"condition_embedder.image_embedder.ff.net.0.proj.\1"),
    (r"img_emb\.proj\.3\.(weight|bias)", r"condition_embedder.image_embedder.ff.net.2.\1"),
    (r"img_emb\.proj\.4\.(weight|bias)", r"condition_embedder.image_embedder.norm2.\1"),
    (r"img_emb\.emb_pos", r"condition_embedder.image_embedder.pos_embed"),
    (r"head\.head\.(weight|bias)", r"proj_out.\1"),
    (r"head\.modulation", r"scale_shift_table"),
)

_RESIDUAL = {"residual.0": "norm1", "residual.2": "conv1", "residual.3": "norm2", "residual.6": "conv2"}
_RESIDUAL |= {"shortcut": "conv_shortcut"}
_LEAF = r"(weight|bias|gamma)"
_SIDES = (("encoder", "downsamples", "down_blocks", "downsampler"), ("decoder", "upsamples", "up_blocks", "upsampler"))

# The VAE of Wan 2.2, with blocks nested in stages (Wan 2.1's are flat: diffusers has a converter for those).
VAE: Rules = (
    *(
        (rf"{side}\.{old}\.(\d+)\.{old}\.(\d+)\.{re.escape(part)}\.{_LEAF}", rf"{side}.{new}.\1.resnets.\2.{name}.\3")
        for side, old, new, _ in _SIDES
        for part, name in _RESIDUAL.items()
    ),
    *(
        (rf"{side}\.{old}\.(\d+)\.{old}\.\d+\.(resample\.1|time_conv)\.{_LEAF}", rf"{side}.{new}.\1.{sampler}.\2.\3")
        for side, old, new, sampler in _SIDES
    ),
    *(
        (rf"(encoder|decoder)\.middle\.{place}\.{re.escape(old)}\.{_LEAF}", rf"\1.mid_block.resnets.{index}.{new}.\2")
        for place, index in ((0, 0), (2, 1))
        for old, new in _RESIDUAL.items()
    ),
    (rf"(encoder|decoder)\.middle\.1\.(norm|to_qkv|proj)\.{_LEAF}", r"\1.mid_block.attentions.0.\2.\3"),
    (r"(encoder|decoder)\.head\.0\.gamma", r"\1.norm_out.gamma"),
    (r"(encoder|decoder)\.head\.2\.(weight|bias)", r"\1.conv_out.\2"),
    (r"(encoder|decoder)\.conv1\.(weight|bias)", r"\1.conv_in.\2"),
    (r"conv1\.(weight|bias)", r"quant_conv.\1"),
    (r"conv2\.(weight|bias)", r"post_quant_conv.\1"),
)

# UMT5's encoder as saved by Wan's authors, and its names in transformers.
TEXT_ENCODER: Rules = (
    (r"token_embedding\.weight", r"shared.weight"),
    (r"norm\.weight", r"encoder.final_layer_norm.weight"),
    (r"blocks\.(\d+)\.norm1\.weight", r"encoder.block.\1.layer.0.layer_norm.weight"),
    (r"blocks\.(\d+)\.norm2\.weight", r"encoder.block.\1.layer.1.layer_norm.weight"),
    (r"blocks\.(\d+)\.attn\.([qkvo])\.weight", r"encoder.block.\1.layer.0.SelfAttention.\2.weight"),
    (
        r"blocks\.(\d+)\.pos_embedding\.embedding\.weight",
        r"encoder.block.\1.layer.0.SelfAttention.relative_attention_bias.weight",
    ),
    (r"blocks\.(\d+)\.ffn\.gate\.0\.weight", r"encoder.block.\1.layer.1.DenseReluDense.wi_0.weight"),
    (r"blocks\.(\d+)\.ffn\.fc1\.weight", r"encoder.block.\1.layer.1.DenseReluDense.wi_1.weight"),
    (r"blocks\.(\d+)\.ffn\.fc2\.weight", r"encoder.block.\1.layer.1.DenseReluDense.wo.weight"),
)

# Prefixes that training programs add to every name.
_PREFIXES = ("_orig_mod.", "module.", "pipe.dit.", "dit.", "transformer.", "model.diffusion_model.", "model.")


def renamed(names: Iterable[str], rules: Rules) -> dict[str, str]:
    """Map each published name to the library's name; prefixes common to all names are removed."""
    compiled = [(re.compile(pattern), replacement) for pattern, replacement in rules]
    result = {}
    for name, bare in without_prefix(names).items():
        fitting = ((rule.fullmatch(bare), replacement) for rule, replacement in compiled)
        result[name] = next((match.expand(replacement) for match, replacement in fitting if match), bare)
    return result


def without_prefix(names: Iterable[str]) -> dict[str, str]:
    """Map each name to the name without prefixes of training programs (`module.` and the like) common to all."""
    bare = {name: name for name in names}
    while bare:
        shared = next((p for p in _PREFIXES if all(name.startswith(p) for name in bare.values())), None)
        if shared is None:
            break
        bare = {name: short.removeprefix(shared) for name, short in bare.items()}
    return bare
