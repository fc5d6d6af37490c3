"""The library: recording, crashes, lists of a hundred thousand episodes, export."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.checks import Check, say
from benchmarks.library import kills, recording
from benchmarks.library.data_sets import made_episode
from benchmarks.library.scale import fill
from benchmarks.window.virtual_screen import virtual_screen
from foundation.processes import RoleProcess
from storage import queries
from storage.database.database import Database
from storage.episodes.episode import Episode
from storage.layouts.importing import import_episodes
from storage.layouts.known import WRITERS
from storage.library import Library
from storage.queries import EpisodeFilter

_WITH_PICTURES = 8
_SCREEN_WITHIN = 240.0  # s
_TYPED = ("red cube slip", "zoe", "purple bottle", "push the yellow lid", "retry edge")


def measure(quick: bool) -> list[Check]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        return [
            *recording.checks(folder / "recorded", 6 if quick else 60),
            *kills.checks(3 if quick else 24, 1 if quick else 10),
            *_lists(folder / "large", 10_000 if quick else 100_000, 4.0 if quick else 20.0),
            *_export(folder, 3 if quick else 20),
        ]


def _lists(folder: Path, episodes: int, seconds: float) -> list[Check]:
    """Measure database writes and the waiting times of the Library screen; a few episodes have images."""
    say(f"a library of {episodes} episodes")
    with Library(folder) as library:
        fill(library.database, episodes)
        import_episodes(library, [made_episode() for _ in range(_WITH_PICTURES)], lambda *_: None)
        checks = _queries(library.database)
    return [Check("library_episodes", episodes + _WITH_PICTURES, "", ""), *_screen(folder, seconds), *checks]


def _queries(database: Database) -> list[Check]:
    first = _ms(lambda: queries.page(database))
    keys = [text[:n] for text in _TYPED for n in range(1, len(text) + 1)]
    typed = [_ms(lambda key=key: queries.page(database, EpisodeFilter(text=key)), 1) for key in keys]
    pages, after = [], None
    while True:
        start = time.perf_counter()
        page = queries.page(database, after=after, limit=100)
        pages.append(1000 * (time.perf_counter() - start))
        if (after := page.next) is None:
            break
    return [
        Check("page_query_ms", first, "ms", ""),
        Check("page_query_max_ms", max(pages), "ms", ""),
        Check("search_query_ms", float(np.median(typed)), "ms", ""),
        Check("search_query_max_ms", max(typed), "ms", ""),
    ]


def _screen(folder: Path, seconds: float) -> list[Check]:
    """Measure the Library screen itself, in a process on a virtual screen; see `benchmarks.window.library_process`."""
    say("the Library screen: first page, typing, scrolling")
    settings = {"folder": str(folder), "seconds": seconds}
    with virtual_screen(), RoleProcess("library-window", settings, timeout=_SCREEN_WITHIN) as window:
        figures = window.ready
    return [
        Check("first_page_ms", 1000 * figures["first_page_s"], "ms", "<= 100"),
        Check("search_ms", 1000 * figures["search_s"], "ms", "<= 50"),
        Check("search_max_ms", 1000 * figures["search_max_s"], "ms", ""),
        Check("scroll_stall_ms", 1000 * figures["scroll_stall_s"], "ms", "<= 50"),
        Check("scroll_work_max_ms", 1000 * figures["scroll_work_s"], "ms", ""),
    ]


def _export(folder: Path, count: int) -> list[Check]:
    """Export episodes of 5 s with two cameras of 320x240, at 15 frames a second."""
    with Library(folder / "exported") as library:
        ids = import_episodes(library, [made_episode() for _ in range(count)], lambda *_: None)
        episodes = [Episode(library.episode_folder(identity)) for identity in ids]
        start = time.monotonic()
        WRITERS["lerobot"].write(episodes, folder / "set", 15, lambda *_: None)
        return [Check("export_episodes_per_s", count / (time.monotonic() - start), "1/s", "")]


def _ms(act: Callable[[], object], times: int = 9) -> float:
    """Return the median time of a call in ms."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        act()
        taken.append(1000 * (time.perf_counter() - start))
    return float(np.median(taken))
