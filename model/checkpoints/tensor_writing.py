"""Streaming writer of sharded safetensors: no tensor is ever held in memory as a whole.

Format: 8 bytes little-endian length, a JSON header with each tensor's dtype, shape and offsets, then the bytes
(github.com/huggingface/safetensors). The header needs shapes only, so it is written before any tensor is accessed.
"""

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

_DTYPES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip
SHARD_BYTES = 4 << 30
_PIECE = 1 << 20  # values converted and written per chunk
_ALIGNMENT = 8


@dataclass(frozen=True)
class Written:
    """A written file with its size and SHA-256."""

    path: Path
    bytes: int
    sha256: str


def write_model(
    tensors: Mapping[str, torch.Tensor],
    folder: Path,
    stem: str,
    *,
    dtype: torch.dtype | None = None,
    shard_bytes: int = SHARD_BYTES,
    progress: Callable[[int], None] = lambda done: None,
) -> list[Written]:
    """Write `stem`.safetensors, or shards of at most `shard_bytes` and an index, as diffusers and transformers read.

    Floating-point values are converted to `dtype`, if given. `progress` gets the bytes written since the last call.
    """
    shards = _shards(tensors, dtype, shard_bytes)
    if len(shards) == 1:
        return [_write_file(folder / f"{stem}.safetensors", shards[0], tensors, dtype, progress)]
    names = [f"{stem}-{i + 1:05d}-of-{len(shards):05d}.safetensors" for i in range(len(shards))]
    written = [
        _write_file(folder / name, shard, tensors, dtype, progress) for name, shard in zip(names, shards, strict=True)
    ]
    index = {
        "metadata": {"total_size": sum(stored_bytes(tensors[name], dtype) for name in tensors)},
        "weight_map": {name: file for file, shard in zip(names, shards, strict=True) for name in shard},
    }
    return [*written, write_bytes(folder / f"{stem}.safetensors.index.json", json.dumps(index, indent=1).encode())]


def write_bytes(path: Path, data: bytes) -> Written:
    """Write a small file and flush it to disk."""
    with path.open("wb") as file:
        file.write(data)
        _to_disk(file)
    return Written(path, len(data), hashlib.sha256(data).hexdigest())


def copy_file(source: Path, target: Path, progress: Callable[[int], None] = lambda done: None) -> Written:
    """Copy a file, computing its SHA-256."""
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reader, target.open("wb") as file:
        while piece := reader.read(_PIECE):
            file.write(piece)
            digest.update(piece)
            size += len(piece)
            progress(len(piece))
        _to_disk(file)
    return Written(target, size, digest.hexdigest())


def stored_bytes(tensor: torch.Tensor, dtype: torch.dtype | None) -> int:
    """Return the number of bytes a tensor takes in the file."""
    return tensor.numel() * _stored_dtype(tensor, dtype).itemsize


def _stored_dtype(tensor: torch.Tensor, dtype: torch.dtype | None) -> torch.dtype:
    return dtype if dtype is not None and tensor.is_floating_point() else tensor.dtype


def _shards(tensors: Mapping[str, torch.Tensor], dtype: torch.dtype | None, most: int) -> list[list[str]]:
    shards: list[list[str]] = [[]]
    size = 0
    for name, tensor in tensors.items():
        bytes_ = stored_bytes(tensor, dtype)
        if shards[-1] and size + bytes_ > most:
            shards.append([])
            size = 0
        shards[-1].append(name)
        size += bytes_
    return shards


def _write_file(
    path: Path,
    names: list[str],
    tensors: Mapping[str, torch.Tensor],
    dtype: torch.dtype | None,
    progress: Callable[[int], None],
) -> Written:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    # Wide values first, as the safetensors library does: every tensor then starts at a multiple of its value's size.
    names = sorted(names, key=lambda name: -_stored_dtype(tensors[name], dtype).itemsize)
    for name in names:
        start, end = end, end + stored_bytes(tensors[name], dtype)
        kind = _DTYPES[_stored_dtype(tensors[name], dtype)]
        header[name] = {"dtype": kind, "shape": list(tensors[name].shape), "data_offsets": [start, end]}
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % _ALIGNMENT)
    head = len(head).to_bytes(8, "little") + head
    digest = hashlib.sha256(head)
    with path.open("wb") as file:
        file.write(head)
        for name in names:
            for piece in _pieces(tensors[name], _stored_dtype(tensors[name], dtype)):
                file.write(piece)
                digest.update(piece)
                progress(len(piece))
        _to_disk(file)
    return Written(path, len(head) + end, digest.hexdigest())


def _pieces(tensor: torch.Tensor, dtype: torch.dtype) -> Iterator[memoryview]:
    """Yield the tensor's bytes in order, in chunks; large views are walked row by row, without a full copy."""
    if tensor.numel() == 0:
        return
    if tensor.dim() > 1 and not tensor.is_contiguous():
        rows = max(1, _PIECE // max(1, math.prod(tensor.shape[1:])))
        parts = (tensor[i : i + rows] for i in range(0, len(tensor), rows))
    else:
        flat = tensor.reshape(-1)
        parts = (flat[i : i + _PIECE] for i in range(0, len(flat), _PIECE))
    for part in parts:
        data = part.to(dtype).contiguous().reshape(-1).view(torch.uint8)
        yield data.numpy().data


def _to_disk(file) -> None:
    file.flush()
    os.fsync(file.fileno())
