"""Memory and disk requirements of a model, estimated before loading, and what the machine has available."""

import json
import os
import shutil
import struct
from pathlib import Path

import psutil

from model.errors import ModelMemoryError, WeightsError

# In addition to the weights: the program itself, and the latents and features of one small canvas.
_RESERVE = 1 << 29
_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


def needed_to_load(folder: Path, value_bytes: int | None = None) -> int:
    """Return the bytes of the loaded weights of a pipeline's folder, `value_bytes` per floating-point value, if given.

    Reads headers only. WeightsError when one is damaged.
    """
    return sum(_loaded_bytes(path, value_bytes) for path in sorted(folder.rglob("*.safetensors")))


def check_memory(folder: Path, *, value_bytes: int | None = None, available: int | None = None) -> int:
    """Return the bytes needed; ModelMemoryError when the machine (or `available` bytes of a GPU) has less."""
    needed = needed_to_load(folder, value_bytes)
    free = available_memory() if available is None else available
    if needed + _RESERVE > free:
        raise ModelMemoryError(
            f"The model in {folder.name} needs about {gigabytes(needed + _RESERVE)} of memory, and "
            f"{gigabytes(free)} are free. Close other programs, or choose a smaller model."
        )
    return needed


def check_disk(folder: Path, needed: int) -> None:
    """Raise ModelMemoryError when the disk under `folder` has no room for `needed` bytes."""
    place = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(place).free
    if needed + _RESERVE > free:
        raise ModelMemoryError(
            f"{folder} needs {gigabytes(needed)} on the disk, and {gigabytes(free)} are free. Make room, or choose "
            "another disk."
        )


def available_memory() -> int:
    """Return the bytes available without swapping, respecting a container's limit below the machine's memory."""
    free = psutil.virtual_memory().available
    group = Path("/sys/fs/cgroup")
    try:
        limit = (group / "memory.max").read_text().strip()
        used = int((group / "memory.current").read_text())
        pages = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return free
    # The group's file cache can be dropped at any time.
    return free if limit == "max" else min(free, int(limit) - used + int(pages.get("file", 0)))


def anonymous_bytes(pid: int | None = None) -> int:
    """Return a process's anonymous memory, without file caches, in bytes (Linux)."""
    status = Path(f"/proc/{os.getpid() if pid is None else pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("RssAnon:"))
    return int(line.split()[1]) * 1024


def gigabytes(count: int) -> str:
    """Format for messages: "12.3 GB"."""
    return f"{count / 1e9:.1f} GB"


def _loaded_bytes(path: Path, value_bytes: int | None) -> int:
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > min(100_000_000, path.stat().st_size):
                raise ValueError("header")
            header = json.loads(file.read(length))
        total = 0
        for name, entry in header.items():
            if name != "__metadata__":
                start, end = entry["data_offsets"]
                size = _BYTES.get(entry["dtype"], 1)
                floating = "F" in entry["dtype"]
                total += (end - start) // size * value_bytes if value_bytes and floating else end - start
        return total
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise WeightsError(f"{path} is damaged or cut short. Import or download the model again.") from error
