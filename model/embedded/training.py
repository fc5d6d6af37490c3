"""The embedded model's training: the lessons of a curriculum in their order, each of which can be gone on with."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from model.embedded.batch_selection import Sampling
from model.embedded.codec import add_videos, fit_codec
from model.embedded.curriculum import Curriculum, Lesson
from model.embedded.frame_decoder_training import FrameDecoderBatches
from model.embedded.lesson_batches import Alternating, LessonBatches
from model.embedded.predicted_clips import cached_predicted_clips
from model.embedded.probe import pointing_accuracy, reading_accuracy
from model.embedded.scene_data import SceneData
from model.embedded.text_pretraining import TextBatches, TextObjective
from model.errors import ModelError
from model.generation.crop_refinement import ROOMS
from model.generation.pipeline import ActionImagesPipeline
from model.generation.untrained import embedded_pipeline
from model.networks.frame_decoder import FrameDecoder
from model.networks.linear_codec import LinearCodec
from model.training.batches import Batches
from model.training.checkpoints import checkpoints
from model.training.codec_objectives import FrameDecoderObjective
from model.training.loop import load_averaged, train
from model.training.parameters import train_everything
from model.training.pipelines import objective_of
from model.training.settings import TrainingSettings

Report = Callable[[str, dict[str, Any]], None]
_PROBE_S = 180.0  # between two looks at what has been learnt
# Of the image side, 2 px of 96: about as far as a blob that a model this small draws is off. Of a model taught for an
# hour, 64 % of the frames of "reach" can then be read instead of 49 %, as exactly as before (11 mm).
_TOLERANCE = 0.02
_KINDS = ("reach", "pick up")  # of task that are looked at in several views


@dataclass(frozen=True, eq=False)
class Material:
    """What the lessons are taught with: `first` pictures, `episodes` (None: lessons on them are left out),
    `tuning` scenes that are never trained on, for the looks in between (None: no looks), and first pictures of
    `varied` things."""

    first: SceneData
    episodes: SceneData | None
    tuning: SceneData | None
    frame_period_s: float
    varied: SceneData | None = None


def train_curriculum(
    curriculum: Curriculum,
    material: Material,
    folder: Path,
    report: Report,
    *,
    precision: str = "auto",
    stop: Callable[[], bool] = lambda: False,
) -> ActionImagesPipeline:
    """Go through all lessons, from where the runs in `folder` are; the pipeline as it is when done or stopped.

    A run that was killed goes on from its last checkpoint as if nothing had been. `report(what, figures)` hears of
    every logged step and look. ModelError for what `train` refuses.
    """
    pipeline = new_pipeline(curriculum, material, folder)
    _read(pipeline, curriculum, material.first, folder, report, stop)
    for number, lesson in enumerate(curriculum.lessons, start=1):
        run = folder / f"{number}-{lesson.name}"
        if (stop() and not checkpoints(run)) or (lesson.data == "episodes" and material.episodes is None):
            break
        _teach(pipeline, curriculum, lesson, number, material, run, report, precision, stop)
        if "joint" in lesson.modes:
            pipeline.register_to_config(knows_video=True)
        report("lesson", {"name": lesson.name, "step": _step(run)})
    else:
        _paint(pipeline, curriculum, material, folder, report, precision, stop)
    return pipeline


def new_pipeline(curriculum: Curriculum, material: Material, folder: Path) -> ActionImagesPipeline:
    """The untrained model over its codec, which is fitted where `folder` has none yet."""
    size = curriculum.size
    codec = _codec(curriculum, material, folder)
    transformer = {
        "in_channels": size.latent_channels,
        "out_channels": size.latent_channels,
        "patch_size": (1, 1, 1),
        "num_attention_heads": size.heads,
        "attention_head_dim": size.head_width,
        "num_layers": size.layers,
        "ffn_dim": size.ffn,
        "text_dim": size.text_width,
        "rays": "base",
        "stem_widths": size.stem_widths or None,
        "stem_px": size.seen_px * size.cell_px // size.size_px,
    }
    pipeline = embedded_pipeline(
        codec,
        seed=curriculum.seed,
        transformer=transformer,
        height=size.size_px,
        width=size.size_px,
        num_frames=material.first.frames,
        frame_period_s=material.frame_period_s,
        sigma=curriculum.sigma,
        num_inference_steps=1,
        tolerance=_TOLERANCE,
        rehearsal_mode=curriculum.rehearsal_mode,
        closer_looks=len(ROOMS) if any(lesson.nearer for lesson in curriculum.lessons) else 0,
    )
    train_everything(pipeline.transformer)
    train_everything(pipeline.text_encoder)
    return pipeline


def _codec(curriculum: Curriculum, material: Material, folder: Path) -> LinearCodec:
    """Fitted once; with episodes, the same with their components, in a folder of its own."""
    place = folder / "codec"
    if not (place / "config.json").exists():
        fitted = fit_codec(
            material.first, z_dim=curriculum.size.latent_channels, cell_px=curriculum.size.cell_px,
            sigma=curriculum.sigma, seed=curriculum.seed,
        )  # fmt: skip
        fitted.save_pretrained(place)
    if material.episodes is not None:
        still, place = place, folder / "codec-videos"
        if not (place / "config.json").exists():
            whole: Any = LinearCodec.from_pretrained(still)
            add_videos(whole, material.episodes, seed=curriculum.seed)
            whole.save_pretrained(place)
    codec: Any = LinearCodec.from_pretrained(place)
    return codec.requires_grad_(False).to("cuda" if torch.cuda.is_available() else "cpu")  # batches are drawn there


def _read(
    pipeline: Any, curriculum: Curriculum, shots: SceneData, folder: Path, report: Report, stop: Callable[[], bool]
) -> None:
    """The text encoder's own lesson."""
    lesson = curriculum.reading
    if not lesson.steps:
        return
    run = folder / "0-reading"
    batches = TextBatches(shots, lesson.batch, curriculum.seed)
    objective = TextObjective(
        pipeline.text_encoder, pipeline.tokenizer, curriculum.size.text_width, batches.classes, curriculum.seed
    )
    settings = TrainingSettings(
        steps=lesson.steps, seed=curriculum.seed, learning_rate=lesson.learning_rate, warmup=min(10, lesson.steps),
        final_rate=0.1, ema=None, log_every=25, checkpoint_every=lesson.steps, precision="fp32",
    )  # fmt: skip
    if stop() and checkpoints(run):
        load_averaged(objective, checkpoints(run)[-1])
        return
    train(objective, batches, settings, run, on_figures=lambda line: report("reading", line), stop=stop)


