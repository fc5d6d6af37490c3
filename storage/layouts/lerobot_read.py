"""Reader of LeRobotDataset v3.0: videos, instructions, and the arm if its state is in a known format."""

import math
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from storage.atomic_files import read_json
from storage.episodes.documents import Calibration, Labels, Lens, NewEpisode, ViewSpec
from storage.episodes.samples import SAMPLE
from storage.errors import DamagedFileError, RecordingError
from storage.layouts import lerobot_schema as schema
from storage.layouts.interface import ImportedEpisode
from storage.video.reader import VideoReader

_MOST_EPISODES, _MOST_FRAMES = 1_000_000, 1_000_000  # of a data set; of an episode


class LeRobotReader:
    """See `interface.LayoutReader`. Decides by the path templates, not by the version claimed in info.json."""

    name = "lerobot"

    def recognises(self, folder: Path) -> bool:
        return (folder / schema.INFO_PATH).is_file()

    def episodes(self, folder: Path) -> Iterator[ImportedEpisode]:
        info = _Info(folder)
        tasks = _tasks(folder / schema.TASKS_PATH)
        rows = _episode_rows(folder)
        if len(rows) != info.episodes:
            raise DamagedFileError(
                f"The folder {folder / 'meta/episodes'} lists {len(rows)} episodes, and meta/info.json says "
                f"{info.episodes}: the data set was not written to its end."
            )
        for number, row in enumerate(rows):
            if _whole(row, "episode_index", folder) != number:
                raise DamagedFileError(f"The episodes in {folder / 'meta/episodes'} have a gap at {number}.")
            yield _episode(info, tasks, row)


class _Info:
    """Validated contents of meta/info.json."""

    def __init__(self, root: Path):
        self.root, path = root, root / schema.INFO_PATH
        values = read_json(path)
        try:
            self.fps = int(values["fps"])
            self.episodes = int(values["total_episodes"])
            self.data_path, self.video_path = str(values["data_path"]), values.get("video_path")
            self.features: dict[str, Any] = values["features"]
            self.videos = [key for key, feature in self.features.items() if feature["dtype"] == "video"]
            self.sizes = {key: tuple(int(n) for n in self.features[key]["shape"][:2]) for key in self.videos}
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DamagedFileError(f"The file {path} is no description of a LeRobot data set: {error!r}.") from error
        if "{file_index" not in self.data_path:
            raise DamagedFileError(f"The data set {root} has one file per episode (before v3.0). Convert it first.")
        if not (0 < self.fps <= 1000 and 0 < self.episodes <= _MOST_EPISODES):
            raise DamagedFileError(f"The file {path} says {self.episodes} episodes at {self.fps} frames a second.")
        if not self.videos or not self.video_path:
            raise DamagedFileError(f"The data set {root} has no videos: there is nothing to show for its episodes.")

    def file(self, template: str, **numbers: Any) -> Path:
        """Return a file of the data set; never one outside of it."""
        try:
            path = (self.root / template.format(**numbers)).resolve()
        except (KeyError, ValueError, IndexError, AttributeError) as error:
            raise DamagedFileError(f"The paths in {self.root / schema.INFO_PATH} are none: {error}.") from error
        if not path.is_relative_to(self.root.resolve()):
            raise DamagedFileError(f"The data set {self.root} points to {path}, outside of its folder.")
        return path


def _episode(info: _Info, tasks: dict[int, str], row: dict[str, Any]) -> ImportedEpisode:
    begin, end = (_whole(row, f"dataset_{side}_index", info.root) for side in ("from", "to"))
    if not 0 < end - begin <= _MOST_FRAMES:
        raise DamagedFileError(f"An episode of {info.root} reaches from frame {begin} to {end}.")
    path = info.file(
        info.data_path,
        chunk_index=_whole(row, "data/chunk_index", info.root),
        file_index=_whole(row, "data/file_index", info.root),
    )
    columns = _rows(path, begin, end, [name for name in info.features if name not in info.videos])
    times = np.asarray(columns["timestamp"], float).ravel()
    if not (np.isfinite(times).all() and (np.diff(times) > 0).all()):
        raise DamagedFileError(f"The timestamps in {path} do not rise.")
    task = tasks.get(int(np.ravel(columns["task_index"])[0]), "")
    films, views = [], []
    for key in info.videos:
        view, film_times = _view(info, key, columns, times)
        views.append(view)
        films.append(partial(_film, _span(info, key, row), view, times, film_times, 1.0 / info.fps))
    try:
        new = NewEpisode(task, tuple(views), source="import")
    except RecordingError as error:
        raise DamagedFileError(f"The data set {info.root}: {error}") from error
    first = _captured(columns, info.videos)
    return ImportedEpisode(new, Labels(new.instruction), tuple(films), _samples(info, columns, times), first)


