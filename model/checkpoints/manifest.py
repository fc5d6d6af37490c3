"""Manifest of a model's folder: origin, sizes and SHA-256 sums of its files."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from model.errors import WeightsError

NAME = "manifest.json"
FORMAT = 1
_PIECE = 1 << 20


@dataclass(frozen=True, order=True)
class ListedFile:
    """A file by its path inside the folder, with forward slashes."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Required content of a model's folder, and its source."""

    source: str
    files: tuple[ListedFile, ...]

    @property
    def total_bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    def to_json(self) -> str:
        files = {file.path: {"bytes": file.bytes, "sha256": file.sha256} for file in self.files}
        return json.dumps({"format": FORMAT, "source": self.source, "files": files}, indent=1)


def read(folder: Path) -> Manifest | None:
    """Read the folder's manifest, None when it has none. Raises WeightsError when it is damaged."""
    path = folder / NAME
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        files = tuple(ListedFile(str(name), int(v["bytes"]), str(v["sha256"])) for name, v in values["files"].items())
        if values["format"] != FORMAT or not all(_sound(file) for file in files):
            raise ValueError("format")
        return Manifest(str(values["source"]), files)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path} is damaged. Import the model again.") from error


def check(folder: Path, *, contents: bool, progress: Callable[[int], None] = lambda done: None) -> Manifest | None:
    """Check every listed file's size and, with `contents`, its SHA-256; WeightsError names those that do not match.

    A folder without a manifest is not checked (None).
    """
    manifest = read(folder)
    if manifest is None:
        return None
    wrong = [file.path for file in manifest.files if not _fits(folder, file, contents, progress)]
    if wrong:
        shown = ", ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        raise WeightsError(f"In {folder}, these files are missing or damaged: {shown}. Import the model again.")
    return manifest


def listed(folder: Path, files: Iterable[tuple[Path, int, str]]) -> tuple[ListedFile, ...]:
    """Return the sorted entries of (path, bytes, sha256) below the folder."""
    return tuple(sorted(_listed(folder, *file) for file in files))


def file_digest(path: Path, progress: Callable[[int], None] = lambda done: None) -> str:
    """Compute the SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            progress(len(piece))
    return digest.hexdigest()


def _listed(folder: Path, path: Path, size: int, digest: str) -> ListedFile:
    return ListedFile(path.relative_to(folder).as_posix(), size, digest)


def _sound(file: ListedFile) -> bool:
    path = PurePosixPath(file.path)
    return not path.is_absolute() and ".." not in path.parts and bool(re.fullmatch("[0-9a-f]{64}", file.sha256))


def _fits(folder: Path, file: ListedFile, contents: bool, progress: Callable[[int], None]) -> bool:
    path = folder / file.path
    try:
        if path.stat().st_size != file.bytes:
            return False
        return not contents or file_digest(path, progress) == file.sha256
    except OSError:
        return False
