"""Other programs' data sets: written to the letter, read back, and refused as a whole when something is wrong."""

import json
import pickle
import shutil
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from recordings import HEIGHT, WIDTH, keep_one, new_episode

from benchmarks.library.data_sets import rlbench_set
from benchmarks.library.import_mutations import spoilt_import
from storage import queries
from storage.episodes.episode import Episode
from storage.errors import DamagedFileError, StorageError
from storage.layouts.importing import import_episodes
from storage.layouts.known import WRITERS, reader_for
from storage.layouts.lerobot_statistics import PictureTally, statistics
from storage.layouts.text_pickle import read_texts
from storage.library import Library


def silently(_what, _done):
    pass


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Three episodes of two tasks as a LeRobotDataset, and the library they came from."""
    folder = tmp_path_factory.mktemp("export")
    with Library(folder / "library") as library:
        news = [new_episode(2), new_episode(2, "push the ball"), new_episode(2)]
        ids = [keep_one(library, 0.6 + 0.2 * n, new=new) for n, new in enumerate(news)]
        WRITERS["lerobot"].write([Episode(library.episode_folder(i)) for i in ids], folder / "set", 10, silently)
        yield folder / "set", library, ids


def test_the_written_set_is_as_the_layout_says(exported):
    root, library, ids = exported
    info = json.loads((root / "meta/info.json").read_text())
    lengths = [int(Episode(library.episode_folder(i)).facts.duration_s * 10 + 1e-6) for i in ids]
    assert (info["codebase_version"], info["fps"], info["total_tasks"]) == ("v3.0", 10, 2)
    assert (info["total_episodes"], info["total_frames"]) == (3, sum(lengths))
    assert not any("/" in name for name in info["features"])
    data = pq.ParquetFile(root / "data/chunk-000/file-000.parquet")
    assert data.num_row_groups == 3
    table = data.read()
    assert table["index"].to_pylist() == list(range(sum(lengths)))
    assert table["frame_index"].to_pylist() == [k for length in lengths for k in range(length)]
    assert np.allclose(table["timestamp"].to_numpy(), table["frame_index"].to_numpy() / 10)
    assert table["task_index"].to_pylist() == [t for t, n in zip([0, 1, 0], lengths, strict=True) for _ in range(n)]
    videos = [key for key, feature in info["features"].items() if feature["dtype"] == "video"]
    assert len(videos) == 2
    assert set(table.column_names) == set(info["features"]) - set(videos)
    for name, feature in info["features"].items():
        if name in videos:
            assert feature["shape"] == [HEIGHT, WIDTH, 3]
            continue
        kind = table.schema.field(name).type
        wanted = pa.type_for_alias({"float32": "float", "int64": "int64"}[feature["dtype"]])
        assert kind == (wanted if feature["shape"] == [1] else pa.list_(wanted, feature["shape"][0]))
    _check_episodes(root, lengths, videos)
    stats = json.loads((root / "meta/stats.json").read_text())
    assert np.shape(stats[videos[0]]["mean"]) == (3, 1, 1)
    assert 0 <= np.min(stats[videos[0]]["min"]) <= np.max(stats[videos[0]]["max"]) <= 1
    state = np.array(table["observation.state"].to_pylist())
    assert np.allclose(stats["observation.state"]["mean"], state.mean(axis=0), atol=1e-6)
    assert stats["observation.state"]["count"] == [len(state)]
    tasks = pq.read_table(root / "meta/tasks.parquet")
    assert json.loads(tasks.schema.metadata[b"pandas"])["index_columns"] == ["task"]
    assert tasks.to_pydict() == {"task_index": [0, 1], "task": ["pick up the red cube", "push the ball"]}


def _check_episodes(root, lengths, videos):
    rows = pq.read_table(root / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    assert [row["episode_index"] for row in rows] == [0, 1, 2]
    ends = np.cumsum(lengths).tolist()
    assert [row["dataset_to_index"] for row in rows] == ends
    assert [row["dataset_from_index"] for row in rows] == [0, *ends[:-1]]
    for key in videos:
        with av.open(str(root / f"videos/{key}/chunk-000/file-000.mp4")) as film:
            stream = film.streams.video[0]
            assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
            assert float(stream.average_rate) == pytest.approx(10)
            assert sum(1 for _ in film.decode(stream)) == sum(lengths)
        for row, end in zip(rows, ends, strict=True):
            assert row[f"videos/{key}/to_timestamp"] == pytest.approx(end / 10)
            assert row[f"stats/{key}/count"] == [row["length"]]


def test_what_was_exported_comes_back(exported, tmp_path):
    root, library, ids = exported
    with Library(tmp_path) as other:
        back = import_episodes(other, reader_for(root).episodes(root), silently)
        assert [row.instruction for row in queries.page(other.database, descending=False).rows]
        for before, after in zip(ids, back, strict=True):
            one, two = Episode(library.episode_folder(before)), Episode(other.episode_folder(after))
            assert two.labels.instruction == one.labels.instruction
            assert one.trajectory is not None
            assert two.trajectory is not None
            wanted = one.trajectory.at(two.trajectory.times).base_from_tool
            assert np.allclose(two.trajectory.base_from_tool, wanted, atol=1e-5)
            for view in range(2):
                ours, theirs = one.camera(view), two.camera(view)
                assert ours is not None
                assert theirs is not None
                assert np.allclose(theirs.base_from_camera, ours.base_from_camera, atol=1e-6)
                assert np.allclose(theirs.K, ours.K)
                # The true capture times were included: between frames, to the microsecond.
                chosen = one.nearest(view, np.arange(len(two.trajectory.times)) / 10)
                true = np.unique(one.frames[view]["time"][chosen])
                assert np.allclose(np.diff(two.frames[view]["time"]), np.diff(true), atol=2e-6)
                with one.film(view) as first, two.film(view) as second:
                    assert np.abs(first.frame(int(chosen[2])).astype(int) - second.frame(2)).mean() < 4


def test_an_episode_whose_film_cannot_be_played_is_named_and_nothing_is_exported(tmp_path):
    with Library(tmp_path / "library") as library:
        episodes = [Episode(library.episode_folder(keep_one(library, 0.5))) for _ in range(2)]
        film = episodes[1].folder / "view-0.mp4"
        film.write_bytes(film.read_bytes()[:600])
        with pytest.raises(DamagedFileError, match=str(film)):
            WRITERS["lerobot"].write(episodes, tmp_path / "set", 10, silently)
        assert not list(tmp_path.glob("set*"))
        assert queries.count(library.database) == 2


def test_the_target_must_be_new_and_something_must_be_there(exported, tmp_path):
    root, library, ids = exported
    episodes = [Episode(library.episode_folder(ids[0]))]
    with pytest.raises(StorageError, match="exists already"):
        WRITERS["lerobot"].write(episodes, root, 10, silently)
    with pytest.raises(StorageError, match="no episode"):
        WRITERS["lerobot"].write([], tmp_path / "x", 10, silently)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="could not be written"):
        WRITERS["lerobot"].write(episodes, tmp_path / "file" / "x", 10, silently)
    assert not list(tmp_path.glob("*.part"))


def all_or_nothing(root, library, count, seed):
    """Import a data set with one corrupted file: all is imported, or a message about one of its files and nothing."""
    outcome = spoilt_import(root, library, count, seed)
    assert not outcome.partial, outcome
    assert outcome.told, outcome.refused


@pytest.mark.parametrize("seed", range(12))
def test_a_spoilt_lerobot_set_is_imported_whole_or_not_at_all(exported, library, seed):
    all_or_nothing(exported[0], library, 3, seed)


@pytest.fixture(scope="module")
def rlbench(tmp_path_factory):
    return rlbench_set(tmp_path_factory.mktemp("rlbench"))


def test_rlbench_is_imported(rlbench, library):
    ids = import_episodes(library, reader_for(rlbench).episodes(rlbench), silently)
    first = Episode(library.episode_folder(ids[0]))
    assert first.labels.instruction == "push the button"
    assert "press the button" in first.labels.paraphrases
    assert [len(frames) for frames in first.frames] == [6, 6]
    assert np.allclose(np.diff(first.frames[0]["time"]), 0.2)
    assert first.trajectory is not None
    assert first.trajectory.base_from_tool[0, 0, 3] == pytest.approx(0.02)  # episode 2 comes before episode 10
    camera = first.camera(1)
    assert camera is not None
    assert np.allclose(camera.base_from_camera[:3, :3], np.eye(3))
    # A point right of and below the camera's axis appears right and below.
    assert np.allclose(camera.project(np.array([0.2, 0.3, 0.0])), [48 + 80 * 0.1 / 2, 32 + 80 * 0.1 / 2])


@pytest.mark.parametrize("seed", range(8))
def test_a_spoilt_rlbench_set_is_imported_whole_or_not_at_all(rlbench, library, seed):
    all_or_nothing(rlbench, library, 2, seed)


@pytest.mark.parametrize(
    ("name", "was", "spoilt", "refused"),
    [
        ("actions.npy", b"'shape': (21, 8)", b"'shape': (21, 8(", True),
        ("actions.npy", b"\x93NUMPY", b"PK\x03\x04PY", True),
        ("video.mp4", b"avc1", b"zzzz", True),  # an unknown codec
        ("video.mp4", b"Lavf", b"\xb4avf", False),  # a title that is not valid text
    ],
)
def test_what_once_escaped_is_a_sentence_or_harmless(rlbench, library, tmp_path, name, was, spoilt, refused):
    root = tmp_path / "rlbench"
    shutil.copytree(rlbench, root)
    path = next(root.rglob(name))
    assert was in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(was, spoilt))
    if refused:
        with pytest.raises(DamagedFileError, match=name):
            import_episodes(library, reader_for(root).episodes(root), silently)
    else:
        assert len(import_episodes(library, reader_for(root).episodes(root), silently)) == 2


@pytest.mark.parametrize("pictures", [1, 3])
def test_the_statistics_of_pictures_are_those_of_their_pixels(pictures):
    random = np.random.default_rng(pictures)
    shown = [random.integers(low, 200, (7, 5, 3), np.uint8) for low in range(pictures)]
    tallies = [PictureTally() for _ in shown]
    for tally, picture_ in zip(tallies, shown, strict=True):
        tally.add(picture_)
    told = PictureTally.together(tallies).statistics()
    pixels = statistics(np.stack(shown).reshape(-1, 3) / 255.0)
    assert told.pop("count") == [pictures]
    for name, values in told.items():
        assert np.shape(values) == (3, 1, 1)
        assert np.allclose(np.ravel(values), pixels[name]), name


class Hostile:
    def __reduce__(self):
        return (eval, ("1/0",))


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_texts_are_read_from_pickles_that_are_never_run(tmp_path, protocol):
    path = tmp_path / "texts.pkl"
    path.write_bytes(pickle.dumps(["a b", "ä☃", "a b"], protocol))
    assert read_texts(path)[:2] == ["a b", "ä☃"]
    for bad in ([Hostile()], {"a": 1}, [["a"]], [1, 2], [], "text"):
        path.write_bytes(pickle.dumps(bad, protocol))
        with pytest.raises(DamagedFileError, match=r"texts\.pkl"):
            read_texts(path)


@pytest.mark.parametrize("value", [-1.0, 0.0, np.nan, np.inf])
def test_a_camera_that_is_none_is_refused(exported, tmp_path, library, value):
    copy = tmp_path / "copy"
    shutil.copytree(exported[0], copy)
    path = copy / "data/chunk-000/file-000.parquet"
    table = pq.read_table(path)
    index, name = next((i, n) for i, n in enumerate(table.column_names) if n.endswith(".intrinsics"))
    K = np.array(table[name].to_pylist(), np.float32)
    K[:, 0] = value
    flat = pa.FixedSizeListArray.from_arrays(pa.array(K.ravel()), 9)
    pq.write_table(table.set_column(index, name, flat), path)
    with pytest.raises(DamagedFileError, match=f"{copy}.*no camera"):
        import_episodes(library, reader_for(copy).episodes(copy), silently)


def test_a_data_set_that_points_outside_is_refused(exported, tmp_path, library):
    copy = tmp_path / "copy"
    shutil.copytree(exported[0], copy)
    info = json.loads((copy / "meta/info.json").read_text())
    info["data_path"] = "../../{chunk_index}/{file_index}.parquet"
    (copy / "meta/info.json").write_text(json.dumps(info))
    with pytest.raises(DamagedFileError, match="outside"):
        import_episodes(library, reader_for(copy).episodes(copy), silently)


def test_a_folder_of_nothing_is_named(tmp_path):
    with pytest.raises(DamagedFileError, match="lerobot, rlbench"):
        reader_for(tmp_path)
    with pytest.raises(StorageError, match="no folder"):
        reader_for(tmp_path / "none")


class Killed(BaseException):
    """The process ended here."""


@pytest.mark.parametrize("moved", [0, 1, 2, 3])
def test_an_import_cut_short_is_whole_or_not_there_after_the_next_start(exported, tmp_path, monkeypatch, moved):
    root, _, _ = exported
    rename, done = Path.rename, []

    def dying(path, target):
        if path.parent.name.startswith("import-") and "/episodes/" in str(target):
            if len(done) == moved:
                raise Killed
            done.append(path)
        return rename(path, target)

    with Library(tmp_path) as library, monkeypatch.context() as patch:
        patch.setattr(Path, "rename", dying)
        if moved < 3:
            with pytest.raises(Killed):
                import_episodes(library, reader_for(root).episodes(root), silently)
        else:
            import_episodes(library, reader_for(root).episodes(root), silently)
    with Library(tmp_path) as library:
        assert queries.count(library.database) == 3  # the decision had been made
        assert not list((library.episodes / ".incoming").iterdir())
