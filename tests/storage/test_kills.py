"""kill -9 at any time. A sample of each count; `rehearse benchmark reliability` does the whole."""

import sqlite3
import time

import pytest
from recordings import FPS, keep_one

from benchmarks.library.kills import kill_keeping, kill_recording, victim
from storage import queries
from storage.database import migration
from storage.database.database import Database
from storage.episodes.recovery import recover
from storage.library import Library


@pytest.mark.parametrize(("after", "again"), [(0.4, None), (1.2, 0.15)])
def test_killed_while_recording_and_while_recovering(tmp_path, after, again):
    folder = tmp_path / "library"
    kept = keep_one(folder, 0.3)
    kill = kill_recording(folder, after, again)
    # Two fragments may be in progress, and a busy machine lets some frames wait before they are encoded.
    assert kill.video_ms <= 600 + 2 * 1000 / FPS
    assert kill.samples <= 2
    assert kill.episodes == 0
    with Library(folder) as opened:
        assert opened.notices == ()
        ids = queries.episode_ids(opened.database)
        assert kept in ids
        assert len(ids) == 2, "not one recording was recovered"


def test_killed_while_keeping(tmp_path):
    assert kill_keeping(tmp_path, 0.4) == 0


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
    assert (form, searchable) in {("0001", 0), (migration.newest(), 1)}
    database = Database(file)
    assert queries.count(database, queries.EpisodeFilter(text="cube")) == 3000
    database.close()
