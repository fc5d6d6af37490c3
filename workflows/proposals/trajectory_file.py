"""Trajectory files in JSON, for replay: times, poses as position and quaternion, openness."""

import json
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from foundation.errors import KnownError
from foundation.poses import pose
from foundation.trajectory import Trajectory

_FORMAT = "rehearse trajectory 1"
_LARGEST = 1 << 26  # bytes
_MOST_FRAMES = 100_000
_LONGEST = 3600.0  # s
_FARTHEST = 10.0  # m: an arm's reach is one


class TrajectoryFileError(KnownError):
    """A trajectory file cannot be read or written."""


def save_trajectory(path: Path, trajectory: Trajectory, instruction: str = "") -> None:
    """Write a trajectory whose frames are all known; an existing file is replaced atomically."""
    if not trajectory.known.all():
        raise TrajectoryFileError("Frames of this trajectory are unknown: it cannot be stored for replay.")
    quaternion = Rotation.from_matrix(trajectory.base_from_tool[:, :3, :3]).as_quat(canonical=True)
    values = {
        "format": _FORMAT,
        "instruction": instruction,
        "times_s": trajectory.times.tolist(),
        "position_m": trajectory.base_from_tool[:, :3, 3].tolist(),
        "quaternion_xyzw": quaternion.tolist(),
        "openness": trajectory.openness.tolist(),
    }
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(json.dumps(values), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise TrajectoryFileError(f"The trajectory {path} cannot be written: {error.strerror}.") from error


def load_trajectory(path: Path) -> tuple[Trajectory, str]:
    """Return the trajectory in a file, and its instruction. Raises TrajectoryFileError with the reason."""
    try:
        if not path.is_file():  # a folder, or a pipe that would block
            path.stat()
            raise TrajectoryFileError(f"{path} is not a file. Choose a file.")
        if path.stat().st_size > _LARGEST:
            raise TrajectoryFileError(f"The file {path} is too large for a trajectory. Choose another file.")
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict) or values.get("format") != _FORMAT:
            raise ValueError(f'it is not marked as "{_FORMAT}"')
        return _from_values(values), str(values.get("instruction", ""))
    except OSError as error:
        raise TrajectoryFileError(f"The trajectory {path} cannot be read: {error.strerror}. Choose a file.") from error
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise TrajectoryFileError(f"The file {path} holds no trajectory: {error}. Choose another file.") from error


def _from_values(values: dict) -> Trajectory:
    times = np.array(values["times_s"], float)
    position = np.array(values["position_m"], float)
    quaternion = np.array(values["quaternion_xyzw"], float)
    openness = np.array(values["openness"], float)
    T = len(times) if times.ndim == 1 else 0
    if not 2 <= T <= _MOST_FRAMES or position.shape != (T, 3) or quaternion.shape != (T, 4):
        raise ValueError("times_s, position_m and quaternion_xyzw must have one entry for each of two frames or more")
    if not all(np.isfinite(part).all() for part in (times, position, quaternion, openness)):
        raise ValueError("it has values that are not finite numbers")
    if np.abs(times).max() > 1e10 or not 0.01 <= times[-1] - times[0] <= _LONGEST:
        raise ValueError(f"its times_s must rise, over {_LONGEST:.0f} s at most")
    if np.abs(position).max() > _FARTHEST:
        raise ValueError(f"its position_m must lie within {_FARTHEST:.0f} m of the arm")
    if np.abs(np.linalg.norm(quaternion, axis=1) - 1.0).max() > 1e-3:
        raise ValueError("a quaternion must have length 1")
    return Trajectory(times, pose(Rotation.from_quat(quaternion).as_matrix(), position), openness)
