"""File format of a few hundred clips: an uncompressed .npz without pickled objects, images stored once for all clips.

It is written to a temporary file and renamed, so that an existing file is always complete.
"""

import json
import os
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from foundation.camera import Camera
from foundation.errors import KnownError
from foundation.trajectory import Trajectory
from simulation.bench.scene import SceneSpec
from simulation.bench.tasks import Task
from simulation.pictures.looks import Look
from workflows.embedded.clip import Clip
from workflows.embedded.keyframe_timing import PERIOD


class ShardError(KnownError):
    """Shards that cannot be read, or were made with another recipe."""


@dataclass(frozen=True, eq=False)
class Shard:
    """N images (of a scene by a rig of V cameras, F = 1 or T frames) and the M clips that show them, as arrays.

    `rgb` (N, V, F, H, W, 3) uint8, `K` (N, V, 3, 3), `base_from_camera` (N, V, 4, 4) m; per clip its `picture` (M,),
    `seed` (M,), `instruction` (M,) and `kind` (M,) str, `base_from_tool` (M, T, 4, 4), `openness` (M, T), `done` (M,).
    """

    rgb: np.ndarray
    K: np.ndarray
    base_from_camera: np.ndarray
    picture: np.ndarray
    seed: np.ndarray
    instruction: np.ndarray
    kind: np.ndarray
    base_from_tool: np.ndarray
    openness: np.ndarray
    done: np.ndarray
    facts: np.ndarray  # (N,) JSON of the scene's data for judging
    task: np.ndarray  # (M,) JSON

    def __len__(self) -> int:
        return len(self.picture)

    def cameras(self, picture: int) -> tuple[Camera, ...]:
        """Return the V cameras of one image."""
        height, width = self.rgb.shape[3:5]
        return tuple(
            Camera(f"view {i}", width, height, K, place)
            for i, (K, place) in enumerate(zip(self.K[picture], self.base_from_camera[picture], strict=True), start=1)
        )

    def clip(self, number: int) -> Clip:
        """Reconstruct one clip."""
        picture = int(self.picture[number])
        facts = json.loads(str(self.facts[picture]))
        times = PERIOD * np.arange(self.openness.shape[1])
        return Clip(
            int(self.seed[number]),
            str(self.instruction[number]),
            self.cameras(picture),
            Trajectory(times, self.base_from_tool[number], self.openness[number]),
            self.rgb[picture],
            bool(self.done[number]),
            Task(**json.loads(str(self.task[number]))),
            SceneSpec.from_dict(facts["scene"]),
            np.array(facts["joints"]),
            Look.from_dict(facts["look"]),
        )


def shard_files(folder: Path) -> list[Path]:
    """Return the shards of a folder in the order of their seeds."""
    return sorted(folder.glob("[0-9]*-[0-9]*.npz"))


def read_shard(path: Path) -> Shard:
    """Read a shard. Raises ShardError for a file that is not a shard."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return Shard(**{name: arrays[name] for name in Shard.__dataclass_fields__})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as fault:
        raise ShardError(f"{path} does not hold clips ({fault}). Delete it, and it will be made again.") from fault


def write_shard(path: Path, pictures: list[tuple[Clip, ...]]) -> None:
    """Write clips to `path`, grouped in tuples by the image (scene and cameras) that they show."""
    first = [alike[0] for alike in pictures]
    clips = [(number, clip) for number, alike in enumerate(pictures) for clip in alike]
    arrays = {
        "rgb": np.stack([clip.rgb for clip in first]),
        "K": np.array([[camera.K for camera in clip.cameras] for clip in first]),
        "base_from_camera": np.array([[camera.base_from_camera for camera in clip.cameras] for clip in first]),
        "facts": np.array([json.dumps(_facts(clip)) for clip in first]),
        "picture": np.array([number for number, _ in clips]),
        "seed": np.array([clip.seed for _, clip in clips]),
        "instruction": np.array([clip.instruction for _, clip in clips]),
        "kind": np.array([clip.kind for _, clip in clips]),
        "base_from_tool": np.stack([clip.trajectory.base_from_tool for _, clip in clips]),
        "openness": np.stack([clip.trajectory.openness for _, clip in clips]),
        "done": np.array([clip.done for _, clip in clips]),
        "task": np.array([json.dumps(asdict(clip.task)) for _, clip in clips]),
    }
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    beside.replace(path)


def _facts(clip: Clip) -> dict[str, Any]:
    return {"scene": clip.scene.to_dict(), "joints": clip.joints.tolist(), "look": asdict(clip.look)}
