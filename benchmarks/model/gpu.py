"""Full-size model on a GPU, random weights: seconds, memory, share of peak FLOP/s, beside bare diffusers.

The canvas is the release's: two views, 41 frames of 512 x 512 px, 11,264 tokens. Only the denoising is timed; text
encoder and autoencoder are the same in every program. Bare diffusers is its WanTransformer3DModel, of equal shapes, in
the same loop. Nothing is measured, and nothing printed, where there is no GPU.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from peft import LoraConfig
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.checks import Check, say
from benchmarks.model.speed import transformers
from model.generation.canvas import Canvas
from model.generation.sampling import Conditions, Predictor, Reuse, denoise, stages
from model.generation.untrained import euler
from model.networks.sizes import WAN22_TI2V_5B
from model.networks.step_caching import switch_cache

_LORA = ("to_q", "to_k", "to_v", "to_out.0", "cam_encoder", "projector")
# Steps, guidance.
_RUNS = {"50_steps_guided": (50, 7.5), "10_steps": (10, 1.0), "4_steps": (4, 1.0)}


@dataclass(frozen=True)
class Size:
    """Measured size: the transformer's configuration and the canvas's latents."""

    config: Mapping[str, Any]
    latent_frames: int = 11
    latent_size: int = 32
    words: int = 512


@dataclass(eq=False)
class Bench:
    """One transformer, ours or bare, with random inputs on its device."""

    size: Size
    transformer: Any
    bare: bool
    device: torch.device
    dtype: torch.dtype

    def __post_init__(self):
        self.canvas = Canvas("joint", 2, self.size.latent_frames)
        side, channels = self.size.latent_size, self.size.config["in_channels"]
        with torch.device(self.device):
            self.latents = torch.randn(1, channels, self.canvas.frames, side, side)
            words = torch.randn(2, 1, self.size.words, self.size.config["text_dim"], dtype=self.dtype)
            rays = torch.randn(1, self.canvas.frames, 2 * channels, side, side, dtype=self.dtype)
        self.conditions = Conditions(words[0], words[1], rays)

    def velocity(self, latents: torch.Tensor, timestep: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        rays = () if self.bare else (self.conditions.camera,)
        return self.transformer(latents.to(self.dtype), timestep, text, *rays, return_dict=False)[0]

    @torch.no_grad()
    def generate(self, steps: int, guidance: float, reuse: Reuse | None = None) -> None:
        network = _Bare(self.transformer) if self.bare else self.transformer
        predictor = Predictor(network, self.canvas, self.conditions, guidance, reuse)
        for _ in denoise(predictor, euler(), self.latents, [(stages(self.canvas, False)[0], steps)]):
            pass

    def train(self, optimiser: torch.optim.Optimizer) -> None:
        optimiser.zero_grad(set_to_none=True)
        noise = torch.randn_like(self.latents)
        t = torch.tensor([700.0], device=self.device)
        velocity = self.velocity(0.3 * self.latents + 0.7 * noise, t, self.conditions.text)
        (velocity.float() - (noise - self.latents)).square().mean().backward()
        optimiser.step()


class _Bare:
    """diffusers' transformer behind the arguments of ours."""

    def __init__(self, transformer: Any):
        self.transformer = transformer
        self.dtype = transformer.dtype
        self.config = _BareConfig()
        self.cache_context = transformer.cache_context

    def __call__(self, x: torch.Tensor, t: torch.Tensor, text: torch.Tensor, camera: Any, **_: Any):
        return self.transformer(x, t, text, return_dict=False)


@dataclass(frozen=True)
class _BareConfig:
    timestep_per_token: bool = False
    kept_positions: bool = False


def measure(quick: bool) -> list[Check]:
    """Measure the full-size figures; none without a GPU."""
    if not torch.cuda.is_available():
        say("no GPU: the full-size figures are left out")
        return []
    return measure_on(torch.device("cuda"), torch.bfloat16, Size(WAN22_TI2V_5B), quick)


def measure_on(device: torch.device, dtype: torch.dtype, size: Size, quick: bool) -> list[Check]:
    """Measure the figures of a size on a device."""
    peak = matmul_flops(device, dtype, 512 if device.type == "cpu" else 8192)
    checks = [Check("gpu.matmul_tflops", peak / 1e12, "TFLOP/s", "")]
    flops = forward_flops(size)
    for bare in (True, False):
        ours, theirs = transformers(dict(size.config), str(device), dtype)
        bench = Bench(size, theirs if bare else ours, bare, device, dtype)
        del ours, theirs
        name = "gpu.bare" if bare else "gpu.ours"
        checks += generations(bench, name, flops, peak, quick)
        checks += trainings(bench, name, flops, peak)
        checks += compiled(bench, name, flops, peak)
        del bench
        if device.type == "cuda":
            torch.cuda.empty_cache()
    return checks


