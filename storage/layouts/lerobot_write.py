"""Writer of LeRobotDataset v3.0: many episodes per file, contiguous indices, true and nominal capture times."""

import json
import shutil
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from storage.atomic_files import explained, sync_folder
from storage.episodes.clips import undistorted
from storage.episodes.documents import ViewSpec
from storage.episodes.episode import Episode
from storage.episodes.samples import to_vector
from storage.errors import StorageError
from storage.layouts import lerobot_schema as schema
from storage.layouts.interface import Report
from storage.layouts.lerobot_rows import EpisodeTable, episode_table
from storage.layouts.lerobot_statistics import PictureTally

_SAMPLED = 24  # images per episode for the image statistics


class LeRobotWriter:
    """See `interface.LayoutWriter`. Needs episodes with an arm, and at least one calibrated camera common to all."""

    name = "lerobot"

    def write(self, episodes: Sequence[Episode], target: Path, fps: int, report: Report) -> None:
        """Write the data set. Raises StorageError: no episodes, no common camera, existing target, or a disk error."""
        if not episodes:
            raise StorageError("There is no episode to export. Choose others.")
        if target.exists():
            raise StorageError(f"{target} exists already. Choose a new folder for the export.")
        views = common_views(episodes)
        part = target.with_name(target.name + ".part")
        try:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            _DataSet(part, views, fps).write(episodes, report)
            part.rename(target)
            sync_folder(target.parent)
        except OSError as error:
            raise explained(error, f"The export to {target} could not be written") from error
        finally:
            shutil.rmtree(part, ignore_errors=True)


def common_views(episodes: Sequence[Episode]) -> dict[str, schema.ExportedView]:
    """Return by camera name the calibrated views that all episodes have in one size; StorageError if there is none."""
    common: dict[str, schema.ExportedView] | None = None
    for episode in episodes:
        here = {
            spec.name: _exported(spec)
            for index, spec in enumerate(episode.views)
            if spec.calibration is not None and episode.facts.views[index].frames
        }
        common = here if common is None else {n: v for n, v in common.items() if here.get(n) == v}
    if not common:
        raise StorageError(
            "These episodes have no calibrated camera of one picture size in common. Choose episodes recorded with "
            "the same cameras."
        )
    if len({view.name for view in common.values()}) < len(common):
        raise StorageError("Two cameras have nearly the same name. Rename one of them.")
    return common


def _exported(spec: ViewSpec) -> schema.ExportedView:
    """Return the view with even size, as H.264 requires: an odd last row or column is dropped, moving no pixel."""
    return schema.ExportedView(
        schema.feature_name(spec.name), spec.width - spec.width % 2, spec.height - spec.height % 2
    )


