"""Import of published weights into a pipeline folder: sharded safetensors, configurations, and a SHA-256 manifest.

Streaming: files are memory-mapped and copied in chunks. Everything is written to a temporary folder beside the target
and renamed at the end, so that the result is either the whole model or nothing.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import psutil
import torch
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler

from model.checkpoints import manifest
from model.checkpoints.memory_estimate import check_disk
from model.checkpoints.published_layouts import Component, backbone_settings, components_of
from model.checkpoints.released_transformer import from_released
from model.checkpoints.tensor_writing import SHARD_BYTES, Written, copy_file, stored_bytes, write_bytes, write_model
from model.errors import ModelError

__all__ = ["DTYPES", "Imported", "from_released", "import_model"]

DTYPES = {"keep": None, "bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
NEEDED = ("transformer", "vae", "text_encoder", "tokenizer", "scheduler")
_SHIFT = 5.0  # of the release's noise schedule, in training and in sampling
Report = Callable[[str, float], None]


@dataclass(frozen=True)
class Imported:
    """Result of an import: `missing` names the components without which the folder cannot generate yet."""

    folder: Path
    parts: tuple[str, ...]
    missing: tuple[str, ...]
    bytes: int
    largest_shard: int

    def as_dict(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder), "parts": list(self.parts), "missing": list(self.missing),
            "bytes": self.bytes, "largest_shard_bytes": self.largest_shard,
        }  # fmt: skip

    def as_text(self) -> str:
        text = f"{self.folder}: {', '.join(self.parts)}, {self.bytes / 1e9:.2f} GB."
        if self.missing:
            text += (
                f" Missing, before it can generate: {', '.join(self.missing)}. Import again with --backbone and the "
                "folder of the whole model that these weights belong to (Wan2.2-TI2V-5B for Action Images)."
            )
        return text


def import_model(
    path: Path,
    folder: Path,
    *,
    backbone: Path | None = None,
    dtype: torch.dtype | None = None,
    shard_bytes: int = SHARD_BYTES,
    report: Report = lambda what, share: None,
    **transformer: Any,
) -> Imported:
    """Import the weights at `path`, the release's .ckpt or a Wan model's folder, into the pipeline folder `folder`.

    Args:
        backbone: Source of the other components, because the release's .ckpt holds the transformer only.
        dtype: Conversion of the floating-point values of converted components, if given.
        transformer: Overrides of its configuration (`num_attention_heads=...`).

    Raises:
        WeightsError: For unusable weights; no partial result remains.
        ModelError: When the folder is taken or cannot be written; no partial result remains.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ModelError(f"There is something at {folder} already. Choose another folder, or delete it first.")
    report(f"reading {path.name}", 0.0)
    parts: dict[str, Component] = {}
    if backbone is not None:
        parts = components_of(backbone)
        transformer = backbone_settings(backbone) | transformer
    parts |= components_of(path, **transformer)
    parts.setdefault("scheduler", _scheduler())
    total = sum(_size(part, dtype) for part in parts.values())
    check_disk(folder, total)
    try:
        with _appearing(folder) as unfinished:
            index = _index(parts, path)
            written = _write(parts, index, unfinished, dtype, shard_bytes, _progress(report, total), str(path))
    except OSError as error:
        raise ModelError(
            f"{folder} cannot be written: {error.strerror}. Check the disk and its permissions."
        ) from error
    report("done", 1.0)
    return Imported(
        folder,
        tuple(parts),
        tuple(name for name in _needed(parts) if name not in parts),
        sum(file.bytes for file in written),
        max(file.bytes for file in written),
    )


def _needed(parts: dict[str, Component]) -> tuple[str, ...]:
    """Return the required components; Wan 2.1's image-to-video models also encode the first frame with CLIP."""
    sees = json.loads(parts["transformer"].texts["config.json"]).get("image_dim") if "transformer" in parts else None
    return (*NEEDED, "image_encoder", "image_processor") if sees else NEEDED


def _write(
    parts: dict[str, Component],
    index: dict[str, Any],
    folder: Path,
    dtype: torch.dtype | None,
    shard_bytes: int,
    progress: Callable[[int], None],
    source: str,
) -> list[Written]:
    written: list[Written] = []
    for part in parts.values():
        place = folder / part.name
        place.mkdir()
        written += [write_bytes(place / name, text.encode()) for name, text in part.texts.items()]
        written += [copy_file(file, place / name, progress) for name, file in part.copies.items()]
        if part.tensors:
            written += write_model(
                part.tensors, place, part.stem, dtype=dtype, shard_bytes=shard_bytes, progress=progress
            )
    written.append(write_bytes(folder / "model_index.json", json.dumps(index, indent=1).encode()))
    files = manifest.listed(folder, ((file.path, file.bytes, file.sha256) for file in written))
    write_bytes(folder / manifest.NAME, manifest.Manifest(source, files).to_json().encode())
    return written


def _index(parts: dict[str, Component], path: Path) -> dict[str, Any]:
    """Return diffusers' component index of a pipeline; for a pipeline of ours, also its configuration."""
    index: dict[str, Any] = {"_class_name": "ActionImagesPipeline", "_diffusers_version": diffusers.__version__}
    source = path / "model_index.json"
    if source.is_file():
        values = json.loads(source.read_text(encoding="utf-8"))
        if values.get("_class_name") == index["_class_name"]:
            index |= {name: value for name, value in values.items() if name[0] != "_" and not isinstance(value, list)}
            index |= {name: values[name] for name in ("model_tool_from_tool",) if name in values}
    return index | {name: [part.library, part.class_name] for name, part in parts.items()}


def _scheduler() -> Component:
    scheduler = FlowMatchEulerDiscreteScheduler(shift=_SHIFT)
    return Component(
        "scheduler", "diffusers", type(scheduler).__name__,
        texts={"scheduler_config.json": scheduler.to_json_string()},
    )  # fmt: skip


def _size(part: Component, dtype: torch.dtype | None) -> int:
    copies = sum(file.stat().st_size for file in part.copies.values())
    return copies + sum(stored_bytes(tensor, dtype) for tensor in part.tensors.values())


def _progress(report: Report, total: int) -> Callable[[int], None]:
    done, told = 0, 0.0

    def progress(count: int) -> None:
        nonlocal done, told
        done += count
        share = done / max(total, 1)
        if share >= told + 0.01:
            told = share
            report("writing", min(share, 1.0))

    return progress


@contextlib.contextmanager
def _appearing(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that is renamed to `folder` on success, and removed on failure."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_left_overs(folder)
    unfinished = folder.with_name(f".{folder.name}.importing-{os.getpid()}")
    unfinished.mkdir()
    try:
        yield unfinished
        _sync(unfinished)
        if folder.is_dir():
            folder.rmdir()  # empty, or created concurrently by another process: then this fails
        unfinished.rename(folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _remove_left_overs(folder: Path) -> None:
    """Remove the temporary folders of imports that were killed."""
    for old in folder.parent.glob(f".{folder.name}.importing-*"):
        number = old.name.rpartition("-")[2]
        if number.isdigit() and not psutil.pid_exists(int(number)):
            shutil.rmtree(old, ignore_errors=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
