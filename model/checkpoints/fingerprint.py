"""Short fingerprint of a model's weights, recorded in the history with every generated motion (no torch here)."""

import hashlib
from functools import lru_cache
from pathlib import Path

from model.checkpoints import manifest
from model.errors import WeightsError

_LETTERS = 16  # of the SHA-256's 64: collisions within one library are negligible
_HASHED = (".safetensors", ".json", ".model", ".txt")
_MOST_HASHED = 1 << 30  # bytes: hashing more takes too long


def fingerprint(folder: Path) -> str:
    """Return a hash over a model's files: from its manifest where present, else from the files themselves.

    If these are too large to be read each time, their names, sizes and times are hashed instead (prefix "~"). "" when
    nothing can be read.
    """
    try:
        listed = manifest.read(folder)
    except WeightsError:
        listed = None
    if listed is not None:
        return _short("".join(f"{file.path} {file.sha256}\n" for file in listed.files))
    files = sorted(path for path in folder.rglob("*") if path.suffix in _HASHED and path.is_file())
    if not files:
        return ""
    stats = [(path, path.stat()) for path in files]
    key = "".join(f"{path.relative_to(folder)} {stat.st_size} {stat.st_mtime_ns}\n" for path, stat in stats)
    if sum(stat.st_size for _, stat in stats) > _MOST_HASHED:
        return f"~{_short(key)}"
    return _of_files(folder, key)


@lru_cache(maxsize=16)
def _of_files(folder: Path, key: str) -> str:
    """Hash the files' contents, cached by `key`, which changes with the files."""
    files = [line.rsplit(" ", 2)[0] for line in key.splitlines()]
    return _short("".join(f"{name} {manifest.file_digest(folder / name)}\n" for name in files))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_LETTERS]
