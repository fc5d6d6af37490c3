"""Curriculum of the embedded model, parsed from one human-readable file."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from model.errors import ModelError
from model.training.settings import FlowMatching, NoiseLevels, TrainingSettings

CURRICULUM = Path(__file__).with_name("curriculum.toml")
T = TypeVar("T")


@dataclass(frozen=True)
class Data:
    """Data generated in the lab.

    `first_seeds` benches, each seen by `rigs` rigs of `views` cameras, with up to `motions` tasks demonstrated;
    `furniture_seeds` more, from seed `first_furniture` on, each with a drawer, a box or a bowl; `varied_seeds` more,
    from seed `first_varied` on, with objects of further colours and shapes; `episode_seeds` benches, from seed
    `first_episode` on, with the whole video of one task; and `tuning_seeds` benches for validation.
    """

    first_seeds: int = 3000
    first_furniture: int = 10_000
    furniture_seeds: int = 0
    first_varied: int = 20_000
    varied_seeds: int = 0
    rigs: int = 2
    views: int = 2
    motions: int = 12
    first_episode: int = 3000
    episode_seeds: int = 600
    tuning_seeds: int = 60


@dataclass(frozen=True)
class Size:
    """Size of the model.

    Videos of `size_px`, first frames of `seen_px` (whole or cropped from `drawn_px`), tokens of `cell_px` of a video,
    `heads` of width `head_width`, `layers`.
    """

    size_px: int = 96
    seen_px: int = 192
    drawn_px: int = 288
    cell_px: int = 16
    latent_channels: int = 256
    heads: int = 4
    head_width: int = 64
    layers: int = 6
    ffn: int = 768
    stem_widths: tuple[int, ...] = (32, 64, 128)
    text_width: int = 192


@dataclass(frozen=True)
class TextLesson:
    """Pretraining of the text encoder."""

    steps: int = 250
    batch: int = 96
    learning_rate: float = 1.5e-3


@dataclass(frozen=True)
class FrameDecoderLesson:
    """Training of the frame decoder, the last lesson (see frame_decoder_training); none with 0 steps."""

    steps: int = 0
    batch: int = 64
    episodes: int = 400
    learning_rate: float = 3e-3
    moved_weight: float = 1.5
    imagined: float = 0.1
    widths: tuple[int, ...] = (16, 32, 64, 96)
    uses_previous: bool = False
    sees_arm: bool = True
    sees_carried: bool = True
    varied: bool = True  # see frame_decoder_training.augmented


@dataclass(frozen=True)
class Lesson:
    """One stage: its samples (see batch_selection.Sampling), and its optimisation (see training.settings).

    `data`: "first" frames; or, alternating with these, first frames of "varied" objects or whole "episodes". With
    `excerpt`, single views and that many latent frames of the motion; `nearer`: the fraction of samples on first frames
    that see a crop.
    """

    name: str
    steps: int
    batch: int = 32
    data: str = "first"
    views: int = 1
    excerpt: int = 0
    earliest: int = 1
    without_present: bool = False
    nearer: float = 0.0
    kinds: Mapping[str, float] = field(default_factory=dict)
    modes: Mapping[str, float] = field(default_factory=lambda: {"policy": 1.0})
    learning_rate: float = 2e-3
    final_rate: float = 1.0
    warmup: int = 30
    share_at_one: float = 0.7
    independent: bool = False
    rgb_share_at_one: float | None = None
    residual_weight: float = 0.0
    text_dropout: float = 0.0
    checkpoint_every: int = 100
    log_every: int = 20

    @property
    def flow(self) -> FlowMatching:
        return FlowMatching(
            modes=self.modes,
            noise=NoiseLevels(
                share_at_one=self.share_at_one, independent=self.independent, rgb_share_at_one=self.rgb_share_at_one
            ),
            weighting="x0",
            text_dropout=self.text_dropout,
            action_dropout=0.0,
            residual_weight=self.residual_weight,
        )

    def training(self, seed: int, precision: str) -> TrainingSettings:
        return TrainingSettings(
            steps=self.steps,
            seed=seed,
            optimiser="muon",
            learning_rate=self.learning_rate,
            final_rate=self.final_rate,
            warmup=min(self.warmup, self.steps),
            precision=precision,
            log_every=self.log_every,
            checkpoint_every=self.checkpoint_every,
        )


@dataclass(frozen=True)
class Curriculum:
    """The whole curriculum; `seed` determines every random draw, `sigma` is that of the action images, `rehearsal_mode`
    the Rehearse screen's default mode."""

    seed: int
    sigma: float
    data: Data
    size: Size
    reading: TextLesson
    lessons: tuple[Lesson, ...]
    painting: FrameDecoderLesson = FrameDecoderLesson()
    rehearsal_mode: str = "policy"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def read_curriculum(path: Path = CURRICULUM) -> Curriculum:
    """Read the curriculum from a TOML file. Raises ModelError, naming what is wrong."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"The curriculum {path} cannot be read ({error}). Correct it, or name another one.") from error
    lessons = tuple(_made(Lesson, one, path) for one in values.get("lesson", ()))
    if not lessons or len({lesson.name for lesson in lessons}) != len(lessons):
        raise ModelError(f"The curriculum {path} needs lessons, each with a name of its own ([[lesson]]).")
    return Curriculum(
        int(values.get("seed", 0)),
        float(values.get("sigma", 0.05)),
        _made(Data, values.get("data", {}), path),
        _made(Size, values.get("model", {}), path),
        _made(TextLesson, values.get("reading", {}), path),
        lessons,
        _made(FrameDecoderLesson, values.get("painting", {}), path),
        str(values.get("rehearsal_mode", "policy")),
    )


def _made(kind: type[T], values: Mapping[str, Any], path: Path) -> T:
    known = {one.name for one in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(values) - known):
        raise ModelError(f"{path}: {', '.join(unknown)} means nothing there; it knows {', '.join(sorted(known))}.")
    try:
        return kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})
    except TypeError as error:
        raise ModelError(f"{path}: {error}.") from error
