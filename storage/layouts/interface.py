"""Interfaces of readers and writers of other programs' data sets.

A new layout is a module with one of each, or either, and a line in `layouts.known`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from storage.episodes.documents import Labels, NewEpisode
from storage.episodes.episode import Episode

Report = Callable[[str, float], None]
"""Told what is being done, and how much of the whole is done, 0 to 1."""


@dataclass(frozen=True, eq=False)
class ImportedEpisode:
    """Episode as read from another layout.

    `films` yield per view images (H, W, 3) uint8 RGB with their times in s, rising from 0; `samples` (n,) are
    `samples.SAMPLE`, with times from the same start.
    """

    new: NewEpisode
    labels: Labels
    films: tuple[Callable[[], Iterator[tuple[float, np.ndarray]]], ...]
    samples: np.ndarray
    recorded_at: str | None = None
    details: dict[str, str] = field(default_factory=dict)


class LayoutReader(Protocol):
    """Reader of a folder, read-only. Raises DamagedFileError naming the file and the fault."""

    name: str

    def recognises(self, folder: Path) -> bool:
        """Return whether the folder looks like this layout; fast, never raises."""
        ...

    def episodes(self, folder: Path) -> Iterator[ImportedEpisode]: ...


class LayoutWriter(Protocol):
    """Writer of episodes to a folder that does not exist yet, atomically."""

    name: str

    def write(self, episodes: Sequence[Episode], target: Path, fps: int, report: Report) -> None: ...
