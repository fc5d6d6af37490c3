"""Embedded model in held-out scenes: `rehearse benchmark embedded`. See docs/evaluation.md."""

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.checks import Check, say
from model.checkpoints.default_weights import embedded_weights
from simulation.pictures.studio import Studio
from workflows.embedded.clips import Clip, Unseen
from workflows.evaluation.evaluate import EvaluationError
from workflows.evaluation.intervals import Share
from workflows.evaluation.model_policy import ModelPolicy, answered, load_model
from workflows.evaluation.questions import divided, kinds_named, questions, reference_videos, studio
from workflows.evaluation.reference_video import ReferenceVideo
from workflows.evaluation.statistics import named, success, summary
from workflows.evaluation.trial import Trial
from workflows.evaluation.trials import TrialRunner
from workflows.evaluation.video_labelling import labelling_figures
from workflows.evaluation.video_quality import video_figures

_FIRST_SEED, _SCENES, _FILMS = 200_000, 200, 60
_MANY_STEPS = 20
_TIMED = 11  # generations of which the median is reported


def measure(quick: bool) -> list[Check]:
    """Run every check of this benchmark; `quick` takes a tenth of every count."""
    folder = embedded_weights()
    if folder is None:
        raise EvaluationError("The program came without the embedded model's weights. Train them first.")
    pipeline = load_model(folder)
    scenes = max(1, _SCENES // 10) if quick else _SCENES
    with studio() as drawn_by, TrialRunner(os.cpu_count() or 1, say) as court:
        bench = _Bench(pipeline, drawn_by, court, scenes)
        checks = [*_tasks(bench), *_unseen(bench)]
        shown = reference_videos(drawn_by, _FIRST_SEED, max(2, scenes * _FILMS // _SCENES), size=pipeline.config.height)
    return [*checks, *_videos(pipeline, shown), *_seconds(pipeline, shown[0]), _size(folder)]


@dataclass(frozen=True)
class _Bench:
    pipeline: Any
    drawn_by: Studio
    court: TrialRunner
    scenes: int

    def trials(
        self,
        kinds: str,
        *,
        unseen: Unseen = Unseen(),
        steps: int | None = None,
        fits: Callable[[Clip], bool] = lambda clip: True,
    ) -> list[Trial]:
        """Run trials with the scenes divided evenly among the kinds."""
        tried: list[Trial] = []
        for kind, count in divided(self.scenes, kinds_named(kinds)).items():
            clips = questions(self.drawn_by, kind, _FIRST_SEED, count, unseen=unseen, fits=fits)
            tried += self.court.judge(ModelPolicy(self.pipeline, steps=steps), clips, kind)
        _tell(kinds, tried)
        return tried


def _tasks(bench: _Bench) -> list[Check]:
    reach = bench.trials("reach")
    several = bench.trials("reach", fits=_several)
    checks = [_share("reach_seen_rigs_pct", success(reach), 95), _share("named_object_pct", named(several), 98)]
    goals = {"pick": 80, "push": 85, "place": 60, "drawer": 50, "lid": 50}
    checks += [_share(f"{name}_pct", success(bench.trials(name)), goal) for name, goal in goals.items()]
    many = bench.trials("reach", steps=_MANY_STEPS)
    ratio = success(reach).successes / max(success(many).successes, 1)
    return [*checks, Check("few_step_ratio", ratio, "", ">= 0.98")]


def _unseen(bench: _Bench) -> list[Check]:
    """Measure generalisation: every novelty with reaching; colours, shapes and wordings with picking up too."""
    kinds = "reach,pick"
    usual = success(bench.trials(kinds))
    drops = {
        "unseen_pairs_drop_points": success(bench.trials(kinds, unseen=Unseen(pairs=True))),
        "unseen_wording_drop_points": success(bench.trials(kinds, unseen=Unseen(wording=True))),
    }
    return [
        _share("reach_unseen_rigs_pct", success(bench.trials("reach", unseen=Unseen(rigs=True))), 85),
        _share("reach_unseen_environment_pct", success(bench.trials("reach", unseen=Unseen(environment=True))), 70),
        _share("reach_unseen_arm_pct", success(bench.trials("reach", unseen=Unseen(arm=True))), 60),
        *(Check(name, usual.pct - share.pct, "points", "<= 15") for name, share in drops.items()),
    ]


def _videos(pipeline: Any, shown: Sequence[ReferenceVideo]) -> list[Check]:
    say(f"videos: {len(shown)} films")
    video, labels = video_figures(pipeline, shown), labelling_figures(pipeline, shown)
    say(f"{video}\n{labels}")
    joint, copy = video["joint"], video["copy_first"]
    read, imagined = _known(labels["model"]["path_error_mm"]), _known(labels["joint"]["path_error_mm"])

    def gain(name: str) -> float:
        return _known(joint[name]) - _known(copy[name])

    return [
        Check("label_path_error_mm", read, "mm", "<= 10"),
        Check("label_better_than_joint", imagined / read, "", ">= 2"),
        Check("joint_psnr_db", _known(joint["psnr_db"]), "dB", ">= 31"),
        Check("joint_moving_psnr_over_copy_db", gain("moving_psnr_db"), "dB", ">= 11"),
        Check("joint_moved_object_psnr_over_copy_db", gain("moved_object_psnr_db"), "dB", ">= 6"),
    ]


def _seconds(pipeline: Any, film: ReferenceVideo) -> list[Check]:
    """Time a warm model from the request to the decoded motion, or to the images."""
    say("times")

    def median(act: Callable[[], object]) -> float:
        act()
        taken = []
        for _ in range(_TIMED):
            began = time.perf_counter()
            act()
            taken.append(time.perf_counter() - began)
        return statistics.median(taken)

    policy = median(lambda: answered(pipeline, film.instruction, film.scene, 0))
    joint = median(lambda: pipeline(film.instruction, film.scene, "joint", seed=0))
    return [Check("action_only_s", policy, "s", "<= 0.5"), Check("joint_s", joint, "s", "<= 3")]


def _size(folder: Path) -> Check:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Check("weights_mb", size / 1e6, "MB", "<= 40")


def _several(clip: Clip) -> bool:
    """Return whether the clip has three or four loose objects, one of which is named."""
    names = [thing.name for thing in clip.scene.objects]
    return len(names) in (3, 4) and clip.task.thing in names


def _share(name: str, share: Share, goal: float) -> Check:
    low, high = share.interval_pct
    say(f"{name}: {share.pct:.1f} % of {share.count}, 95 % interval {low:.1f} to {high:.1f}")
    return Check(name, share.pct, "%", f">= {goal:g}")


def _tell(words: str, trials: Sequence[Trial]) -> None:
    """Print why the failed trials failed."""
    figures = summary(trials)
    say(f"{words}: {figures['endings']}, tool error {figures['tool_error_mm']} mm, refusals {figures['refusals']}")


def _known(value: float | None) -> float:
    return float("nan") if value is None else value
