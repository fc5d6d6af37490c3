"""Data sets with one corrupted file: each is imported whole, or refused with a message and not at all."""

import contextlib
import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.checks import Check, say
from benchmarks.library.data_sets import lerobot_set, rlbench_set
from foundation.errors import KnownError
from storage import queries
from storage.episodes.edits import Change, change, empty_trash
from storage.layouts.importing import import_episodes
from storage.layouts.known import reader_for
from storage.library import Library

_LONGEST = 600  # characters that a user still reads
_EMPTY_EVERY = 50  # episodes imported despite harmless faults: a growing library would slow the count down
_SAY_EVERY = 1000
_MEMORY = "/dev/shm"  # no power cut matters here, and a disk would be waited for 20,000 times


@dataclass(frozen=True)
class Outcome:
    """Result of importing one corrupted data set.

    `refused`: the message, "" when all was imported; `partial`: a part of it remained in the library although it was
    refused, or not all of it was imported.
    """

    refused: str
    partial: bool
    seconds: float

    @property
    def told(self) -> bool:
        """Whether a refusal briefly names the file, or at least the folder, that it is about."""
        return not self.refused or ("/" in self.refused and len(self.refused) < _LONGEST)


def spoil(path: Path, chance: random.Random) -> None:
    """Truncate a file, flip one of its bits, overwrite 64 of its bytes, or remove it."""
    content = bytearray(path.read_bytes())
    kind = chance.randrange(4)
    if kind == 3:
        path.unlink()
        return
    at = chance.randrange(len(content))
    if kind == 0:
        del content[at:]
    elif kind == 1:
        content[at] ^= 1 << chance.randrange(8)
    else:
        content[at : at + 64] = bytes(chance.randrange(256) for _ in range(64))
    path.write_bytes(content)


def spoilt_import(root: Path, library: Library, episodes: int, seed: int) -> Outcome:
    """Corrupt one file of the data set in `root`, import it, and restore the file."""
    chance = random.Random(seed)
    path = chance.choice(sorted(p for p in root.rglob("*") if p.is_file()))
    whole, before = path.read_bytes(), _there(library)
    spoil(path, chance)
    began, refused, count = time.monotonic(), "", 0
    try:
        count = len(import_episodes(library, reader_for(root).episodes(root), lambda *_: None))
    except KnownError as error:
        refused = str(error)
    finally:
        path.write_bytes(whole)
    seconds, after = time.monotonic() - began, _there(library)
    wanted = 0 if refused else episodes
    partial = count != wanted or any(now - old != wanted for now, old in zip(after[:2], before[:2], strict=True))
    return Outcome(refused, partial or after[2] > 0, seconds)


def _there(library: Library) -> tuple[int, int, int]:
    """Count the listed episodes, the episode folders, and the unfinished entries."""
    folders = sum(1 for path in library.episodes.iterdir() if not path.name.startswith("."))
    return queries.count(library.database), folders, sum(1 for _ in (library.episodes / ".incoming").iterdir())


def checks(trials: int) -> list[Check]:
    """Run that many trials of each layout."""
    found: list[Check] = []
    with tempfile.TemporaryDirectory(dir=_MEMORY if Path(_MEMORY).is_dir() else None) as place:
        folder = Path(place)
        for name, root in (("lerobot", lerobot_set(folder)), ("rlbench", rlbench_set(folder))):
            found += _checks(name, root, folder / f"into-{name}", trials)
    return found


def _checks(name: str, root: Path, folder: Path, trials: int) -> list[Check]:
    outcomes: list[Outcome] = []
    with contextlib.closing(Library(folder)) as library:
        for seed in range(trials):
            if seed % _SAY_EVERY == 0:
                say(f"spoilt {name} sets: {seed} of {trials}")
            outcomes.append(spoilt_import(root, library, 2, seed))
            if queries.count(library.database) >= _EMPTY_EVERY:
                change(library, queries.episode_ids(library.database), Change(deleted=True))
                empty_trash(library)
    refused = [each for each in outcomes if each.refused]
    return [
        Check(f"mutations_{name}_partial", sum(each.partial for each in outcomes), "", "= 0"),
        Check(f"mutations_{name}_unexplained", sum(not each.told for each in outcomes), "", "= 0"),
        Check(f"mutations_{name}_refused_pct", 100 * len(refused) / len(outcomes), "%", ""),
        Check(f"mutations_{name}_slowest_s", max((each.seconds for each in refused), default=0.0), "s", "<= 2"),
    ]
