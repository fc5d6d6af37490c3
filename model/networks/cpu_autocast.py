"""Autocast for small models on a CPU: weights in 32 bits, products in 16 where that is faster on this machine."""

import contextlib
import warnings
from typing import Any

import torch

from model.networks.cpu_attention import PlainAttention
from model.networks.precision import dtype_of, fastest_precision

_CHOSEN = "_products_in"  # a private attribute of the transformer


def choose_autocast(transformer: Any, device: torch.device, precision: str | None = None) -> str:
    """Measure the faster precision (some milliseconds), or take `precision`, "bf16" or "fp32", for `cpu_autocast`."""
    chosen = precision or fastest_precision(device)
    setattr(transformer, _CHOSEN, dtype_of(chosen) if device.type == "cpu" else torch.float32)
    return chosen


@contextlib.contextmanager
def cpu_autocast(transformer: Any):
    """Run the transformer's passes in the precision chosen for it, or unchanged."""
    dtype = getattr(transformer, _CHOSEN, torch.float32)
    if dtype == torch.float32:
        yield
        return
    with torch.autocast("cpu", dtype=dtype), PlainAttention(), warnings.catch_warnings():
        # Normalisation with 32-bit weights is not fused, about which torch warns once.
        warnings.filterwarnings("ignore", "Mismatch dtype between input and weight")
        yield
