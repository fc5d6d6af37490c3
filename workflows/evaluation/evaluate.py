"""The command `rehearse evaluate`: trials of the model, and on request of the baselines it is compared with."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from foundation.errors import KnownError
from model.checkpoints.default_weights import embedded_weights
from model.checkpoints.description import POLICY
from simulation.pictures.studio import Studio
from workflows.embedded.clips import Unseen
from workflows.embedded.keyframe_timing import FRAMES, PERIOD
from workflows.evaluation.contact_sheet import Compared, contact_sheet, require_writable, write_png
from workflows.evaluation.model_policy import ModelPolicy, load_model
from workflows.evaluation.oracle import Oracle
from workflows.evaluation.policies import Policy
from workflows.evaluation.questions import kinds_named, questions, reference_videos, require_untrained, studio
from workflows.evaluation.statistics import summary
from workflows.evaluation.trial import Trial
from workflows.evaluation.trials import TrialRunner
from workflows.evaluation.video_quality import generated, rgb_of, video_figures

Told = Callable[[str], None]


class EvaluationError(KnownError):
    """The requested evaluation is not possible."""


@dataclass(frozen=True)
class Evaluation:
    """Settings of an evaluation: kinds of `tasks` (see `kinds_named`), `scenes` of each from `seed` on, and
    `unseen`, which aspects of them are held out from training. `mode`: generate the motion alone or with its video.
    `model`: a pipeline's folder, None for the embedded one. `oracle` adds the demonstrator's own motion;
    `baselines`, a folder of training shards, policies trained on these for `baseline_minutes` without action images;
    `films`, a number of videos, the figures of video quality and labelling; `sheet`, a PNG file, the contact sheet
    of one demonstration of each kind. `real_time` runs the trials through the SDK and cameras."""

    tasks: str = "all"
    scenes: int = 50
    seed: int = 200_000
    views: int = 2
    mode: str = POLICY
    steps: int | None = None
    unseen: Unseen = field(default_factory=Unseen)
    model: Path | None = None
    oracle: bool = False
    baselines: Path | None = None
    baseline_minutes: float = 20.0
    films: int = 0
    sheet: Path | None = None
    real_time: bool = False
    processes: int = 1


def evaluate(asked: Evaluation, told: Told = lambda words: None) -> dict[str, Any]:
    """Run the evaluation and return its figures as plain data. Raises KnownError for an impossible request."""
    began = time.monotonic()
    kinds, folder = _checked(asked)
    pipeline = load_model(folder)
    if asked.films or asked.sheet is not None:
        _require_the_films_format(pipeline.config)
    result: dict[str, Any] = {
        "model": str(folder),
        "tasks": list(kinds),
        "scenes": asked.scenes,
        "seed": asked.seed,
        "views": asked.views,
        "mode": asked.mode,
        "steps": asked.steps or pipeline.config.num_inference_steps,
        "unseen": asdict(asked.unseen),
    }
    with studio() as drawn_by:
        if asked.real_time:
            from workflows.evaluation.real_time import evaluate_in_real_time

            trials = evaluate_in_real_time(
                pipeline, kinds, asked.seed, asked.scenes, told, mode=asked.mode, steps=asked.steps
            )
            result["judged"] = {"model": _by_kind(trials)}
        else:
            result["judged"] = _judged(asked, kinds, pipeline, drawn_by, told)
        if asked.films:
            result |= _films(asked, pipeline, drawn_by, told)
        if asked.sheet is not None:
            result["sheet"] = _sheet(asked.sheet, asked, kinds, pipeline, drawn_by, told)
    result["seconds"] = round(time.monotonic() - began, 1)
    return result


def _checked(asked: Evaluation) -> tuple[tuple[str, ...], Path]:
    """Return the kinds of task and the model's folder. Raises KnownError for an impossible request."""
    if asked.scenes < 1 or asked.views not in (2, 3):
        raise EvaluationError("A judgement needs at least one scene, and two or three views.")
    require_untrained(asked.seed)
    if asked.sheet is not None:
        require_writable(asked.sheet)
    folder = asked.model or embedded_weights()
    if folder is None:
        raise EvaluationError("The program came without the embedded model's weights. Name a model with --model.")
    return kinds_named(asked.tasks), folder


