"""Choice of the floating-point format: its speed differs between processors."""

import time

import torch


def fastest_precision(device: torch.device) -> str:
    """Return "bf16" where matrix products are faster in it, "fp32" otherwise.

    bfloat16 is fast on GPUs and on processors with AVX512-BF16 or AMX; elsewhere it is emulated and slower.
    """
    if device.type != "cpu":
        return "bf16"
    seconds = {"bf16": float("inf"), "fp32": float("inf")}
    for name in ("fp32", "bf16", "fp32", "bf16", "fp32", "bf16"):  # interleaved: other load affects both alike
        matrix = torch.ones(384, 384, dtype=dtype_of(name))
        began = time.perf_counter()
        for _ in range(4):
            torch.mm(matrix, matrix)
        seconds[name] = min(seconds[name], time.perf_counter() - began)
    return min(seconds, key=lambda name: seconds[name])


def dtype_of(precision: str) -> torch.dtype:
    return {"bf16": torch.bfloat16, "fp32": torch.float32}[precision]
