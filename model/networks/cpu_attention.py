"""Attention in bfloat16 on a CPU as two matrix products and a softmax.

PyTorch's fused attention is optimised for long sequences; at the few hundred tokens of a small model its backward pass
in bfloat16 takes three to four times as long as the plain formula (torch 2.13, AVX512-BF16).
"""

from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import TorchFunctionMode

_MOST_KEYS = 2048  # beyond, the attention matrix no longer fits the caches


class PlainAttention(TorchFunctionMode):
    """Context in which unmasked bfloat16 attention on the CPU is computed by the plain formula."""

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        if func is not scaled_dot_product_attention:
            return func(*args, **kwargs)
        given: dict[str, Any] = (
            dict(zip(("query", "key", "value", "attn_mask", "dropout_p", "is_causal"), args, strict=False)) | kwargs
        )
        if not _plain(given):
            return func(*args, **kwargs)
        query, key, value = (given[name].to(torch.bfloat16) for name in ("query", "key", "value"))
        scale = given.get("scale") or query.shape[-1] ** -0.5
        with torch.autocast("cpu", enabled=False):
            weights = torch.softmax(query @ key.mT * scale, dim=-1)
            return weights @ value


def _plain(given: dict[str, Any]) -> bool:
    """Return True for calls on which the plain formula is faster."""
    query, key = given["query"], given["key"]
    bf16 = query.dtype == torch.bfloat16 or (
        torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
    )
    special = given.get("attn_mask") is not None or given.get("is_causal") or given.get("dropout_p")
    return bf16 and query.device.type == "cpu" and not special and key.shape[-2] <= _MOST_KEYS
