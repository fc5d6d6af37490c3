"""Operations of a library screen, on SQLite; and what only a file can do."""

import shutil

import pytest
from library_checks import check_library
from recordings import keep_one, new_episode

from storage import queries
from storage.episodes.edits import Change, change, delete_episodes
from storage.errors import LibraryBusyError, RecordingError, StorageError
from storage.library import Library, rebuild
from storage.queries import EpisodeFilter


def test_everything_a_screen_does(library):
    check_library(library)


def test_the_database_is_made_again_from_the_folder(tmp_path):
    with Library(tmp_path) as library:
        ids = [keep_one(library, 0.2, note=f"note {n}", tags=("t",), new=new_episode(2)) for n in range(3)]
        change(library, ids[:1], Change(instruction="another", success=True, excluded=True, trim=(0.01, 0.1)))
        delete_episodes(library, ids[1:2])
        before = [queries.episode(library.database, identity) for identity in ids]
        with pytest.raises(LibraryBusyError, match="open"):
            rebuild(tmp_path)
    added, kept, problems = rebuild(tmp_path)
    assert (added, problems) == (3, ())
    assert kept is not None
    assert kept.exists()
    with Library(tmp_path) as library:
        after = [queries.episode(library.database, identity) for identity in ids]
        assert len(queries.page(library.database, EpisodeFilter(text="another")).rows) == 1
    assert after == before


def test_rebuilding_works_with_a_damaged_database_and_names_damaged_episodes(tmp_path):
    with Library(tmp_path) as library:
        ids = [keep_one(library, 0.2) for _ in range(3)]
        (library.episode_folder(ids[0]) / "episode.json").write_text('{"format": "rehearse episode 1", "id": 3}')
        (library.episode_folder(ids[1]) / "labels.json").write_text("{")
    (tmp_path / "library.db").write_bytes(b"\0" * 10_000)
    added, _, problems = rebuild(tmp_path)
    assert added == 2
    assert len(problems) == 1
    assert str(ids[0]) in problems[0]


def test_rebuilding_where_there_is_no_library_is_refused(tmp_path):
    with pytest.raises(StorageError, match="no library"):
        rebuild(tmp_path)


def test_a_copied_or_renamed_folder_is_named_not_taken(tmp_path):
    with Library(tmp_path) as library:
        identity = keep_one(library, 0.2)
        copy = library.episodes / "11111111-1111-4111-8111-111111111111"
        shutil.copytree(library.episode_folder(identity), copy)
    with Library(tmp_path) as library:
        assert queries.episode_ids(library.database) == [identity]
        assert "renamed or copied" in library.notices[0]


def test_a_change_that_cannot_be_is_refused(library):
    identity = keep_one(library, 0.2)
    with pytest.raises(StorageError, match="no length"):
        change(library, [identity], Change(trim=(0.2, 0.1)))
    with pytest.raises(RecordingError):
        change(library, [identity], Change(instruction=" "))


def test_many_matches_come_in_the_lists_order(library):
    from benchmarks.library.scale import fill

    fill(library.database, 1500)
    page = queries.page(library.database, EpisodeFilter(text="re"), limit=50)
    assert len(page.rows) == 50
    assert list(page.rows) == sorted(page.rows, key=lambda row: row.recorded_at, reverse=True)
    everything = queries.page(library.database, EpisodeFilter(text="re"), limit=2000).rows
    wanted = [
        row
        for row in queries.page(library.database, limit=2000).rows
        if any(w.lower().startswith("re") for w in f"{row.instruction} {row.note} {' '.join(row.tags)}".split())
    ]
    assert [row.id for row in everything] == [row.id for row in wanted]
