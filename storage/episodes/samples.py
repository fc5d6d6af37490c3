"""Samples of the arm: appended while recording, stored as Parquet."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.spatial.transform import Rotation

from foundation import xarm7
from foundation.poses import pose
from foundation.trajectory import Trajectory
from storage.errors import DamagedFileError

_JOINTS = ("position", "velocity", "effort", "commanded")
_WHOLE = ("mode", "state", "error", "warning")
SAMPLE = np.dtype(
    [
        ("time", "<f8"),
        *((name, "<f8", (7,)) for name in _JOINTS),
        ("tool", "<f8", (7,)),
        ("openness", "<f8"),
        ("commanded_openness", "<f8"),
        *((name, "<i4") for name in _WHOLE),
    ]
)
"""`time` s since the episode's start; joints (7,) rad, rad/s, N m; `tool` base_from_tool as x y z qx qy qz qw in m;
openness in [0, 1], 1 = open; NaN where nothing is known. Codes are the controller's, -1 where unknown."""


def _unknown() -> np.ndarray:
    return np.full(7, np.nan)


@dataclass(frozen=True, eq=False, slots=True)
class ArmSample:
    """Measurement of the arm: `time` s on the machine's monotonic clock; the rest as in `SAMPLE`.

    `base_from_tool` (4, 4) may be omitted if the joints are known.
    """

    time: float
    position: np.ndarray = field(default_factory=_unknown)
    velocity: np.ndarray = field(default_factory=_unknown)
    effort: np.ndarray = field(default_factory=_unknown)
    commanded: np.ndarray = field(default_factory=_unknown)
    base_from_tool: np.ndarray | None = None
    openness: float = float("nan")
    commanded_openness: float = float("nan")
    mode: int = -1
    state: int = -1
    error: int = -1
    warning: int = -1

    def record(self, start: float) -> np.ndarray:
        """Return a record of the log, its time relative to `start`. Raises ValueError for arrays of another shape."""
        record = np.zeros((), SAMPLE)
        record["time"] = self.time - start
        for name in (*_JOINTS, "openness", "commanded_openness", *_WHOLE):
            record[name] = getattr(self, name)
        record["tool"] = np.nan if self.base_from_tool is None else to_vector(self.base_from_tool)
        return record


def to_vector(base_from_tool: np.ndarray) -> np.ndarray:
    """Convert poses (..., 4, 4) to x y z qx qy qz qw (..., 7)."""
    rotation = Rotation.from_matrix(base_from_tool[..., :3, :3].reshape(-1, 3, 3)).as_quat(canonical=True)
    return np.concatenate([base_from_tool[..., :3, 3], rotation.reshape(*base_from_tool.shape[:-2], 4)], axis=-1)


def from_vector(vector: np.ndarray) -> np.ndarray:
    """Convert x y z qx qy qz qw (..., 7) to poses (..., 4, 4)."""
    rotation = Rotation.from_quat(vector[..., 3:].reshape(-1, 4)).as_matrix()
    return pose(rotation.reshape(*vector.shape[:-1], 3, 3), vector[..., :3])


def with_poses(samples: np.ndarray) -> np.ndarray:
    """Return the samples with missing tool poses computed from the joints."""
    missing = np.isnan(samples["tool"]).any(axis=1) & np.isfinite(samples["position"]).all(axis=1)
    if missing.any():
        samples = samples.copy()
        samples["tool"][missing] = to_vector(xarm7.forward(samples["position"][missing]))
    return samples


def trajectory(samples: np.ndarray) -> Trajectory | None:
    """Return the tool's trajectory over the samples with a pose, None without any; unknown openness counts as open."""
    known = np.isfinite(samples["tool"]).all(axis=1)
    if not known.any():
        return None
    openness = samples["openness"][known]
    openness = np.clip(np.where(np.isfinite(openness), openness, 1.0), 0.0, 1.0)
    return Trajectory(samples["time"][known], from_vector(samples["tool"][known]), openness)


def write_parquet(path: Path, records: np.ndarray) -> None:
    """Write records (n,) of any type as Parquet, one column per field, atomically. Raises OSError."""
    assert records.dtype.names is not None
    columns = {}
    for name in records.dtype.names:
        values = np.ascontiguousarray(records[name])
        if values.ndim == 1:
            columns[name] = pa.array(values)
        else:
            columns[name] = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        pq.write_table(pa.table(columns), file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def read_parquet(path: Path, dtype: np.dtype) -> np.ndarray:
    """Read records (n,) written by `write_parquet`. Raises DamagedFileError naming the file if it is another."""
    assert dtype.names is not None
    try:
        table = pq.read_table(path, columns=list(dtype.names), memory_map=False)
        records = np.zeros(len(table), dtype)
        for name in dtype.names:
            column = table[name].combine_chunks()
            if isinstance(column, pa.FixedSizeListArray | pa.ListArray):
                column = column.flatten()
            records[name] = column.to_numpy(zero_copy_only=False).reshape(records[name].shape)
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError) as error:
        raise DamagedFileError(f"The file {path} cannot be read: {str(error).splitlines()[0]}") from error
    return records
