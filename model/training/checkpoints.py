"""Checkpoints of a run: folders that are written atomically.

    RUN/step-0000500/   state.json (step, settings, SHA-256 of each file), weights.safetensors, averaged.safetensors,
                        optimisers.safetensors
    RUN/step-0000500.<process>.part/   one being written; after a crash, removed at the next start

No pickle. Only trained parameters are in `weights` and `averaged`: of a LoRA run, the adapters.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from model.errors import ModelError

_PREFIX, _PART = "step-", ".part"
_FILES = ("weights", "averaged", "optimisers")


@dataclass(frozen=True)
class Checkpoint:
    """State after `step` steps: tensors by name, and further plain JSON values."""

    step: int
    weights: Mapping[str, torch.Tensor]
    averaged: Mapping[str, torch.Tensor]
    optimisers: Mapping[str, torch.Tensor]
    about: Mapping[str, Any]


def save_checkpoint(run: Path, checkpoint: Checkpoint, *, kept: int) -> Path:
    """Write a checkpoint into the folder `run`, and delete all but the `kept` newest.

    ModelError when writing fails; no partial data then carries a checkpoint's name.
    """
    target = run / f"{_PREFIX}{checkpoint.step:07d}"
    part = run / f"{target.name}.{os.getpid()}{_PART}"
    try:
        run.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        _write(part, checkpoint)
        if target.exists():  # a run resumed from an earlier checkpoint writes the same again
            shutil.rmtree(target)
        part.rename(target)
        _sync(run)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise ModelError(f"The checkpoint {target} cannot be written: {error.strerror}. Make room, or choose another "
                         "folder; training can then go on from the last checkpoint.") from error  # fmt: skip
    for old in checkpoints(run)[:-kept]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def checkpoints(run: Path) -> list[Path]:
    """Return the run's complete checkpoints, oldest first."""
    if not run.is_dir():
        return []
    return sorted(path for path in run.glob(f"{_PREFIX}*") if path.suffix != _PART and path.is_dir())


@contextlib.contextmanager
def held(run: Path) -> Iterator[None]:
    """Lock the folder `run` for this process; the lock ends with the process, however that ends.

    ModelError when another process trains there.
    """
    run.mkdir(parents=True, exist_ok=True)
    with (run / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ModelError(f"A training is already running in {run}. Wait for it, or stop it.") from error
        yield


def clear_parts(run: Path) -> None:
    """Remove the partial checkpoints of a killed run."""
    for path in run.glob(f"{_PREFIX}*{_PART}"):
        shutil.rmtree(path, ignore_errors=True)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint. ModelError when it is damaged, naming the file."""
    try:
        about = json.loads((path / "state.json").read_text())
        step, sums = int(about["step"]), dict(about["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(_damaged(path, "state.json")) from error
    tensors = {}
    for name in _FILES:
        file = path / f"{name}.safetensors"
        try:
            if _digest(file) != sums.get(file.name):
                raise ModelError(_damaged(path, file.name))
            tensors[name] = load_file(file)
        except (OSError, SafetensorError) as error:
            raise ModelError(_damaged(path, file.name)) from error
    return Checkpoint(step, **tensors, about=about)


def _write(part: Path, checkpoint: Checkpoint) -> None:
    sums = {}
    for name in _FILES:
        file = part / f"{name}.safetensors"
        save_file({key: tensor.detach().cpu().contiguous() for key, tensor in getattr(checkpoint, name).items()}, file)
        sums[file.name] = _digest(file)
        _sync(file)
    state = part / "state.json"
    state.write_text(json.dumps({**checkpoint.about, "step": checkpoint.step, "sha256": sums}, indent=1))
    _sync(state)
    _sync(part)


def _sync(path: Path) -> None:
    """Flush to disk, not only to the kernel; folders cannot be synced on every file system."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with contextlib.suppress(PermissionError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _damaged(path: Path, file: str) -> str:
    return f"The checkpoint {path} is damaged ({file}). Delete that folder; training goes on from the one before it."
