"""Generation of clips on disk by several processes, from seeds; resumable: existing shards are kept."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foundation.errors import ProcessError
from foundation.messages import Channel, ChannelClosed
from foundation.processes import RoleProcess
from simulation.pictures.studio import Studio
from workflows.embedded.clips import SIZE, Clip, episode_clip, first_frame_clips
from workflows.embedded.keyframe_timing import FRAMES, PERIOD
from workflows.embedded.lessons import MIXTURE
from workflows.embedded.seeds import Use, require
from workflows.embedded.shard_format import Shard, ShardError, read_shard, shard_files, write_shard

__all__ = ["Recipe", "Shard", "ShardError", "read_shard", "shard_files", "write_shards"]

SETTINGS = "shards.json"
SEEDS = 125  # per shard of first frames: 500 clips with two rigs and two instructions
EPISODE_SEEDS = 25
VERSION = 3  # of clips and their files; other versions are not mixed with these


@dataclass(frozen=True)
class Recipe:
    """Settings of the clips in a folder: see `first_frame_clips` and `episode_clip` for the names."""

    episodes: bool = False
    views: int = 2
    size: int = SIZE
    rigs: int = 2
    instructions: int = 2
    mixture: Mapping[str, float] = field(default_factory=lambda: MIXTURE)
    varied: bool = False

    def to_dict(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in ("episodes", "views", "size", "rigs", "instructions")}
        values |= {"varied": True} if self.varied else {}  # omitted when False, as in older folders
        return {**values, "mixture": dict(self.mixture), "frames": FRAMES, "period": PERIOD, "version": VERSION}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Recipe":
        """Return the recipe that `to_dict` serialised."""
        names = ("episodes", "views", "size", "rigs", "instructions", "mixture")
        return Recipe(**{name: values[name] for name in names}, varied=values.get("varied", False))


Part = tuple[Path, range]
"""Where a shard belongs, and the seeds of its clips."""


def write_shards(
    folder: Path, seeds: range, recipe: Recipe = Recipe(), *, use: Use = Use.TRAINING, processes: int = 1
) -> list[Path]:
    """Generate the shards of these seeds in `folder` and return their paths; existing ones are kept.

    Raises SeedError for seeds that are not for `use`, ShardError when the folder holds clips of another recipe.
    """
    require(use, seeds)
    folder.mkdir(parents=True, exist_ok=True)
    _keep_recipe(folder, recipe)
    count = EPISODE_SEEDS if recipe.episodes else SEEDS
    parts = [seeds[i : i + count] for i in range(0, len(seeds), count)]
    paths = [folder / f"{part[0]:06d}-{part[-1]:06d}.npz" for part in parts]
    missing = [(path, part) for path, part in zip(paths, parts, strict=True) if not path.exists()]
    if processes == 1 or len(missing) < 2:
        for _ in _made(missing, recipe):
            pass
    else:
        _make_together([missing[i::processes] for i in range(processes)], recipe)
    return paths


def run(channel: Channel) -> None:
    """Run a worker process (`--role=clips`): makes its shards, and sends the path of each to the parent."""
    settings = channel.receive(30.0)
    parts = [(Path(path), range(first, stop)) for path, first, stop in settings["parts"]]
    channel.send({"ready": True})
    for path in _made(parts, Recipe.from_dict(settings["recipe"])):
        channel.send({"made": str(path)})
    channel.send({"done": True})


def _make_together(shares: list[list[Part]], recipe: Recipe) -> None:
    """Run one worker process for each share, and wait for all."""
    with ExitStack() as stack:
        workers = []
        for share in shares:
            parts = [(str(path), seeds.start, seeds.stop) for path, seeds in share]
            settings = {"parts": parts, "recipe": recipe.to_dict()}
            workers.append(stack.enter_context(RoleProcess("clips", settings, timeout=60.0)))
        for worker in workers:
            answer: dict[str, Any] = {}
            while "done" not in answer:
                try:
                    answer = worker.channel.receive()
                except ChannelClosed:
                    raise ProcessError("A process that makes clips has ended. Start again; nothing is lost.") from None
                if "error" in answer:
                    raise ShardError(str(answer["error"]))


def _made(parts: list[Part], recipe: Recipe) -> Iterator[Path]:
    """Make these shards, one after the other."""
    if not parts:
        return
    studio = Studio()
    try:
        for path, seeds in parts:
            write_shard(path, [clips for seed in seeds for clips in _clips(studio, seed, recipe)])
            yield path
    finally:
        studio.close()


def _clips(studio: Studio, seed: int, recipe: Recipe) -> list[tuple[Clip, ...]]:
    """Return the clips of a seed, grouped by the image that they show."""
    if recipe.episodes:
        clip = episode_clip(studio, seed, views=recipe.views, size=recipe.size, mixture=recipe.mixture)
        return [(clip,)]
    clips = first_frame_clips(
        studio,
        seed,
        views=recipe.views,
        size=recipe.size,
        rigs=recipe.rigs,
        instructions=recipe.instructions,
        mixture=recipe.mixture,
        varied=recipe.varied,
    )
    each = len(clips) // recipe.rigs
    return [clips[i : i + each] for i in range(0, len(clips), each)]


def _keep_recipe(folder: Path, recipe: Recipe) -> None:
    path, wanted = folder / SETTINGS, recipe.to_dict()
    if not path.exists():
        path.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
    try:
        there = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as fault:
        raise ShardError(f"{path} cannot be read ({fault}). Delete the folder, or name another one.") from fault
    if there != wanted:
        raise ShardError(f"The clips in {folder} were made in another way. Delete the folder, or name another one.")
