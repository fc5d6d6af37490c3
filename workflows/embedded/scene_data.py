"""Conversion of shards of clips to the model's training arrays: images with all tasks that are feasible in them."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from foundation.errors import KnownError
from foundation.image_resize import resize_images
from simulation.bench.scene import SceneSpec
from simulation.bench.still import still_truth
from simulation.bench.tasks import Task
from workflows.demonstration.demonstrator import waypoints
from workflows.embedded.keyframe_timing import clip_trajectory
from workflows.embedded.lessons import feasible_tasks
from workflows.embedded.paraphrases import TAUGHT_SHORT, random_paraphrase
from workflows.embedded.shards import Shard, ShardError, read_shard, shard_files

WORDINGS = 4  # drawn for each motion
_SEED = 0x5407


def scene_data_of(folder: Path, size: int, *, motions: int = 12, most: int | None = None) -> dict[str, Any]:
    """Return arrays of `model.embedded.scene_data.SceneData` at `size` px from a folder's first-frame shards.

    The shards (at most `most`) are rendered larger. Rendering an image costs a hundred times what a motion costs: up to
    `motions` tasks of each scene are demonstrated, so that one image teaches many instructions. Cached in the folder,
    per shard. Raises ShardError when the folder holds no shards.
    """
    files = shard_files(folder)[:most]
    if not files:
        raise ShardError(f"There are no clips in {folder}. Let them be made first (`rehearse model train-embedded`).")
    parts = [_kept(file, size, motions) for file in files]
    starts = np.cumsum([0, *(len(part["rgb"]) for part in parts[:-1])])
    arrays = {
        name: np.concatenate([part[name] for part in parts])
        for name in ("rgb", "pictures", "K", "base_from_camera", "base_from_tool", "openness")
    }
    return {
        **arrays,
        "scene": np.concatenate([part["scene"] + start for part, start in zip(parts, starts, strict=True)]),
        "instructions": tuple(tuple(str(w) for w in one) for part in parts for one in part["instructions"]),
        "asked": tuple(tuple(str(w) for w in one) for part in parts for one in part["asked"]),
    }


def episodes_of(folder: Path, size: int, *, most: int | None = None) -> dict[str, Any] | None:
    """Return the same from shards of episodes, a motion each with its whole video, without failed ones, or None."""
    shards = [read_shard(file) for file in shard_files(folder)[:most]]
    if not shards or not any(shard.done.any() for shard in shards):
        return None
    done = [np.flatnonzero(shard.done) for shard in shards]
    tasks = [Task(**json.loads(str(s.task[i]))) for s, some in zip(shards, done, strict=True) for i in some]
    pairs = list(zip(shards, done, strict=True))
    seen = [_pictures(shard, shard.picture[some], size) for shard, some in pairs]
    return {
        **{name: np.concatenate([part[name] for part in seen]) for name in seen[0]},
        "base_from_tool": np.concatenate([shard.base_from_tool[some] for shard, some in pairs]).astype(np.float32),
        "openness": np.concatenate([shard.openness[some] for shard, some in pairs]).astype(np.float32),
        "scene": np.arange(len(tasks)),
        "instructions": tuple((str(shard.instruction[i]),) for shard, some in pairs for i in some),
        "asked": tuple((task.kind, task.thing, task.goal or "") for task in tasks),
    }


def _pictures(shard: Shard, which: np.ndarray, size: int) -> dict[str, np.ndarray]:
    """Return `rgb` at `size` px, the first `pictures` at full size, and the cameras, of some of a shard's images."""
    rgb = shard.rgb[which]
    cameras = [[camera.resized(size, size) for camera in shard.cameras(int(number))] for number in which]
    return {
        "rgb": resize_images(rgb, size, size),
        "pictures": rgb[:, :, 0],
        "K": np.array([[camera.K for camera in rig] for rig in cameras]),
        "base_from_camera": shard.base_from_camera[which],
    }


def _kept(file: Path, size: int, motions: int) -> dict[str, np.ndarray]:
    """Return the shard's arrays; its motions come from a cache file beside it, which is made if missing."""
    shard = read_shard(file)
    beside = file.with_name(f"motions-{motions}-{file.name}")
    if not beside.exists():
        made = _all_motions(shard, motions)
        part = beside.with_name(f".{beside.name}.part")
        with part.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **made)
        part.replace(beside)
    with np.load(beside, allow_pickle=False) as arrays:
        kept = dict(arrays)
    return {**_pictures(shard, np.arange(len(shard.rgb)), size), **kept}


def _all_motions(shard: Shard, motions: int) -> dict[str, np.ndarray]:
    """Generate up to `motions` motions per image; images of one scene share them."""
    seeds = np.zeros(len(shard.rgb), int)
    seeds[shard.picture] = shard.seed
    columns: dict[str, list] = {name: [] for name in ("base_from_tool", "openness", "instructions", "asked", "scene")}
    made: dict[int, list] = {}
    for picture, seed in enumerate(seeds):
        if seed not in made:
            made[seed] = _motions(json.loads(str(shard.facts[picture])), int(seed), motions)
        for poses, openness, wordings, asked in made[seed]:
            for name, value in zip(columns, (poses, openness, wordings, asked, picture), strict=True):
                columns[name].append(value)
    return {name: np.array(values) for name, values in columns.items()}


def _motions(facts: dict[str, Any], seed: int, motions: int) -> list[tuple]:
    generator = np.random.default_rng([seed, _SEED])
    scene = SceneSpec.from_dict(facts["scene"])
    truth = still_truth(scene, np.array(facts["joints"]))
    tasks, names = feasible_tasks(scene), facts["look"].get("names", {})
    made = []
    for i in generator.permutation(len(tasks)):
        if len(made) == motions:
            break
        task = tasks[i]
        try:
            motion = clip_trajectory(waypoints(task, scene, truth), truth.base_from_tool, truth.openness)
        except (KnownError, ValueError):  # out of reach, or too long for a clip
            continue
        wordings = [random_paraphrase(generator, task, scene, short=TAUGHT_SHORT, names=names) for _ in range(WORDINGS)]
        poses, openness = motion.base_from_tool.astype(np.float32), motion.openness.astype(np.float32)
        made.append((poses, openness, wordings, (task.kind, names.get(task.thing, task.thing), task.goal or "")))
    return made