def _view(info: _Info, key: str, columns: dict[str, Any], times: np.ndarray) -> tuple[ViewSpec, np.ndarray]:
    """Return the camera, and the true capture time of each frame, s since the first frame of all."""
    name = key.removeprefix(schema.IMAGES)
    height, width = info.sizes[key]
    K, place = (columns.get(f"{schema.CAMERA}{name}.{what}") for what in ("intrinsics", "extrinsics"))
    calibration, lens = None, None
    if K is not None and place is not None and np.shape(K)[1:] == (9,) and np.shape(place)[1:] == (16,):
        lens = Lens(width, height, _nested(np.reshape(K[0], (3, 3))))
        made = datetime(1970, 1, 1, tzinfo=UTC).isoformat()
        # float32 is no rotation to six digits: use the nearest one.
        pose = _rigid(np.reshape(place[0], (4, 4)).astype(float), info.root)
        identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{lens}{pose.tolist()}")
        calibration = Calibration(str(identity), made, "imported", lens, _nested(pose))
        try:
            calibration.camera(name)  # raises for an invalid camera
        except ValueError as error:
            raise DamagedFileError(f"The data in {info.root} describe no camera: {error}.") from error
    taken = columns.get(schema.CAPTURED + name)
    shifted = times - times[0]
    if taken is not None:
        every = [columns[n] for n in columns if n.startswith(schema.CAPTURED)]
        start = min(int(np.ravel(stamps)[0]) for stamps in every)
        shifted = (np.ravel(taken).astype(np.int64) - start) / 1e9
    return ViewSpec(f"lerobot:{name}", name, width, height, float(info.fps), lens, calibration), shifted


def _film(
    span: tuple[Path, float], view: ViewSpec, times: np.ndarray, taken: np.ndarray, period: float
) -> Iterator[tuple[float, np.ndarray]]:
    path, begin = span
    before = -math.inf
    with VideoReader(path, view.width, view.height) as film:
        for time, moment in zip(times - times[0], taken, strict=True):
            index = int(np.searchsorted(film.times, begin + time - 0.5 * period))
            if index >= len(film) or abs(film.times[index] - begin - time) > 0.5 * period:
                raise DamagedFileError(f"The film {path} has no frame at {begin + time:.3f} s, which an episode wants.")
            if moment > before:  # at a fixed rate one frame may occur at two time steps
                yield float(moment), film.frame(index)
            before = max(before, moment)


def _span(info: _Info, key: str, row: dict[str, Any]) -> tuple[Path, float]:
    numbers = {n: _whole(row, f"videos/{key}/{n}", info.root) for n in ("chunk_index", "file_index")}
    begin = row.get(f"videos/{key}/from_timestamp")
    if not isinstance(begin, float) or not math.isfinite(begin):
        raise DamagedFileError(f"The data set {info.root} does not say where an episode begins in the film {key}.")
    return info.file(str(info.video_path), video_key=key, **numbers), begin


def _samples(info: _Info, columns: dict[str, Any], times: np.ndarray) -> np.ndarray:
    """Return the arm's samples if the state is in this program's format; none for another robot's."""
    names = (info.features.get(schema.STATE) or {}).get("names")
    state = columns.get(schema.STATE)
    if state is None or names != {"axes": schema.POSE} or np.shape(state)[1:] != (8,):
        return np.zeros(0, SAMPLE)
    samples = np.zeros(len(times), SAMPLE)
    for name in ("position", "velocity", "effort", "commanded", "commanded_openness"):
        samples[name] = np.nan
    for name in ("mode", "state", "error", "warning"):
        samples[name] = -1
    samples["time"] = times - times[0]
    samples["tool"], samples["openness"] = state[:, :7], np.clip(state[:, 7], 0.0, 1.0)
    length = np.linalg.norm(samples["tool"][:, 3:], axis=1, keepdims=True)
    if not np.isfinite(samples["tool"]).all() or (np.abs(length - 1.0) > 1e-3).any():
        raise DamagedFileError(f"The states in {info.root} are no poses.")
    samples["tool"][:, 3:] /= length
    return samples


