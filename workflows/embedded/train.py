"""The command `rehearse model train-embedded`: trains the embedded model from scratch, on a CPU or a GPU."""

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from workflows.embedded.keyframe_timing import PERIOD
from workflows.embedded.lessons import FURNITURE_MIXTURE
from workflows.embedded.scene_data import episodes_of, scene_data_of
from workflows.embedded.seeds import Use, seeds_for
from workflows.embedded.shards import Recipe, write_shards


def train_embedded(parsed: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Run the command; return the answer, and the same as text. Raises KnownError."""
    from model.embedded.curriculum import CURRICULUM, read_curriculum
    from model.embedded.export import export, record_of
    from model.embedded.scene_data import SceneData, joined
    from model.embedded.training import Material, train_curriculum

    began = time.monotonic()
    curriculum = read_curriculum(parsed.curriculum or CURRICULUM)
    data, px = curriculum.data, curriculum.size.size_px
    make_data(parsed.folder, curriculum, parsed.processes)
    episodes = episodes_of(parsed.folder / "episodes", px) if data.episode_seeds else None
    varied = parsed.folder / "varied"
    firsts = [parsed.folder / "first", *([parsed.folder / "furniture"] if data.furniture_seeds else [])]
    material = Material(
        joined([SceneData(**scene_data_of(folder, px, motions=data.motions)) for folder in firsts]),
        None if episodes is None else SceneData(**episodes),
        SceneData(**scene_data_of(parsed.folder / "tuning", px, motions=data.motions)),
        PERIOD,
        SceneData(**scene_data_of(varied, px, motions=data.motions)) if data.varied_seeds else None,
    )
    runs = parsed.folder / "runs"

    def enough() -> bool:
        return parsed.minutes is not None and time.monotonic() - began > 60.0 * parsed.minutes

    pipeline = train_curriculum(
        curriculum, material, runs, _Told(parsed.folder), precision=parsed.precision, stop=enough
    )
    command = "rehearse model train-embedded"
    if parsed.curriculum is not None:
        command += f" --curriculum {parsed.curriculum.name}"
    facts = {"pictures": len(material.first.rgb), "motions": len(material.first)}
    facts["episodes"] = 0 if material.episodes is None else len(material.episodes)
    folder = export(pipeline, parsed.to, record_of(curriculum, runs, command, facts, parsed.note))
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    answer = {"folder": str(folder), "bytes": size, "seconds": round(time.monotonic() - began, 1), **facts}
    return answer, f"{folder}: {size / 1e6:.1f} MB, after {answer['seconds']:.0f} s."


def make_data(folder: Path, curriculum: Any, processes: int) -> None:
    """Generate the clips of the curriculum; existing ones are kept."""
    data, size = curriculum.data, curriculum.size
    first = Recipe(views=data.views, size=size.drawn_px, rigs=data.rigs)
    write_shards(folder / "first", seeds_for(Use.TRAINING, 0, data.first_seeds), first, processes=processes)
    write_shards(folder / "tuning", seeds_for(Use.TUNING, 0, data.tuning_seeds), first, use=Use.TUNING)
    if data.furniture_seeds:
        furniture = replace(first, mixture=FURNITURE_MIXTURE)
        seeds = seeds_for(Use.TRAINING, data.first_furniture, data.furniture_seeds)
        write_shards(folder / "furniture", seeds, furniture, processes=processes)
    if data.varied_seeds:
        seeds = seeds_for(Use.TRAINING, data.first_varied, data.varied_seeds)
        write_shards(folder / "varied", seeds, replace(first, varied=True), processes=processes)
    if data.episode_seeds:
        episodes = Recipe(episodes=True, views=data.views, size=size.seen_px)
        seeds = seeds_for(Use.TRAINING, data.first_episode, data.episode_seeds)
        write_shards(folder / "episodes", seeds, episodes, processes=processes)


class _Told:
    """Logger that writes all figures to standard error and to train.log, one line per call."""

    def __init__(self, folder: Path):
        self._file, self._began = folder / "train.log", time.monotonic()

    def __call__(self, what: str, figures: dict[str, Any]) -> None:
        shown = {name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()}
        line = f"{time.monotonic() - self._began:7.0f} s  {what}  {json.dumps(shown)}\n"
        sys.stderr.write(line)
        sys.stderr.flush()
        with self._file.open("a", encoding="utf-8") as log:
            log.write(line)