class _DataSet:
    """Export in progress into an empty folder."""

    def __init__(self, root: Path, views: dict[str, schema.ExportedView], fps: int):
        self._root, self._views, self._fps = root, views, fps
        self._tasks: dict[str, int] = {}
        self._tables: list[EpisodeTable] = []
        self._frames = 0

    def write(self, episodes: Sequence[Episode], report: Report) -> None:
        films = {name: _Films(self._root, view, self._fps) for name, view in self._views.items()}
        data = _DataFiles(self._root)
        rows: list[dict[str, Any]] = []
        try:
            for number, episode in enumerate(episodes):
                report(f"Exporting episode {number + 1} of {len(episodes)}", number / len(episodes))
                rows.append(self._episode(episode, number, films, data))
        finally:
            data.close()
            for film in films.values():
                film.close()
        self._meta(rows)

    def _episode(self, episode: Episode, number: int, films: dict[str, "_Films"], data: "_DataFiles") -> dict[str, Any]:
        start, end = episode.span
        count = max(int((end - start) * self._fps + 1e-6), 1)
        task = self._tasks.setdefault(episode.labels.instruction, len(self._tasks))
        times = start + np.arange(count) / self._fps
        if episode.trajectory is None:
            raise StorageError(f"Nothing is known of the arm in the episode {episode.id}. Leave it out.")
        motion = episode.trajectory.at(np.clip(times, start, end))
        state = np.concatenate([to_vector(motion.base_from_tool), motion.openness[:, None]], axis=1)
        spans, captured, cameras, pictures = {}, {}, {}, {}
        for name, view in self._views.items():
            index = [spec.name for spec in episode.views].index(name)
            camera, stamps, shown = films[name].add(episode, index, times)
            spans[view.key], captured[view.name], cameras[view.name] = films[name].span, stamps, camera
            pictures[view.key] = shown
        table = episode_table(state, captured, cameras, self._fps, number, self._frames, task)
        chunk, file = data.add(table)
        row: dict[str, Any] = {
            "episode_index": number,
            "tasks": [episode.labels.instruction],
            "length": count,
            "data/chunk_index": chunk,
            "data/file_index": file,
            "dataset_from_index": self._frames,
            "dataset_to_index": self._frames + count,
        }
        for key, (chunk, file, begin, stop) in spans.items():
            row |= {f"videos/{key}/chunk_index": chunk, f"videos/{key}/file_index": file}
            row |= {f"videos/{key}/from_timestamp": begin / self._fps, f"videos/{key}/to_timestamp": stop / self._fps}
        row |= {"meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0}
        table.pictures = pictures
        for feature, figures in table.statistics().items():
            row |= {f"stats/{feature}/{name}": value for name, value in figures.items()}
        self._tables.append(table)
        self._frames += count
        return row

    def _meta(self, rows: list[dict[str, Any]]) -> None:
        path = self._root / schema.EPISODES_PATH.format(chunk_index=0, file_index=0)
        path.parent.mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows), path)
        _write_tasks(self._root / schema.TASKS_PATH, list(self._tasks))
        together = EpisodeTable.together(self._tables)
        (self._root / schema.STATS_PATH).write_text(json.dumps(together.statistics(), indent=4))
        info = {
            "codebase_version": schema.VERSION,
            "robot_type": "xarm7",
            "total_episodes": len(rows),
            "total_frames": self._frames,
            "total_tasks": len(self._tasks),
            "chunks_size": schema.FILES_PER_CHUNK,
            "data_files_size_in_mb": schema.DATA_MB,
            "video_files_size_in_mb": schema.VIDEO_MB,
            "fps": self._fps,
            "splits": {"train": f"0:{len(rows)}"},
            "data_path": schema.DATA_PATH,
            "video_path": schema.VIDEO_PATH,
            "features": schema.features(list(self._views.values()), self._fps),
        }
        (self._root / schema.INFO_PATH).write_text(json.dumps(info, indent=4))  # last: without it there is no data set


def _write_tasks(path: Path, tasks: list[str]) -> None:
    """Write a pandas frame with the index `task` and column `task_index` without pandas, by its metadata."""
    column = {"field_name": "task_index", "name": "task_index", "pandas_type": "int64", "numpy_type": "int64"}
    index = {"field_name": "task", "name": "task", "pandas_type": "unicode", "numpy_type": "object"}
    names = {"name": None, "field_name": None, "pandas_type": "unicode", "numpy_type": "object"}
    said = {
        "index_columns": ["task"],
        "column_indexes": [{**names, "metadata": {"encoding": "UTF-8"}}],
        "columns": [{**column, "metadata": None}, {**index, "metadata": None}],
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.2.0",
    }
    table = pa.table({"task_index": pa.array(range(len(tasks)), pa.int64()), "task": pa.array(tasks, pa.string())})
    pq.write_table(table.replace_schema_metadata({"pandas": json.dumps(said)}), path)


