"""Training loop, shared by the transformer, the codec and the frame decoder.

Batches in, checkpoints out. A step depends on the weights, the settings and its own number alone, so that a killed run
resumes exactly from its last checkpoint (bit for bit on a CPU with the same number of threads). Several processes
(accelerate: gloo on CPUs, NCCL on GPUs) each take their share of every batch.

The exported weights are an exponential moving average (EMA), which is smoother than any single step.
"""

import contextlib
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list, gather_object
from torch import nn

from model.errors import ModelError
from model.networks.cpu_attention import PlainAttention
from model.networks.precision import dtype_of, fastest_precision
from model.training.batches import Batches, to_device
from model.training.checkpoints import Checkpoint, checkpoints, clear_parts, held, load_checkpoint, save_checkpoint
from model.training.metrics import Figures, MetricsFile
from model.training.objectives import trained
from model.training.parameters import load_optimiser_tensors, optimiser_tensors, optimisers, set_rate
from model.training.settings import TrainingSettings
from model.training.step_rng import StepRng


class Ema:
    """Exponential moving average of weights by name, with `decay`; in the first steps less, n / (9 + n)."""

    def __init__(self, parameters: Mapping[str, torch.Tensor], decay: float):
        self.decay = decay
        self.weights = {name: parameter.detach().clone() for name, parameter in parameters.items()}

    @torch.no_grad()
    def add(self, parameters: Mapping[str, torch.Tensor], step: int) -> None:
        """Update the average with the weights after step `step` = 1, 2, ..."""
        decay = min(self.decay, step / (9 + step))
        for name, average in self.weights.items():
            average.lerp_(parameters[name].detach(), 1.0 - decay)


