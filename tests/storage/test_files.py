"""Videos and logs truncated anywhere: whole parts stay whole, the rest is dropped, nothing fails."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import HEIGHT, WIDTH, picture

from storage.episodes.record_log import RecordLog, read_log
from storage.episodes.samples import SAMPLE, read_parquet, write_parquet
from storage.errors import DamagedFileError
from storage.video.reader import VideoReader
from storage.video.writer import VideoWriter, cut_to_whole, video_times


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A video of 2 s, and the times of its frames."""
    path = tmp_path_factory.mktemp("film") / "whole.mp4"
    writer = VideoWriter(path, WIDTH, HEIGHT)
    times = np.cumsum(np.random.default_rng(0).uniform(0.02, 0.045, 60))
    for number, time in enumerate(times):
        writer.add(picture(number), 50.0 + time)
    writer.close()
    return path, times - times[0]


def test_the_true_times_are_in_the_film(film):
    path, times = film
    assert np.abs(video_times(path) - times).max() < 1e-6
    assert cut_to_whole(path) == 0


@settings(max_examples=40)
@given(st.data())
def test_a_film_cut_anywhere_keeps_its_whole_fragments(film, tmp_path_factory, data):
    path, times = film
    content = path.read_bytes()
    fragments = [n for n in range(len(content)) if content.startswith(b"moof", n)]
    near = st.sampled_from([n + d for n in fragments for d in (-5, -4, -1, 0, 3, 4)])
    length = data.draw(st.one_of(st.integers(0, len(content)), near))
    cut = tmp_path_factory.mktemp("cut") / "cut.mp4"
    cut.write_bytes(content[:length])
    lost = cut_to_whole(cut)
    assert cut.stat().st_size == length - lost
    assert cut_to_whole(cut) == 0
    whole = sum(n - 4 <= cut.stat().st_size for n in fragments[1:]) if cut.stat().st_size else 0
    try:
        kept = video_times(cut)
    except DamagedFileError:
        kept = np.zeros(0)
    if whole >= 1:
        assert len(kept) > 0
        assert np.abs(kept - times[: len(kept)]).max() < 1e-6
        with VideoReader(cut, WIDTH, HEIGHT) as reader:
            reader.frame(len(reader) - 1)
    assert len(kept) <= len(times)


@settings(max_examples=60)
@given(content=st.binary(max_size=200))
def test_what_is_no_film_is_said_to_be_none(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bad") / "bad.mp4"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"bad\.mp4"):
        VideoReader(path)


KIND = np.dtype([("a", "<f8"), ("b", "<i4", (3,))])


@given(length=st.integers(0, 400), flip=st.none() | st.integers(0, 399))
def test_a_log_cut_or_spoilt_anywhere_keeps_what_is_before(tmp_path_factory, length, flip):
    path = tmp_path_factory.mktemp("log") / "log"
    log = RecordLog(path, KIND)
    records = np.zeros(15, KIND)
    records["a"], records["b"] = np.arange(15), np.arange(45).reshape(15, 3)
    for record in records:
        log.append(record)
    log.close()
    content = bytearray(path.read_bytes()[:length])
    if flip is not None and flip < len(content):
        content[flip] ^= 0x40
    path.write_bytes(content)
    head, each = 11, KIND.itemsize + 4
    if flip is not None and flip < min(head, len(content)):
        with pytest.raises(DamagedFileError, match="no log"):
            read_log(path, KIND)
        return
    wanted = max(len(content) - head, 0) // each
    if flip is not None and flip < len(content):
        wanted = min(wanted, (flip - head) // each)
    assert np.array_equal(read_log(path, KIND), records[:wanted])


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_spoilt_parquet_is_named_or_still_readable(tmp_path_factory, at, value):
    path = tmp_path_factory.mktemp("parquet") / "spoilt.parquet"
    samples = np.zeros(4, SAMPLE)
    write_parquet(path, samples)
    content = bytearray(path.read_bytes())
    content[at % len(content)] = value
    path.write_bytes(content)
    try:
        assert read_parquet(path, SAMPLE).dtype == SAMPLE
    except DamagedFileError as error:
        assert "spoilt.parquet" in str(error)