def _captured(columns: dict[str, Any], videos: list[str]) -> str | None:
    stamps = [columns.get(schema.CAPTURED + key.removeprefix(schema.IMAGES)) for key in videos]
    firsts = [int(np.ravel(stamp)[0]) for stamp in stamps if stamp is not None]
    if not firsts or not 0 < min(firsts) < 4e18:
        return None
    return datetime.fromtimestamp(min(firsts) / 1e9, UTC).isoformat()


def _episode_rows(root: Path) -> list[dict[str, Any]]:
    files = sorted((root / "meta" / "episodes").glob("chunk-*/file-*.parquet"))
    if not files:
        raise DamagedFileError(f"The folder {root / 'meta/episodes'} has no files: the data set is not complete.")
    rows: list[dict[str, Any]] = []
    for file in files:
        rows += _table(file, lambda name: not name.startswith("stats/")).to_pylist()
    return rows


def _rows(path: Path, begin: int, end: int, names: list[str]) -> dict[str, np.ndarray]:
    """Return the rows of one episode by column: those with `index` in the range, in its order."""
    table = _table(path, set(names).__contains__)
    found: dict[str, np.ndarray] = {}
    try:
        index = table["index"].to_numpy()
        table = table.filter(pa.array((index >= begin) & (index < end)))
        if not np.array_equal(table["index"].to_numpy(), np.arange(begin, end)):
            raise DamagedFileError(f"The file {path} does not hold the frames {begin} to {end - 1} in a row.")
        for name in table.column_names:
            values = table[name].combine_chunks()
            if pa.types.is_fixed_size_list(values.type) or pa.types.is_list(values.type):
                found[name] = values.flatten().to_numpy(zero_copy_only=False).reshape(len(values), -1)
            else:
                found[name] = values.to_numpy(zero_copy_only=False)
        for name in ("timestamp", "task_index"):
            found[name] = found[name].astype(float)
    except (KeyError, ValueError, TypeError, pa.ArrowException) as error:
        raise DamagedFileError(f"The file {path} has not the columns it should have: {error}.") from error
    return found


def _tasks(path: Path) -> dict[int, str]:
    table = _table(path, lambda _: True)
    name = next((n for n in ("task", "__index_level_0__") if n in table.column_names), None)
    if name is None or "task_index" not in table.column_names:
        raise DamagedFileError(f"The file {path} has no instructions.")
    return {int(i): str(text) for i, text in zip(table["task_index"].to_pylist(), table[name].to_pylist(), strict=True)}


def _table(path: Path, wanted: Callable[[str], bool]) -> pa.Table:
    try:
        names = [name for name in pq.read_schema(path).names if wanted(name)]
        return pq.read_table(path, columns=names, memory_map=False)
    except (OSError, pa.ArrowException, ValueError) as error:
        raise DamagedFileError(f"The file {path} cannot be read: {str(error).splitlines()[0]}") from error


def _whole(row: dict[str, Any], name: str, root: Path) -> int:
    value = row.get(name)
    if not isinstance(value, int) or value < 0:
        raise DamagedFileError(f"The episodes of {root} have no usable {name}, but {value!r}.")
    return value


def _rigid(pose: np.ndarray, root: Path) -> np.ndarray:
    if not np.isfinite(pose).all():
        raise DamagedFileError(f"A camera's place in {root} is not known.")
    left, sizes, right = np.linalg.svd(pose[:3, :3])
    if (np.abs(sizes - 1.0) > 1e-3).any() or np.linalg.det(left @ right) < 0:
        raise DamagedFileError(f"A camera's place in {root} is no rigid transform.")
    rigid = np.eye(4)
    rigid[:3, :3], rigid[:3, 3] = left @ right, pose[:3, 3]
    return rigid


def _nested(matrix: np.ndarray) -> Any:
    return tuple(tuple(float(value) for value in row) for row in matrix)
