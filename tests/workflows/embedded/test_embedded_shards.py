"""Clips on disk: read as written, and only whole shards are there."""

import numpy as np
import pytest

from simulation.pictures.studio import Studio
from workflows.embedded import shards
from workflows.embedded.clips import first_frame_clips
from workflows.embedded.seeds import SeedError, Use
from workflows.embedded.shards import Recipe, ShardError, read_shard, shard_files, write_shards


def test_clips_come_back_as_they_were(tmp_path):
    write_shards(tmp_path, range(0, 2), Recipe(views=3, size=64))
    (path,) = shard_files(tmp_path)
    shard = read_shard(path)
    studio = Studio()
    try:
        made = [
            clip
            for seed in (0, 1)
            for clip in first_frame_clips(studio, seed, views=3, size=64, rigs=2, instructions=2)
        ]
    finally:
        studio.close()
    assert len(shard) == len(made)
    for number, clip in enumerate(made):
        read = shard.clip(number)
        assert (read.seed, read.instruction, read.task, read.done) == (
            clip.seed,
            clip.instruction,
            clip.task,
            clip.done,
        )
        assert read.scene == clip.scene and read.look == clip.look and np.array_equal(read.joints, clip.joints)
        assert np.array_equal(read.rgb, clip.rgb)
        assert np.array_equal(read.trajectory.base_from_tool, clip.trajectory.base_from_tool)
        assert np.array_equal(read.trajectory.times, clip.trajectory.times)
        for one, other in zip(read.cameras, clip.cameras, strict=True):
            assert one.to_dict() == other.to_dict()


def test_what_is_there_is_kept_and_what_is_missing_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SEEDS", 1)
    recipe = Recipe(size=32, rigs=1, instructions=1)
    first = write_shards(tmp_path, range(3), recipe)
    stamps = [path.stat().st_mtime_ns for path in first]
    content = first[1].read_bytes()
    first[1].unlink()
    assert write_shards(tmp_path, range(3), recipe) == first
    assert first[1].read_bytes() == content
    assert [path.stat().st_mtime_ns for path in (first[0], first[2])] == [stamps[0], stamps[2]]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_several_processes_make_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SEEDS", 1)
    recipe = Recipe(size=32, rigs=1, instructions=1)
    alone = write_shards(tmp_path / "alone", range(2), recipe)
    together = write_shards(tmp_path / "together", range(2), recipe, processes=2)
    assert [path.read_bytes() for path in alone] == [path.read_bytes() for path in together]


def test_episodes_have_all_their_frames(tmp_path):
    write_shards(tmp_path, range(0, 1), Recipe(episodes=True, size=32, mixture={"reach": 1.0}))
    shard = read_shard(shard_files(tmp_path)[0])
    assert shard.rgb.shape[:3] == (1, 2, shard.openness.shape[1]) and shard.done.all()
    assert shard.kind[0] == "reach"


def test_seeds_of_another_use_are_refused(tmp_path):
    with pytest.raises(SeedError, match="for tuning"):
        write_shards(tmp_path, range(99_999, 100_001))
    with pytest.raises(SeedError, match="for training"):
        write_shards(tmp_path, range(5), use=Use.TUNING)
    assert not list(tmp_path.iterdir())


def test_another_recipe_is_not_mixed_in(tmp_path):
    write_shards(tmp_path, range(0), Recipe())
    with pytest.raises(ShardError, match="in another way"):
        write_shards(tmp_path, range(0), Recipe(views=3))
    (tmp_path / shards.SETTINGS).write_text("{")
    with pytest.raises(ShardError, match="cannot be read"):
        write_shards(tmp_path, range(0), Recipe())


def test_a_torn_shard_is_told_of(tmp_path):
    write_shards(tmp_path, range(1), Recipe(size=32, rigs=1, instructions=1))
    (path,) = shard_files(tmp_path)
    whole = path.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 5):
        path.write_bytes(whole[:length])
        with pytest.raises(ShardError, match="made again"):
            read_shard(path)