def _require_the_films_format(config: Any) -> None:
    """Raise EvaluationError for a model whose frames differ from the clips', as reference videos are clips."""
    if (config.num_frames, config.frame_period_s) != (FRAMES, PERIOD) or config.height != config.width:
        raise EvaluationError(
            f"Films have {FRAMES} square frames {PERIOD} s apart, and this model makes {config.num_frames} of "
            f"{config.width} x {config.height} px, {config.frame_period_s} s apart. Leave --films and --sheet out."
        )


def _judged(
    asked: Evaluation, kinds: Sequence[str], pipeline: Any, drawn_by: Studio, told: Told
) -> dict[str, dict[str, Any]]:
    """Return the figures of all policies, evaluated on the same clips."""
    sources = _sources(asked, pipeline, told)
    trials: dict[str, list[Trial]] = {source.name: [] for source in sources}
    with TrialRunner(asked.processes, told) as court:
        for kind in kinds:
            clips = questions(drawn_by, kind, asked.seed, asked.scenes, views=asked.views, unseen=asked.unseen)
            for source in sources:
                trials[source.name] += court.judge(source, clips, kind)
    return {name: _by_kind(found) for name, found in trials.items()}


def _sources(asked: Evaluation, pipeline: Any, told: Told) -> list[Policy]:
    sources: list[Policy] = [ModelPolicy(pipeline, mode=asked.mode, steps=asked.steps)]
    if asked.oracle:
        sources.append(Oracle())
    if asked.baselines is not None:
        from workflows.evaluation.baselines import baselines

        sources += baselines(asked.baselines, minutes=asked.baseline_minutes, told=told)
    return sources


def _films(asked: Evaluation, pipeline: Any, drawn_by: Studio, told: Told) -> dict[str, Any]:
    from workflows.evaluation.video_labelling import labelling_figures

    told(f"{asked.films} films")
    shown = reference_videos(drawn_by, asked.seed, asked.films, views=asked.views, size=pipeline.config.height)
    told("videos")
    video = video_figures(pipeline, shown, steps=asked.steps)
    told("labelling")
    return {"video": video, "labelling": labelling_figures(pipeline, shown, steps=asked.steps)}


def _sheet(path: Path, asked: Evaluation, kinds: Sequence[str], pipeline: Any, drawn_by: Studio, told: Told) -> str:
    """Write the contact sheet of the first successful demonstration of each kind, and return the file's name."""
    told("contact sheet")
    size, steps = pipeline.config.height, asked.steps or pipeline.config.num_inference_steps
    shown = reference_videos(drawn_by, asked.seed, len(kinds), views=asked.views, size=size, kinds=kinds)
    made = [rgb_of(one) for one in generated(pipeline, shown, "joint", steps=asked.steps)]
    compared = [Compared(*one) for one in zip(kinds, shown, made, strict=False)]
    title = "What really happened and, below it, what the model makes of the first frame and the instruction."
    painted = "" if pipeline.frame_decoder is None else ", painted by its frame decoder"
    write_png(path, contact_sheet(compared, f"{title} Denoising steps: {steps}{painted}."))
    return str(path)


def _by_kind(trials: Sequence[Trial]) -> dict[str, Any]:
    kinds = dict.fromkeys(trial.kind for trial in trials)
    return {"all": summary(trials), **{kind: summary([t for t in trials if t.kind == kind]) for kind in kinds}}


def as_text(result: dict[str, Any]) -> str:
    """Format the result as a table."""
    unseen = [name for name, value in result["unseen"].items() if value]
    head = f"{result['scenes']} scenes a kind from seed {result['seed']}, unseen: {', '.join(unseen) or 'nothing'}"
    lines = [head, f"{'who':<12}{'task':<14}{'done':>7}{'95 %':>13}{'named':>8}{'tool mm':>9}"]
    for who, kinds in result["judged"].items():
        for kind, found in kinds.items():
            done, named, error = found["success"], found["named"]["pct"], found["tool_error_mm"]["median"]
            interval = f"{done['low_pct']:.0f}-{done['high_pct']:.0f}"
            rest = "".join(f"{'-' if value is None else f'{value:.1f}':>8}" for value in (named, error))
            lines.append(f"{who:<12}{kind:<14}{done['pct']:>6.1f}%{interval:>13}{rest}")
            lines += [f"    refused: {count} x {sentence}" for sentence, count in found["refusals"].items()]
    for part in ("video", "labelling"):
        for name, figures in result.get(part, {}).items():
            lines.append(f"{part} {name}: {figures}")
    if "sheet" in result:
        lines.append(f"contact sheet: {result['sheet']}")
    return "\n".join(lines)
