"""Import and export of other programs' data sets, into the library and out of it."""

from pathlib import Path
from typing import Any

from storage import queries
from storage.episodes.episode import Episode
from storage.errors import NotFoundError
from storage.layouts.importing import import_episodes
from storage.layouts.interface import Report
from storage.layouts.known import WRITERS, reader_for
from storage.library import Library
from storage.queries import EpisodeFilter


def import_folder(library_folder: Path, source: Path, layout: str | None, report: Report) -> dict[str, Any]:
    """Import all episodes of a data set, or none, and return the command's answer. Raises StorageError."""
    reader = reader_for(source, layout)
    with Library(library_folder) as library:
        ids = import_episodes(library, reader.episodes(source), report)
    return {"layout": reader.name, "episodes": len(ids), "ids": [str(identity) for identity in ids]}


def export(
    library_folder: Path, target: Path, layout: str, fps: int, which: EpisodeFilter, report: Report
) -> dict[str, Any]:
    """Write the selected episodes, except those excluded from training, and return the command's answer.

    Raises StorageError.
    """
    with Library(library_folder) as library:
        episodes = [Episode(library.episode_folder(i)) for i in queries.episode_ids(library.database, which)]
        if not episodes:
            raise NotFoundError(f"No episode of the library {library_folder} is like that. Choose others.")
        WRITERS[layout].write(episodes, target, fps, report)
    return {"layout": layout, "episodes": len(episodes), "folder": str(target)}
