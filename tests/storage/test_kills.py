"""kill -9 at any moment. A sample of each count; `rehearse benchmark reliability` does the whole."""

import sqlite3
import subprocess
import sys
import time
import uuid
from pathlib import Path

import numpy as np
import pytest
from recordings import FPS, keep_one

from storage import migrating, queries
from storage.database import Database
from storage.episode import Episode
from storage.library import Library
from storage.recovery import recover

VICTIM = Path(__file__).parent / "victim.py"


def victim(what: str, folder: Path) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, VICTIM, what, folder], stdout=subprocess.PIPE, text=True)


def killed(process: subprocess.Popen, after: float) -> list[str]:
    """What a process had said `after` s from its first word, when it was killed."""
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first == "opening\n"
    second = process.stdout.readline()  # the library is open
    time.sleep(after)
    process.kill()
    said = [second, *process.stdout.readlines()]
    process.stdout.close()
    process.wait()
    return [line for line in said if line.endswith("\n")]


@pytest.mark.parametrize("after", [0.4, 1.73])
def test_killed_while_recording(tmp_path, after):
    folder = tmp_path / "library"
    kept = keep_one(folder, 0.3)
    said = killed(victim("record", folder), after)
    elapsed, samples = said[-1].split() if len(said) > 1 else ("0", "0")
    with Library(folder) as library:
        ids = queries.episode_ids(library.database)
        assert kept in ids
        assert len(ids) == 2, "not one recording was recovered"
        episode = Episode(library.episode_folder(next(i for i in ids if i != kept)))
        assert "ended while" in episode.facts.damage
        assert len(episode.samples) >= int(samples) - 1  # 20 ms are two samples; here at most one is lost
        for view, frames in enumerate(episode.frames):
            with episode.film(view) as film:
                assert len(film) == len(frames)
                film.frames(np.arange(len(film)))  # every frame can be decoded
            last = frames["time"][-1] if len(frames) else 0.0
            # Counted in frames, not by this machine's clock: two fragments were under way at most.
            assert float(elapsed) - last <= 0.6 + 2 / FPS
        assert library.recovery.recordings == 1
        assert "recovered" in library.notices[0]
    with Library(folder) as again:
        assert again.notices == ()
        assert len(queries.episode_ids(again.database)) == 2


@pytest.mark.parametrize("after", [0.31])
def test_killed_while_keeping(tmp_path, after):
    folder = tmp_path / "library"
    said = [line.strip() for line in killed(victim("keep", folder), after)[1:]]
    with Library(folder) as library:
        ids = set(queries.episode_ids(library.database))
        assert {uuid.UUID(line) for line in said} <= ids, "a kept episode is lost"
        assert len(ids) <= len(said) + 1
        for identity in ids:
            episode = Episode(library.episode_folder(identity))
            assert len(episode.samples) == episode.facts.samples
            assert [len(f) for f in episode.frames] == [view.frames for view in episode.facts.views]


def test_recovering_twice_changes_nothing_and_leaves_the_living_alone(tmp_path):
    folder = tmp_path / "library"
    process = victim("record", folder)
    assert process.stdout is not None
    while not process.stdout.readline().startswith("recording"):
        pass
    with Library(folder) as library:  # another program opens the library meanwhile
        assert library.recovery.recordings == 0
        time.sleep(0.8)
        process.kill()
        process.wait()
        process.stdout.close()
        first = recover(library.episodes, library.database)
        assert first.recordings == 1
        before = sorted((p, p.stat().st_mtime_ns) for p in library.episodes.rglob("*") if p.is_file())
        second = recover(library.episodes, library.database)
        assert second.sentences == []
        assert before == sorted((p, p.stat().st_mtime_ns) for p in library.episodes.rglob("*") if p.is_file())


@pytest.mark.parametrize("after", [0.0, 0.02])
def test_killed_while_migrating(tmp_path, after):
    from test_database import old_library

    file = old_library(tmp_path, rows=3000)
    process = victim("open", tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "opening\n"
    lock = file.with_name("library.db.lock")
    while not lock.exists() and process.poll() is None:
        pass
    time.sleep(after)
    process.kill()
    process.wait()
    process.stdout.close()
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        form = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        searchable = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'episode_search'").fetchone()[
            0
        ]
    connection.close()
    assert (form, searchable) in {("0001", 0), (migrating.newest(), 1)}
    database = Database(file)
    assert queries.count(database, queries.EpisodeFilter(text="cube")) == 3000
    database.close()