class _DataFiles:
    """data/chunk-*/file-*.parquet: a row group per episode, a new file when one exceeds the size limit."""

    def __init__(self, root: Path):
        self._root = root
        self._writer: pq.ParquetWriter | None = None
        self._number = -1
        self._path = root

    def add(self, table: EpisodeTable) -> tuple[int, int]:
        """Add an episode; return its chunk and file."""
        if self._writer is None or self._path.stat().st_size > schema.DATA_MB << 20:
            self.close()
            self._number += 1
            where = divmod(self._number, schema.FILES_PER_CHUNK)
            self._path = self._root / schema.DATA_PATH.format(chunk_index=where[0], file_index=where[1])
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self._path, table.arrow.schema, compression="snappy", use_dictionary=True)
        self._writer.write_table(table.arrow, row_group_size=len(table.arrow))
        chunk, file = divmod(self._number, schema.FILES_PER_CHUNK)
        return chunk, file

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


class _Films:
    """videos/<key>/chunk-*/file-*.mp4: concatenated episodes, a new file when one exceeds the size limit."""

    def __init__(self, root: Path, view: schema.ExportedView, fps: int):
        self._root, self._view, self._fps = root, view, fps
        self._container: Any = None
        self._number, self._frames = -1, 0
        self._path = root
        self.span = (0, 0, 0, 0)  # chunk, file, first frame, end of the episode added last

    def add(self, episode: Episode, view: int, times: np.ndarray) -> tuple[Any, np.ndarray, PictureTally]:
        """Add an episode; return its camera, the capture times (n,) in ns UTC, and a tally of some images."""
        if self._container is None or self._path.stat().st_size > schema.VIDEO_MB << 20:
            self._open()
        calibration = episode.calibration(view)
        assert calibration is not None
        indices = episode.nearest(view, times, calibration.delay_s)
        begin, tally, step = self._frames, PictureTally(), max(len(times) // _SAMPLED, 1)
        for number, picture in enumerate(_pictures(episode, view, indices)):
            self._encode(picture)
            if number % step == 0:
                tally.add(picture[: self._view.height, : self._view.width])
        chunk, file = divmod(self._number, schema.FILES_PER_CHUNK)
        self.span = (chunk, file, begin, self._frames)
        taken = episode.frames[view]["time"][indices] - calibration.delay_s
        start_ns = round(episode.facts.recorded_at.timestamp() * 1e6) * 1000
        camera = calibration.camera(episode.views[view].name)
        return camera, start_ns + np.round(1e9 * taken).astype(np.int64), tally

    def _open(self) -> None:
        self.close()
        self._number, self._frames = self._number + 1, 0
        chunk, file = divmod(self._number, schema.FILES_PER_CHUNK)
        path = schema.VIDEO_PATH.format(video_key=self._view.key, chunk_index=chunk, file_index=file)
        self._path = self._root / path
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._container = av.open(str(self._path), "w")
        # A key frame every other frame: training reads them in random order.
        options = {"crf": "23", "preset": "veryfast", "g": "2", "bf": "0"}
        self._stream = self._container.add_stream("libx264", rate=self._fps, options=options)
        self._stream.width, self._stream.height = self._view.width, self._view.height
        self._stream.pix_fmt = "yuv420p"

    def _encode(self, picture: np.ndarray) -> None:
        frame = av.VideoFrame.from_ndarray(
            np.ascontiguousarray(picture[: self._view.height, : self._view.width]), format="rgb24"
        )
        frame.pts, frame.time_base = self._frames, Fraction(1, self._fps)
        self._container.mux(self._stream.encode(frame))
        self._frames += 1

    def close(self) -> None:
        if self._container is not None:
            self._container.mux(self._stream.encode())
            self._container.close()
            self._container = None


def _pictures(episode: Episode, view: int, indices: np.ndarray) -> Iterator[np.ndarray]:
    """Yield undistorted images, decoded in batches so that long episodes fit into memory."""
    calibration = episode.calibration(view)
    assert calibration is not None
    with episode.film(view) as film:
        for start in range(0, len(indices), 32):
            yield from undistorted(film.frames(indices[start : start + 32]), calibration)
