"""Disk that is really full or really read-only: a small one in memory, where this machine lets us mount it."""

import os
import subprocess
import time

import pytest
from recordings import Recording, keep_one, new_episode

from storage import queries
from storage.episodes.edits import Change, change
from storage.episodes.episode import Episode
from storage.errors import DiskFullError, StorageError
from storage.library import Library

_MB = 1_000_000


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 48 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", place], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a disk takes rights that we do not have here")
    yield place
    subprocess.run(["umount", place], check=True)


def fill(place, leaving: int = 0):
    """Write a file that takes all room but `leaving` bytes."""
    filler = place / "filler"
    with filler.open("wb") as file:
        free = os.statvfs(place)
        os.posix_fallocate(file.fileno(), 0, max(free.f_bavail * free.f_frsize - leaving, 1))
    return filler


def only_row(library):
    (row,) = queries.page(library.database).rows
    return row


def test_a_disk_that_becomes_full_ends_the_recording_which_is_kept_and_marked(small_disk):
    with Library(small_disk / "library") as library:
        recording = Recording(library, new_episode(2), least_free=4 * _MB).run(2.0)
        while any(view.frames < 50 for view in recording.writer.progress.views):
            time.sleep(0.005)
        fill(small_disk)
        deadline = time.monotonic() + 60.0
        while not recording.writer.failure and time.monotonic() < deadline:
            recording.run(0.1)
            time.sleep(0.005)
        assert "the disk is full" in recording.writer.failure
        library.keep(recording.writer, success=True)  # into the reserved room
        row = only_row(library)
        assert "the disk is full" in row.damage and row.frames >= 2 * 50 and row.samples >= 190
        episode = Episode(library.episode_folder(row.id))
        with episode.film(0) as film:
            assert len(film.frames(range(len(film)))) == episode.facts.views[0].frames


def test_what_cannot_be_kept_on_a_full_disk_waits_until_there_is_room(small_disk):
    with Library(small_disk / "library") as library:
        recording = Recording(library).run(1.0)  # with nothing reserved
        while any(view.frames < 25 for view in recording.writer.progress.views):
            time.sleep(0.005)
        filler = fill(small_disk)
        with pytest.raises(DiskFullError, match=r"disk is full\. Make room"):
            library.keep(recording.writer)
        filler.unlink()
    with Library(small_disk / "library") as library:
        assert library.recovery.recordings + library.recovery.added == 1
        assert only_row(library).frames >= 2 * 20


def test_a_library_on_a_full_disk_can_be_seen_and_what_is_said_there_is_refused_whole(small_disk):
    identity = keep_one(small_disk / "library", 0.5, note="before")
    filler = fill(small_disk)
    try:
        with Library(small_disk / "library") as library:
            with pytest.raises(DiskFullError, match="Make room"):
                library.record(new_episode(), {view.name: None for view in new_episode().views})  # type: ignore[dict-item]
            with pytest.raises(StorageError, match="full"):
                for _ in range(50):
                    change(library, [identity], Change(note="n" * 100_000))
    except StorageError as error:
        assert "full" in str(error)
    with pytest.raises(StorageError, match="full"):
        Library(small_disk / "another")
    filler.unlink()
    with Library(small_disk / "library") as library:
        row = only_row(library)
        assert row.note in ("before", "n" * 100_000)
        assert Episode(library.episode_folder(identity)).labels.note == row.note


def test_a_read_only_disk_is_said_and_nothing_on_it_is_changed(small_disk):
    identity = keep_one(small_disk / "library", 0.5)
    before = sorted((path, path.stat().st_mtime_ns) for path in small_disk.rglob("*"))
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    for folder in ("library", "another"):
        with pytest.raises(StorageError, match=r"may not write|cannot be written"):
            Library(small_disk / folder)
    assert before == sorted((path, path.stat().st_mtime_ns) for path in small_disk.rglob("*"))
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    with Library(small_disk / "library") as library:
        assert only_row(library).id == identity
