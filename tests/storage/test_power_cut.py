"""Power cut at any time of recording and keeping: whatever was not synced to the disk is lost or torn."""

import os
import random
import shutil
import time
from pathlib import Path

import pytest
from recordings import Recording, keep_one

from storage import queries
from storage.episodes import writer
from storage.episodes.episode import Episode
from storage.episodes.finalize import SAMPLE_LOG, video_name
from storage.episodes.record_log import read_log
from storage.episodes.samples import SAMPLE
from storage.library import Library
from storage.video.writer import cut_to_whole, video_times


class Disk:
    """Record of what has really reached the disk: a file's bytes and a folder's names when they were synced.

    `cut` copies the folder `root` as a power cut might leave it: of names that were not synced the old ones or the new
    ones, of a file's later bytes some, or zeros in their place.
    """

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, seed: int):
        self._root, self._chance = root, random.Random(seed)
        self._bytes: dict[int, bytes] = {}
        self._names: dict[int, dict[str, int]] = {}
        self.watch = None
        for name in ("fsync", "fdatasync"):
            monkeypatch.setattr(os, name, self._noting(getattr(os, name)))

    def _noting(self, real):
        def sync(descriptor: int) -> None:
            real(descriptor)
            path = Path(f"/proc/self/fd/{descriptor}").readlink()
            if path.is_relative_to(self._root):
                self._note(path, os.fstat(descriptor).st_ino)
                if self.watch is not None:
                    self.watch()

        return sync

    def _note(self, path: Path, inode: int) -> None:
        if path.is_dir():
            names = _names(path)
            for others in self._names.values():  # a renamed entry loses its old name
                for name in [name for name, each in others.items() if each in names.values()]:
                    del others[name]
            self._names[inode] = names
        else:
            self._bytes[inode] = path.read_bytes()

    def everything_is_on_it(self) -> None:
        for path in [self._root, *self._root.rglob("*")]:
            self._note(path, path.stat().st_ino)

    def cut(self, target: Path) -> None:
        """Copy the folder as after a power cut, without the database: SQLite is crash-safe, and it can be rebuilt."""
        self._new: dict[int, bool] = {}
        inodes = {path.stat().st_ino: path for path in self._root.rglob("*") if path.exists()}
        self._leave(self._root, target, inodes)

    def _leave(self, folder: Path, target: Path, inodes: dict[int, Path]) -> None:
        target.mkdir()
        now, synced = _names(folder), self._names.get(folder.stat().st_ino, {})
        # An entry has its old or its new name, never both: renaming is one atomic operation of the file system.
        left = {name: inode for name, inode in synced.items() if not self._is_new(inode)}
        left |= {name: inode for name, inode in now.items() if self._is_new(inode) or synced.get(name) == inode}
        for name, inode in left.items():
            if name.startswith("library.db"):
                continue
            path = inodes.get(inode)
            if path is not None and path.is_dir():
                self._leave(path, target / name, inodes)
            else:
                (target / name).write_bytes(self._torn(inode, path))

    def _is_new(self, inode: int) -> bool:
        return self._new.setdefault(inode, self._chance.random() < 0.5)

    def _torn(self, inode: int, path: Path | None) -> bytes:
        synced = self._bytes.get(inode, b"")
        later = b"" if path is None else path.read_bytes()[len(synced) :]
        some = later[: self._chance.randrange(len(later) + 1)]
        return synced + (some if self._chance.random() < 0.5 else bytes(len(some)))


def _names(folder: Path) -> dict[str, int]:
    found = {}
    for entry in os.scandir(folder):
        found[entry.name] = entry.inode()
    return found


def on_disk(disk: Disk, folder: Path, scratch: Path) -> tuple[int, int]:
    """Return how many samples and how many frames of the first view are safely on disk."""
    samples = frames = 0
    for name in (SAMPLE_LOG, video_name(0)):
        path = folder / name
        synced = disk._bytes.get(path.stat().st_ino, b"") if path.exists() else b""
        if not synced:
            continue
        scratch.write_bytes(synced)
        if name == SAMPLE_LOG:
            samples = len(read_log(scratch, SAMPLE))
        else:
            cut_to_whole(scratch)
            frames = len(video_times(scratch))
    return samples, frames


@pytest.mark.parametrize("seed", range(4))
def test_what_was_on_the_disk_is_there_after_a_power_cut_while_recording(tmp_path, monkeypatch, seed):
    root = tmp_path / "library"
    before = keep_one(root, 0.3)
    disk, cuts = Disk(root, monkeypatch, seed), []
    disk.everything_is_on_it()
    monkeypatch.setattr(writer, "SYNC_PERIOD", 0.02)
    with Library(root) as library:
        recording = Recording(library)
        recording.run(0.3)
        deadline = time.monotonic() + 20.0
        while not on_disk(disk, recording.writer.folder, tmp_path / "scratch")[0]:  # the thread that syncs is late
            assert time.monotonic() < deadline
            time.sleep(0.02)
        for number in range(5):
            recording.run(0.3 + 0.1 * seed)
            safe = on_disk(disk, recording.writer.folder, tmp_path / "scratch")
            disk.cut(tmp_path / f"cut-{number}")
            cuts.append((tmp_path / f"cut-{number}", *safe))
        recording.writer.discard()
    assert max(samples for _, samples, _ in cuts) > 0
    for folder, samples, frames in cuts:
        with Library(folder) as library:
            ids = queries.episode_ids(library.database)
            assert before in ids
            assert library.recovery.problems == ()
            new = [Episode(library.episode_folder(each)) for each in ids if each != before]
            assert len(new) == (1 if samples or frames else len(new))
            for episode in new:
                assert len(episode.samples) >= samples and len(episode.frames[0]) >= frames
                if len(episode.frames[0]):
                    with episode.film(0) as film:
                        film.frames(range(len(episode.frames[0])))


@pytest.mark.parametrize("seed", range(3))
def test_a_power_cut_while_keeping_leaves_the_whole_episode(tmp_path, monkeypatch, seed):
    root, cuts = tmp_path / "library", []
    disk = Disk(root, monkeypatch, seed)
    with Library(root) as library:
        disk.everything_is_on_it()
        recording = Recording(library).run(0.6)
        recording.writer._close_all()  # whatever comes from now on happens after the last image was written

        def cut() -> None:
            cuts.append(tmp_path / f"cut-{len(cuts)}")
            disk.cut(cuts[-1])

        disk.watch = cut
        identity = library.keep(recording.writer)
        disk.watch = None
        disk.cut(tmp_path / "kept")
        cuts.append(tmp_path / "kept")
        whole = Episode(library.episode_folder(identity))
    assert len(cuts) > 6
    for folder in cuts:
        with Library(folder) as library:
            assert library.recovery.problems == ()
            assert queries.episode_ids(library.database) == [identity], folder
            episode = Episode(library.episode_folder(identity))
            assert len(episode.samples) == len(whole.samples)
            assert [len(f) for f in episode.frames] == [len(f) for f in whole.frames]
        shutil.rmtree(folder)
