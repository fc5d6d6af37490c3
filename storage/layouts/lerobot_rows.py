"""Rows of one exported episode, and their statistics."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from foundation.camera import Camera
from storage.layouts import lerobot_schema as schema
from storage.layouts.lerobot_statistics import PictureTally, statistics


@dataclass(eq=False)
class EpisodeTable:
    """Table of an episode: `columns` are the values (n, d) per feature; `pictures` the image tallies per video key."""

    columns: dict[str, np.ndarray]
    pictures: dict[str, PictureTally] = field(default_factory=dict)

    @property
    def arrow(self) -> pa.Table:
        """Arrow table with scalars for one value per row, fixed-size lists for more."""
        found = {}
        for name, values in self.columns.items():
            flat = pa.array(values.ravel())
            found[name] = flat if values.shape[1] == 1 else pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
        return pa.table(found)

    def statistics(self) -> dict[str, dict[str, Any]]:
        of_columns = {name: statistics(values) for name, values in self.columns.items()}
        return of_columns | {name: tally.statistics() for name, tally in self.pictures.items()}

    @staticmethod
    def together(tables: "list[EpisodeTable]") -> "EpisodeTable":
        first = tables[0]
        return EpisodeTable(
            {name: np.concatenate([table.columns[name] for table in tables]) for name in first.columns},
            {name: PictureTally.together([table.pictures[name] for table in tables]) for name in first.pictures},
        )


def episode_table(
    state: np.ndarray,
    captured_ns: dict[str, np.ndarray],
    cameras: dict[str, Camera],
    fps: int,
    episode: int,
    first_index: int,
    task: int,
) -> EpisodeTable:
    """Return the rows of an episode with tool and gripper `state` (n, 8); the action is the next frame's state."""
    n = len(state)
    columns: dict[str, np.ndarray] = {
        schema.STATE: state.astype(np.float32),
        schema.ACTION: state[np.minimum(np.arange(n) + 1, n - 1)].astype(np.float32),
    }
    for name, camera in cameras.items():
        columns[schema.CAPTURED + name] = captured_ns[name][:, None]
        K, place = camera.K.astype(np.float32).ravel(), camera.base_from_camera.astype(np.float32).ravel()
        columns[f"{schema.CAMERA}{name}.intrinsics"] = np.tile(K, (n, 1))
        columns[f"{schema.CAMERA}{name}.extrinsics"] = np.tile(place, (n, 1))
    frames = np.arange(n, dtype=np.int64)[:, None]
    columns["timestamp"] = (frames / fps).astype(np.float32)
    columns["frame_index"] = frames
    columns["episode_index"] = np.full_like(frames, episode)
    columns["index"] = first_index + frames
    columns["task_index"] = np.full_like(frames, task)
    return EpisodeTable(columns)
