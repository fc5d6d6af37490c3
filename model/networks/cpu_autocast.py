"""Small models on a processor: weights stay in 32 bits, products are computed in 16 where this is faster here."""

import contextlib
import warnings
from typing import Any

import torch

from model.networks.cpu_attention import PlainAttention
from model.networks.precision import dtype_of, fastest_precision

_CHOSEN = "_products_in"  # an attribute of the transformer that nothing else reads


def choose_autocast(transformer: Any, device: torch.device, precision: str | None = None) -> str:
    """Measure (some milliseconds) or take `precision`, "bf16" or "fp32"; `cpu_autocast` then computes in it."""
    chosen = precision or fastest_precision(device)
    setattr(transformer, _CHOSEN, dtype_of(chosen) if device.type == "cpu" else torch.float32)
    return chosen


@contextlib.contextmanager
def cpu_autocast(transformer: Any):
    """A context for passes of the transformer: as was chosen for it, or as it is."""
    dtype = getattr(transformer, _CHOSEN, torch.float32)
    if dtype == torch.float32:
        yield
        return
    with torch.autocast("cpu", dtype=dtype), PlainAttention(), warnings.catch_warnings():
        # Normalisation with weights in 32 bits is not fused, which torch says once.
        warnings.filterwarnings("ignore", "Mismatch dtype between input and weight")
        yield