def train(
    objective: nn.Module,
    batches: Batches,
    settings: TrainingSettings,
    run: Path,
    *,
    accelerator: Accelerator | None = None,
    on_figures: Callable[[dict[str, Any]], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Train `objective` (see objectives.Objective), resuming from the newest checkpoint in the folder `run`, if any.

    Returns the number of steps done: `settings.steps`, or fewer when `stop` returned True; a checkpoint is written
    anyway. Metrics go to metrics.jsonl and, every `log_every` steps, to `on_figures`. ModelError when the checkpoint is
    of another model, the disk is full, another run uses the folder, or the loss has diverged to a non-finite value.
    """
    with _accelerating(accelerator) as accelerator, contextlib.ExitStack() as stack:
        if accelerator.is_main_process:
            stack.enter_context(held(run))
        training = _Training(objective, settings, run, accelerator)
        if accelerator.is_main_process:
            training.metrics = stack.enter_context(MetricsFile(run, training.step))
        stack.enter_context(warnings.catch_warnings())
        # Norms keep float32 weights under autocast, as they should; PyTorch warns because that prevents fusion.
        warnings.filterwarnings("ignore", "Mismatch dtype between input and weight")
        training.go_on(batches, on_figures, stop)
        return training.step


def load_averaged(objective: nn.Module, checkpoint: Path) -> int:
    """Load a checkpoint's averaged weights (its plain ones, if it has none) into `objective`; return its step."""
    saved = load_checkpoint(checkpoint)
    _fill(trained(objective), saved.averaged or saved.weights)
    return saved.step


class _Training:
    """State of a run between two steps."""

    def __init__(self, objective: nn.Module, settings: TrainingSettings, run: Path, accelerator: Accelerator):
        self.accelerator, self.run = accelerator, run
        objective.to(accelerator.device).train()
        self.parameters = trained(objective)
        self.optimisers = optimisers(objective, settings)
        self.average = None if settings.ema is None else Ema(self.parameters, settings.ema)
        self.step, self.figures = 0, Figures()
        self.metrics: MetricsFile | None = None
        self.settings = self._resume(settings)
        self.module = self._prepared(objective)

    def go_on(self, batches: Batches, on_figures: Callable[[dict[str, Any]], None] | None, stop: Callable[[], bool]):
        settings, processes = self.settings, self.accelerator.num_processes
        source = batches(self.step * settings.micro_batches, self.accelerator.process_index, processes)
        began, samples = time.monotonic(), 0
        while self.step < settings.steps and not self._all_agree(stop()):
            count, norm = self._take_step(source)
            samples += count * processes
            if self.step % settings.log_every == 0 or self.step == settings.steps:
                seconds = time.monotonic() - began
                self._report(on_figures, {"gradient_norm": norm, "samples_per_s": round(samples / seconds, 3)})
                began, samples = time.monotonic(), 0
            if self.step % settings.checkpoint_every == 0 and self.step < settings.steps:
                self._save()
        self._save()

    def _take_step(self, source: Iterator[Any]) -> tuple[int, float]:
        """Take one step of the optimisers; return this process's samples and the gradient's norm."""
        settings, samples = self.settings, 0
        set_rate(self.optimisers, settings.rate(self.step))
        for micro in range(settings.micro_batches):
            batch = to_device(next(source), self.accelerator.device)
            first = self.accelerator.process_index * len(batch)
            moment = StepRng(settings.seed, self.step * settings.micro_batches + micro, first)
            last = micro == settings.micro_batches - 1
            with contextlib.nullcontext() if last else self.accelerator.no_sync(self.module):
                with self._autocast(), self._attention():
                    loss = self.module(batch, moment)
                self.accelerator.backward(loss.value / settings.micro_batches)
            self.figures.add(loss)
            samples += len(batch)
        norm = float(torch.nn.utils.clip_grad_norm_(self.parameters.values(), settings.gradient_clip, foreach=True))
        if not torch.isfinite(torch.tensor(norm)):
            raise ModelError(f"The training lost its way at step {self.step + 1}: the loss is no longer a number. "
                             "Start again from the last checkpoint with a lower learning rate.")  # fmt: skip
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.step += 1
        if self.average is not None:
            self.average.add(self.parameters, self.step)
        return samples, norm

    def _report(self, on_figures: Callable[[dict[str, Any]], None] | None, more: dict[str, float]) -> None:
        means = self.figures.take(gather_object)
        line = {"step": self.step, "learning_rate": self.settings.rate(self.step - 1), **means, **more}
        if self.metrics is not None:
            self.metrics.add(line)
            if on_figures is not None:
                on_figures(line)

    def _save(self) -> None:
        if self.accelerator.is_main_process and self.run / f"step-{self.step:07d}" not in checkpoints(self.run):
            state = dict(optimiser_tensors(self.optimisers))
            about = {"settings": self.settings.to_dict()}
            averaged = {} if self.average is None else self.average.weights
            checkpoint = Checkpoint(self.step, self.parameters, averaged, state, about)
            save_checkpoint(self.run, checkpoint, kept=self.settings.checkpoints_kept)
        self.accelerator.wait_for_everyone()

    def _resume(self, settings: TrainingSettings) -> TrainingSettings:
        """Load the newest checkpoint, if any; return the settings with the precision that the run began with."""
        if self.accelerator.is_main_process:
            clear_parts(self.run)
        self.accelerator.wait_for_everyone()
        precision = settings.precision
        if found := checkpoints(self.run):
            saved = load_checkpoint(found[-1])
            before = saved.about["settings"]["optimiser"]
            if before != settings.optimiser:
                raise ModelError(f"The run in {self.run} began with {before}, not {settings.optimiser}. "
                                 f"Go on with {before}, or start a new run in an empty folder.")  # fmt: skip
            _fill(self.parameters, saved.weights)
            if self.average is not None and saved.averaged:
                _fill(self.average.weights, saved.averaged)
            load_optimiser_tensors(self.optimisers, saved.optimisers)
            self.step = saved.step
            if precision == "auto":
                precision = saved.about["settings"]["precision"]
        chosen = [fastest_precision(self.accelerator.device) if precision == "auto" else precision]
        return replace(settings, precision=broadcast_object_list(chosen)[0])

    def _prepared(self, objective: nn.Module) -> Any:
        """Compile, enable gradient checkpointing, and wrap for distributed training, as the settings say."""
        transformer = getattr(objective, "transformer", None)
        if self.settings.gradient_checkpointing and transformer is not None:
            transformer.enable_gradient_checkpointing()
        if self.settings.compile and transformer is not None:
            transformer.compile_repeated_blocks()
        return self.accelerator.prepare_model(objective)

    def _autocast(self) -> torch.autocast:
        dtype = dtype_of(self.settings.precision)
        return torch.autocast(self.accelerator.device.type, dtype=dtype, enabled=dtype != torch.float32)

    def _attention(self) -> contextlib.AbstractContextManager[Any]:
        """Use plain attention on a CPU in bfloat16.

        Not with gradient checkpointing: the context does not extend to its recomputation, which must be identical.
        """
        settings = self.settings
        on_cpu = self.accelerator.device.type == "cpu" and settings.precision == "bf16"
        plain = on_cpu and not settings.compile and not settings.gradient_checkpointing
        return PlainAttention() if plain else contextlib.nullcontext()

    def _all_agree(self, stop: bool) -> bool:
        """Return the main process's decision to stop: no process may wait for one that has ended."""
        return bool(broadcast_object_list([stop])[0]) if self.accelerator.num_processes > 1 else stop


@contextlib.contextmanager
def _accelerating(accelerator: Accelerator | None) -> Iterator[Accelerator]:
    """Yield the given accelerator, or one for the number of processes in the environment (see launch.py)."""
    if accelerator is not None:
        yield accelerator
        return
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    try:
        yield accelerator
    finally:
        accelerator.end_training()


def _fill(parameters: dict[str, Any], saved: Any) -> None:
    missing, unexpected = sorted(set(parameters) - set(saved)), sorted(set(saved) - set(parameters))
    if missing or unexpected or any(parameters[name].shape != saved[name].shape for name in parameters):
        raise ModelError("The checkpoint is of another model, or of another choice of what is trained. "
                         "Start a new run in an empty folder.")  # fmt: skip
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(saved[name])
