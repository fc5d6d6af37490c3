"""Safe reading of untrusted weights: tensors only, memory-mapped, no code in the file is ever executed.

A tensor read here occupies no memory of its own until it is accessed, and then only the system's page cache.
"""

import json
import os
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

import torch
from safetensors import SafetensorError, safe_open
from torch._weights_only_unpickler import UnpicklingError  # pyright: ignore[reportPrivateImportUsage]

from model.errors import WeightsError

Tensors = dict[str, torch.Tensor]

TORCH_ENDINGS = (".ckpt", ".pth", ".pt", ".bin")
_PIECE = 1 << 22  # bytes per read during checks
_MEMBERS = 100_000  # more members than any checkpoint has; limits a malicious directory
_LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # magic bytes of torch.save before version 1.6
# Keys under which training programs store the weights beside their own state.
_WRAPPERS = ("state_dict", "module", "model", "model_state_dict", "generator", "ema")
# Exceptions of torch's restricted unpickler on arbitrary bytes: it has no exception class of its own.
_UNREADABLE = (
    UnpicklingError, RuntimeError, ValueError, TypeError, LookupError, AttributeError, EOFError, AssertionError,
    ImportError, ArithmeticError, OSError, MemoryError,
)  # fmt: skip


def read_tensors(path: Path) -> Tensors:
    """Read name -> tensor of one file, memory-mapped, by its suffix: safetensors, or a PyTorch checkpoint.

    WeightsError for a file that is missing, truncated, damaged, of another kind, or that holds anything but tensors.
    """
    if not path.is_file():
        raise WeightsError(f"There is no file {path}. Check the path.")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    if path.suffix in TORCH_ENDINGS:
        return _read_checkpoint(path)
    raise WeightsError(
        f"{path.name} is not a file of weights that can be read. Weights end with .safetensors, "
        f"{', '.join(TORCH_ENDINGS)}."
    )


def read_all(paths: Iterable[Path]) -> Tensors:
    """Read the tensors of several files that form one model; WeightsError for duplicate names."""
    tensors: Tensors = {}
    for path in paths:
        part = read_tensors(path)
        twice = sorted(tensors.keys() & part.keys())
        if twice:
            raise WeightsError(
                f"{path.name} repeats {_some(twice)} of the other files beside it. Keep only the files of one model "
                "in the folder."
            )
        tensors |= part
    return tensors


def shard_files(folder: Path, stem: str) -> list[Path]:
    """Return the safetensors files of a model saved as `stem`: one file, or the shards named by its index."""
    index = folder / f"{stem}.safetensors.index.json"
    if index.is_file():
        try:
            names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
            missing = [name for name in names if Path(name).name != name or not (folder / name).is_file()]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise WeightsError(f"{index} is damaged. Download it again.") from error
        if missing:
            raise WeightsError(f"{index.name} names {_some(missing)}, missing in {folder}. Download it again.")
        return [folder / name for name in names]
    single = folder / f"{stem}.safetensors"
    return [single] if single.is_file() else []


def _read_safetensors(path: Path) -> Tensors:
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path.name} is damaged or cut short ({error}). Download or copy it again.") from error


def _read_checkpoint(path: Path) -> Tensors:
    _check_archive(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except UnpicklingError as error:
        raise WeightsError(
            f"{path.name} holds more than tensors and was refused: reading it could run a program on this machine. "
            "Use a file with weights only, from the model's authors."
        ) from error
    except _UNREADABLE as error:
        raise WeightsError(f"{path.name} is damaged, or not a file of weights. Download or copy it again.") from error
    return _tensors_in(content, path)


def _tensors_in(content: object, path: Path) -> Tensors:
    """Return the state dict itself, or the one inside a training program's checkpoint."""
    for _ in range(3):
        if not isinstance(content, Mapping):
            break
        if content and all(isinstance(value, torch.Tensor) for value in content.values()):
            return {str(name): tensor.detach() for name, tensor in content.items()}
        content = next((content[name] for name in _WRAPPERS if isinstance(content.get(name), Mapping)), None)
    raise WeightsError(f"{path.name} holds no table of named tensors. Use the file with the model's weights.")


def _check_archive(path: Path) -> None:
    """Check by its own checksums that the file is a complete, uncompressed archive as written by torch.save."""
    if not zipfile.is_zipfile(path):
        raise WeightsError(_not_an_archive(path))
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            if len(parts) > _MEMBERS or any(part.compress_type != zipfile.ZIP_STORED for part in parts):
                raise WeightsError(f"{path.name} is not a PyTorch checkpoint (it is packed otherwise).")
            damaged = sum(_checksum(file, part) != part.CRC for part in parts)
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, struct.error) as error:
        raise WeightsError(f"{path.name} is damaged or cut short. Download or copy it again.") from error
    # torch can be configured to write no checksums: then none of them matches, instead of one.
    if 0 < damaged < len(parts):
        raise WeightsError(
            f"{path.name} is damaged: {damaged} of its {len(parts)} parts do not fit their checksums. "
            "Download or copy it again."
        )


def _checksum(file: BinaryIO, part: zipfile.ZipInfo) -> int:
    """Compute the CRC-32 of a member's raw bytes in the file (zipfile itself stops at the first mismatch)."""
    file.seek(part.header_offset)
    name_length, extra_length = struct.unpack("<26xHH", file.read(30))
    file.seek(name_length + extra_length, os.SEEK_CUR)
    value, left = 0, part.file_size
    while left:
        piece = file.read(min(left, _PIECE))
        if not piece:
            raise EOFError
        value, left = zlib.crc32(piece, value), left - len(piece)
    return value


def _not_an_archive(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(len(_LEGACY))
    if start == _LEGACY:
        return (
            f"{path.name} was written by a PyTorch older than 1.6 and cannot be mapped. Open it there and save it "
            "again with a newer one."
        )
    if start[:1] == b"\x80":
        return f"{path.name} is a Python pickle, not a checkpoint, and was refused: it could run a program here."
    return f"{path.name} is cut short, or is not a PyTorch checkpoint. Download or copy it again."


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