def generations(bench: Bench, name: str, flops: float, peak: float, quick: bool) -> list[Check]:
    """Measure plain generations, and the longest run again with caches."""
    checks = []
    runs = {"4_steps": _RUNS["4_steps"]} if quick else _RUNS
    bench.generate(1, 2.0)
    for run, (steps, guidance) in runs.items():
        work = flops * steps * (1 if guidance == 1.0 else 2)
        checks += timed(bench.device, f"{name}.{run}", lambda s=steps, g=guidance: bench.generate(s, g), work, peak)
    steps, guidance = runs.get("50_steps_guided", _RUNS["4_steps"])
    for cache in ("first_block", "taylorseer"):
        switch_cache(bench.transformer, cache)
        checks += timed(bench.device, f"{name}.{cache}", lambda: bench.generate(steps, guidance), 0.0, peak)
    switch_cache(bench.transformer, None)
    checks += timed(bench.device, f"{name}.reuse", lambda: bench.generate(steps, guidance, Reuse()), 0.0, peak)
    return checks


def compiled(bench: Bench, name: str, flops: float, peak: float) -> list[Check]:
    """Measure ten steps with every block compiled; runs last, because compilation cannot be undone."""
    bench.transformer.compile_repeated_blocks()
    bench.generate(1, 1.0)
    return timed(bench.device, f"{name}.compiled_10_steps", lambda: bench.generate(10, 1.0), 10 * flops, peak)


def trainings(bench: Bench, name: str, flops: float, peak: float) -> list[Check]:
    """Measure a step of LoRA and of full training, gradients checkpointed, one canvas; FLOPs without recomputation."""
    transformer = bench.transformer.train()
    transformer.enable_gradient_checkpointing()
    checks = []
    for kind in ("lora", "full"):
        if kind == "lora":
            targets = [t for t in _LORA if not bench.bare or t.startswith("to_")]
            transformer.requires_grad_(False)
            transformer.add_adapter(LoraConfig(r=32, lora_alpha=32, target_modules=targets))
        else:
            transformer.delete_adapters("default")
            transformer.requires_grad_(True)
        trained = [parameter for parameter in transformer.parameters() if parameter.requires_grad]
        optimiser = torch.optim.AdamW(trained, lr=1e-6)
        bench.train(optimiser)
        checks += timed(bench.device, f"{name}.train_{kind}", lambda o=optimiser: bench.train(o), 3 * flops, peak)
        del optimiser, trained
    transformer.eval()
    return checks


def timed(device: torch.device, name: str, work: Callable[[], None], flops: float, peak: float) -> list[Check]:
    """Measure seconds, peak memory, and where the FLOPs are known their share of the peak."""
    say(name)
    gpu = device.type == "cuda"
    if gpu:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    begun = time.perf_counter()
    work()
    if gpu:
        torch.cuda.synchronize()
    seconds = time.perf_counter() - begun
    checks = [Check(f"{name}_s", seconds, "s", "")]
    if gpu:
        checks.append(Check(f"{name}_peak_gib", torch.cuda.max_memory_allocated() / 2**30, "GiB", ""))
    if flops:
        checks.append(Check(f"{name}_peak_flops_pct", 100.0 * flops / seconds / peak, "%", ""))
    return checks


def forward_flops(size: Size) -> float:
    """Count the floating-point operations of one forward pass of our transformer, without computing it."""
    with torch.device("meta"):
        ours, _ = transformers(dict(size.config), "meta", torch.bfloat16)
        bench = Bench(size, ours, False, torch.device("meta"), torch.bfloat16)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            bench.velocity(bench.latents, torch.ones(1), bench.conditions.text)
    return float(counter.get_total_flops())


def matmul_flops(device: torch.device, dtype: torch.dtype, n: int) -> float:
    """Measure the FLOP/s of a large matrix product on this device: the attainable peak."""
    a, b = (torch.randn(n, n, device=device, dtype=dtype) for _ in range(2))
    best = float("inf")
    for _ in range(10):
        begun = time.perf_counter()
        torch.matmul(a, b)
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - begun)
    return 2.0 * n**3 / best