def _teach(
    pipeline: Any,
    curriculum: Curriculum,
    lesson: Lesson,
    number: int,
    material: Material,
    run: Path,
    report: Report,
    precision: str,
    stop: Callable[[], bool],
) -> None:
    """One lesson; what it leaves is the average over its last steps, which is better than any single one."""
    objective = objective_of(pipeline, lesson.flow, train_text=True)
    settings = lesson.training(curriculum.seed + number, precision)
    looks = _Looks(pipeline, material.tuning, lesson, report)
    if not (stop() and checkpoints(run)):  # else only what is there is wanted, perhaps while another process trains
        batches = batches_of(curriculum, lesson, material, pipeline.vae)
        train(objective, batches, settings, run, on_figures=looks, stop=stop)
    load_averaged(objective, checkpoints(run)[-1])


def _paint(
    pipeline: Any,
    curriculum: Curriculum,
    material: Material,
    folder: Path,
    report: Report,
    precision: str,
    stop: Callable[[], bool],
) -> None:
    """The frame decoder's lesson, on what the transformer imagines now that its own lessons are over."""
    painting, run = curriculum.painting, folder / "painting"
    if not painting.steps or material.episodes is None or (stop() and not checkpoints(run)):
        return
    torch.manual_seed(curriculum.seed)
    decoder = FrameDecoder(painting.widths, painting.uses_previous, painting.sees_arm, painting.sees_carried)
    objective = FrameDecoderObjective(decoder)
    if not stop():
        last = curriculum.lessons[-1].name
        taught = _step(folder / f"{len(curriculum.lessons)}-{last}")
        kept = folder / f"sketches-{last}-{taught}.npz"
        sketches = cached_predicted_clips(kept, pipeline, material.episodes, painting.episodes)
        batches = FrameDecoderBatches(material.episodes, sketches, painting, curriculum.seed, curriculum.sigma)
        settings = TrainingSettings(
            steps=painting.steps, seed=curriculum.seed, learning_rate=painting.learning_rate,
            warmup=min(30, painting.steps), final_rate=0.05, precision=precision, log_every=10, checkpoint_every=50,
        )  # fmt: skip
        train(objective, batches, settings, run, on_figures=lambda line: report("painting", line), stop=stop)
    load_averaged(objective, checkpoints(run)[-1])
    pipeline.register_modules(frame_decoder=decoder.eval())
    report("painting", {"step": _step(run)})


def batches_of(curriculum: Curriculum, lesson: Lesson, material: Material, codec: LinearCodec) -> Batches:
    """The lesson's batches; those of whole videos, and of varied things, in turn with policies on first pictures, which
    there are more of."""
    sampling = Sampling(
        lesson.batch, lesson.views, lesson.excerpt, lesson.earliest,
        without_present=lesson.without_present, kinds=tuple(lesson.kinds.items()), nearer=lesson.nearer,
    )  # fmt: skip
    first = _batches(curriculum, material.first, codec, sampling)
    if lesson.data == "first":
        return first
    other = material.varied if lesson.data == "varied" else material.episodes
    if other is None:
        raise ModelError(f'The lesson "{lesson.name}" needs {lesson.data} data, and there are none.')
    if lesson.data == "episodes":
        sampling = replace(sampling, nearer=0.0)
    return Alternating(_batches(curriculum, other, codec, sampling), first)


def _batches(curriculum: Curriculum, shots: SceneData, codec: LinearCodec, sampling: Sampling) -> LessonBatches:
    return LessonBatches(
        shots, codec, sampling, curriculum.seed, sigma=curriculum.sigma, seen_px=curriculum.size.seen_px
    )


class _Looks:
    """Hands the figures on, and every few minutes looks at what the model points at in tuning scenes."""

    def __init__(self, pipeline: Any, tuning: SceneData | None, lesson: Lesson, report: Report):
        self._pipeline, self._tuning, self._report = pipeline, tuning, report
        self._lesson, self._views = lesson.name, lesson.views
        self._next = time.monotonic() + _PROBE_S

    def __call__(self, line: dict[str, Any]) -> None:
        self._report(self._lesson, line)
        if self._tuning is not None and time.monotonic() >= self._next:
            step = {"step": line["step"]}
            self._report("look", step | pointing_accuracy(self._pipeline, self._tuning))
            if self._views > 1:
                for kind in _KINDS:
                    self._report(f"look: {kind}", step | reading_accuracy(self._pipeline, self._tuning, kind))
            self._next = time.monotonic() + _PROBE_S


def _step(run: Path) -> int:
    return int(checkpoints(run)[-1].name.rpartition("-")[2])
