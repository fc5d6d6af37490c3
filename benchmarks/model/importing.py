"""Import of published weights, and cancellation of a generation: parts of `rehearse benchmark model`.

Run as a program, it imports one file and prints the memory used: in a process of its own, whose allocator holds nothing
from before.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.checks import Check, say
from benchmarks.model.layouts import TinyWan, transformer_shapes
from benchmarks.model.scene import scene
from model.checkpoints.importing import import_model
from model.checkpoints.memory_estimate import anonymous_bytes
from model.errors import GenerationCancelled
from model.generation.untrained import tiny_pipeline
from model.service.client import ModelProcess

_SHARD_BYTES = 256 << 20
_SAMPLE_EVERY = 0.002  # s
_STEPS = 100_000  # so many that no generation ends by itself


def measure(quick: bool) -> list[Check]:
    """Run both checks; `quick` writes a tenth of the file, and cancels a tenth as often."""
    return [import_peak_ratio(1 if quick else 9), cancel_ms(3 if quick else 30)]


def import_peak_ratio(layers: int) -> Check:
    """Return the peak private memory of an import over the largest file it writes; 1.2 GB of weights."""
    say("importing a checkpoint in the released layout")
    size = TinyWan(width=1024, heads=8, layers=layers, ffn=4096, in_channels=48, out_channels=48, text=4096, freq=256,
                   pool=(48, 16, 16))  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="rehearse-import-") as folder:
        checkpoint, made = Path(folder) / "released.ckpt", Path(folder) / "made"
        tensors = {name: torch.zeros(shape) for name, shape in transformer_shapes(size).items()}
        for tensor in tensors.values():
            tensor.fill_(float(np.random.default_rng(tensor.numel()).normal()))
        torch.save(tensors, checkpoint)
        say(f"{checkpoint.stat().st_size / 1e9:.2f} GB")
        del tensors
        command = [sys.executable, "-m", "benchmarks.model.importing", str(checkpoint), str(made)]
        done = subprocess.run(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, check=True, text=True)
    peak, shard = json.loads(done.stdout.splitlines()[-1])
    return Check("import_peak_ratio", peak / shard, "", "<= 1.2")


def cancel_ms(times: int) -> Check:
    """Measure the worst time from the user's cancellation to the generation's end; goal: a usual step and 100 ms."""
    say("cancelling a generation")
    worst, steps = 0.0, []
    with tempfile.TemporaryDirectory(prefix="rehearse-cancel-") as folder:
        tiny_pipeline().save_pretrained(folder)
        with ModelProcess(Path(folder), device="cpu", threads=1) as model:
            model.load(warm=True)
            for chance in np.random.default_rng(0).uniform(0.1, 0.4, times):
                waited, step = _cancelled_after(model, float(chance))
                worst = max(worst, waited)
                steps.append(step)
    return Check("cancel_ms", 1e3 * worst, "ms", f"<= {1e3 * np.median(steps) + 100:.0f}")


def _cancelled_after(model: ModelProcess, seconds: float) -> tuple[float, float]:
    """Return how long the cancellation took, and the median step before it, s."""
    moments: list[float] = []
    pressed: list[float] = []

    def cancelled() -> bool:
        if len(moments) > 2 and time.monotonic() - moments[0] > seconds and not pressed:
            pressed.append(time.monotonic())
        return bool(pressed)

    try:
        model.generate(
            "pick up the red cube", scene(64, 64), num_inference_steps=_STEPS, cancelled=cancelled,
            on_progress=lambda progress: moments.append(time.monotonic()),
        )  # fmt: skip
    except GenerationCancelled:
        return time.monotonic() - pressed[0], float(np.median(np.diff(moments)))
    raise AssertionError("the generation ended before it was cancelled")


def _import_measured(checkpoint: Path, folder: Path) -> tuple[int, int]:
    """Return the peak anonymous memory above that before the import, and the largest file, in bytes."""
    before, peak, done = anonymous_bytes(), 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(_SAMPLE_EVERY):
            peak = max(peak, anonymous_bytes() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        made = import_model(checkpoint, folder, shard_bytes=_SHARD_BYTES)
    finally:
        done.set()
        watcher.join()
    return peak, made.largest_shard


if __name__ == "__main__":
    print(json.dumps(_import_measured(Path(sys.argv[1]), Path(sys.argv[2]))))
