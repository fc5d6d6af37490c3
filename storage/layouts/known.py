"""Registry of the known layouts."""

from pathlib import Path

from storage.errors import DamagedFileError, NotFoundError
from storage.layouts.interface import LayoutReader, LayoutWriter
from storage.layouts.lerobot_read import LeRobotReader
from storage.layouts.lerobot_write import LeRobotWriter
from storage.layouts.rlbench_read import RLBenchReader

READERS: dict[str, LayoutReader] = {reader.name: reader for reader in (LeRobotReader(), RLBenchReader())}
WRITERS: dict[str, LayoutWriter] = {writer.name: writer for writer in (LeRobotWriter(),)}


def reader_for(folder: Path, name: str | None = None) -> LayoutReader:
    """Return the reader of that name, or one that recognises the folder. Raises NotFoundError or DamagedFileError."""
    if not folder.is_dir():
        raise NotFoundError(f"There is no folder {folder} to import.")
    if name is not None:
        if name not in READERS:
            raise NotFoundError(f"There is no layout {name}. Choose one of {', '.join(READERS)}.")
        return READERS[name]
    found = next((reader for reader in READERS.values() if reader.recognises(folder)), None)
    if found is None:
        raise DamagedFileError(f"The folder {folder} is no data set this program knows ({', '.join(READERS)}).")
    return found
