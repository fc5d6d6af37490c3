"""From sources to an episode, and everything read back."""

import errno
import os
import time
from pathlib import Path

import numpy as np
import pytest
from recordings import FPS, HEIGHT, WIDTH, Picture, Recording, joints, keep_one, new_episode, picture

from foundation import xarm7
from storage import queries
from storage.episodes.documents import ViewSpec
from storage.episodes.episode import Episode
from storage.episodes.finalize import FRAMES, SAMPLES
from storage.episodes.frame_source import FrameQueue
from storage.errors import DiskFullError, RecordingError, StorageError
from storage.library import Library


def test_what_was_recorded_comes_back(library):
    recording = Recording(library).run(2.0)
    identity = library.keep(recording.writer, success=True, note="nice", tags=("first",))
    episode = Episode(library.episode_folder(identity))
    assert [len(frames) for frames in episode.frames] == [recording.frames] * 2
    assert len(episode.samples) == recording.samples
    # The true times, as stamped: to the microsecond in the video, exactly beside it.
    stamps = episode.frames[0]["time"]
    assert np.allclose(np.diff(stamps), 1 / FPS, atol=0.011)
    at = 1.234
    row = episode.samples[np.searchsorted(episode.samples["time"], at)]
    assert np.allclose(row["position"], joints(row["time"]), atol=1e-9)
    assert episode.trajectory is not None
    wanted = xarm7.forward(joints(at))
    assert np.allclose(episode.trajectory.at(np.array([at])).base_from_tool[0], wanted, atol=1e-3)
    assert (episode.labels.success, episode.labels.note, episode.labels.tags) == (True, "nice", ("first",))
    assert not list((library.episodes / ".incoming").iterdir())


def test_every_frame_of_a_film_is_found_in_any_order(library):
    episode = Episode(library.episode_folder(keep_one(library, 2.0)))
    with episode.film(1) as film:
        assert np.allclose(film.times, episode.frames[1]["time"] - episode.frames[1]["time"][0], atol=2e-6)
        order = [*range(len(film)), *np.random.default_rng(0).permutation(len(film))]
        for index in order:
            shown = film.frame(int(index))
            assert shown.shape == (HEIGHT, WIDTH, 3)
            assert np.abs(shown.astype(int) - picture(int(index) + 1)).mean() < 4


def test_odd_sizes_are_kept(library):
    new = new_episode(1)
    spec = ViewSpec("usb:0", "odd", 97, 63)
    recording = Recording(library, type(new)("look", (spec,)))
    for number in range(3):
        recording.clock.advance(0.1)
        recording.sources["odd"].offer(Picture(number, recording.clock.now(), picture(number, 97, 63)))
    with Episode(library.episode_folder(library.keep(recording.writer))).film(0) as film:
        assert film.frame(2).shape == (63, 97, 3)


def test_the_row_says_what_the_folder_says(library):
    identity = keep_one(library, success=False, tags=("b", "a", "b"))
    row = queries.episode(library.database, identity)
    assert (row.instruction, row.operator, row.success, row.tags) == ("pick up the red cube", "Ada", False, ("a", "b"))
    assert row.frames == 2 * len(Episode(library.episode_folder(identity)).frames[0])
    assert row.trim_end_s == pytest.approx(row.duration_s)


def test_dropped_repeated_and_early_frames_are_counted(library):
    recording = Recording(library, new_episode(1))
    source = next(iter(recording.sources.values()))
    source.offer(Picture(0, 99.0, picture(0)))  # from before the start
    for number, shown in [(1, 1), (2, 1), (5, 5), (5, 5), (6, 6)]:
        recording.clock.advance(1 / 30)
        source.offer(Picture(number, recording.clock.now(), picture(shown)))
    source.offer(Picture(7, recording.clock.now(), picture(7)))  # at the same time as the one before
    facts = recording.writer.stop().facts.views[0]
    assert (facts.frames, facts.dropped, facts.repeated) == (5, 2, 2)
    recording.writer.discard()


