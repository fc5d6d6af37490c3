"""On-disk cache of latents and text embeddings.

Encoding a video with the large VAE, or a text with UMT5, costs more than a training step of a small model, and is
deterministic. A key is a digest of everything the result depends on (see `fingerprint`).
"""

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from model.errors import ModelError


class TensorCache:
    """A folder of safetensors files by key; safe for concurrent use by several processes."""

    def __init__(self, folder: Path):
        self._folder = folder

    def get(self, key: str, compute: Callable[[], dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        """Return the tensors cached under `key` (from `fingerprint`), computing them when missing or damaged.

        ModelError when the disk cannot be written.
        """
        path = self._folder / key[:2] / f"{key}.safetensors"
        try:
            return load_file(path)
        except (OSError, SafetensorError):
            pass  # missing, or truncated by a full disk; if the folder is at fault, writing reports it
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in compute().items()}
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file(tensors, part)
            part.replace(path)
        except (OSError, SafetensorError) as error:
            with contextlib.suppress(OSError):
                part.unlink()
            raise ModelError(
                f"The cache {self._folder} cannot be written ({error}). Make room, or delete it."
            ) from error
        return tensors


def fingerprint(*parts: Any) -> str:
    """Return the SHA-256 of arrays, tensors, texts, numbers and modules (of these: every weight), in that order."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, torch.nn.Module):
            digest.update(repr(_configuration(part)).encode())
            for name, tensor in part.state_dict().items():
                digest.update(name.encode())
                _add(digest, tensor)
        elif isinstance(part, torch.Tensor | np.ndarray):
            _add(digest, torch.as_tensor(part))
        else:
            digest.update(f"{type(part).__name__} {part!r}\0".encode())
    return digest.hexdigest()


def _configuration(module: torch.nn.Module) -> list[tuple[str, Any]]:
    """Return a diffusers or transformers model's config; names that begin with _ describe its origin, not the model."""
    config: Any = getattr(module, "config", {})
    values = config if isinstance(config, dict) else config.to_dict()
    return sorted((key, value) for key, value in values.items() if not key.startswith("_"))


def _add(digest: Any, tensor: torch.Tensor) -> None:
    digest.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
    digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