def test_a_full_queue_loses_the_newest_and_counts():
    source = FrameQueue(2)
    assert [source.offer(Picture(n, 0.0, picture(n))) for n in range(4)] == [True, True, False, False]
    assert source.dropped == 2
    assert [frame.number for frame in (source.get(0.01), source.get(0.01)) if frame] == [0, 1]
    assert source.get(0.01) is None


def test_a_discarded_recording_leaves_nothing(library):
    writer = Recording(library).run(0.5).writer
    writer.discard()
    assert not list((library.episodes / ".incoming").iterdir())
    assert queries.count(library.database) == 0


def test_a_stopped_recording_can_be_looked_at_before_it_is_kept(library):
    writer = Recording(library).run(0.5).writer
    assert writer.stop() is writer.stop()
    assert len(Episode(writer.folder).frames[0]) > 10
    library.keep(writer)
    assert queries.count(library.database) == 1


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_refuses_ends_the_recording_and_keeps_what_there_is(library, monkeypatch, fault):
    recording = Recording(library).run(2.0)
    while recording.writer.progress.views[0].frames < 40 or recording.writer.progress.views[1].frames < 40:
        time.sleep(0.005)
    write, tried = os.write, []

    def refusing(descriptor, data):
        target = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        if ".incoming" in target and target.endswith((".mp4", ".log")):
            tried.append(target)
            raise OSError(fault, os.strerror(fault))
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", refusing)
    recording.run(1.0)
    while not recording.writer.failure:
        time.sleep(0.005)
    recording.run(1.0)
    library.keep(recording.writer)
    assert len(tried) == len(set(tried)), "a write that failed was tried again"
    row = queries.page(library.database).rows[0]
    assert "ended early" in row.damage
    assert row.quality == 2
    assert row.frames >= 2 * 30
    assert row.samples >= 190


def test_without_room_no_recording_begins(library):
    with pytest.raises(DiskFullError, match="too little room"):
        library.record(new_episode(1), {"Kamera 0/🎥": FrameQueue()}, least_free=1 << 60)
    assert not list((library.episodes / ".incoming").iterdir())


def test_a_camera_that_changes_its_size_ends_the_recording(library):
    recording = Recording(library, new_episode(1)).run(0.5)
    recording.clock.advance(0.1)
    next(iter(recording.sources.values())).offer(Picture(99, recording.clock.now(), picture(0, 32, 32)))
    library.keep(recording.writer)
    assert "changed its picture size" in queries.page(library.database).rows[0].damage


def test_a_missing_source_is_named(library):
    with pytest.raises(RecordingError, match="Kamera 1"):
        library.record(new_episode(2), {"Kamera 0/🎥": FrameQueue()}, least_free=0)


@pytest.mark.parametrize("text", ["", "  \n", "\0", "x" * 10_000])
def test_instructions_that_are_none(text):
    with pytest.raises(RecordingError, match="instruction"):
        new_episode(1, text)


@pytest.mark.parametrize("text", ["räume / auf: ..\\..//🧹", "'; DROP TABLE episodes; --", "." * 600, "拿起红色方块"])
def test_any_name_can_be_recorded_and_found(library, text):
    keep_one(library, 0.2, new=new_episode(1, text, operator="a/b ☃"), note="../../etc")
    assert queries.page(library.database).rows[0].instruction == text


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(StorageError, match="cannot be used"):
        Library(blocked / "library")


def test_a_damaged_file_of_an_episode_is_named(library):
    folder = library.episode_folder(keep_one(library, 0.5))
    (folder / SAMPLES).write_bytes(b"PAR1 nonsense PAR1")
    (folder / FRAMES).unlink()
    (folder / "view-0.mp4").write_bytes(b"\0" * 1000)
    episode = Episode(folder)
    for name, act in [
        (SAMPLES, lambda: episode.samples),
        (FRAMES, lambda: episode.frames),
        ("view-0.mp4", lambda: episode.film(0)),
    ]:
        with pytest.raises(StorageError, match=name):
            act()
