"""Settings of a training run; plain values that are stored in its checkpoints as JSON."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from model.errors import ModelError
from model.generation.canvas import MODES

# The release's mixture (arXiv 2604.06168 and its training script), with action-conditioned video, which only the paper
# trains, taken from the joint mode's share.
RELEASE_MODES = {
    "joint": 0.75,
    "policy": 0.10,
    "action_to_video": 0.06,
    "video_to_action": 0.045,
    "view_transfer": 0.045,
}


@dataclass(frozen=True)
class NoiseLevels:
    """Distribution of noise levels s in (0, 1]: s = shift u / (1 + (shift - 1) u) with u uniform, or 1.

    `share_at_one` of the samples are pure noise. A small model needs 0.3 to 0.6: below s = 0.98 the target is visible
    through the noise, and it learns to denoise instead of to use the image. `independent`: rgb and action have separate
    levels (for transformers with a timestep per token), and `rgb_share_at_one` may then differ.
    """

    shift: float = 5.0
    share_at_one: float = 0.0
    independent: bool = False
    rgb_share_at_one: float | None = None


@dataclass(frozen=True)
class FlowMatching:
    """Settings of flow matching.

    `modes`: mixture weights by mode of the canvas (generation/canvas.py), and "one_frame", the first lesson of a small
    model: one view's first image, and one later action frame. `weighting` of the squared velocity error over noise
    levels: "bell" (the release's), "x0" (that of a clean prediction by 1 / max(s, 0.3)^2) or "even".
    `residual_weight` in [0, 1]: how strongly the rgb loss is weighted by the difference from the first frame (for
    `relative_rgb`).
    """

    modes: Mapping[str, float] = field(default_factory=lambda: dict(RELEASE_MODES))
    noise: NoiseLevels = NoiseLevels()
    weighting: str = "bell"
    text_dropout: float = 0.05
    action_dropout: float = 0.1  # the batch is then trained as video only
    action_weight: float = 1.0
    rgb_weight: float = 1.0
    residual_weight: float = 0.0

    def __post_init__(self):
        unknown = set(self.modes) - {*MODES, "one_frame"}
        if unknown or not self.modes or min(self.modes.values()) < 0 or sum(self.modes.values()) <= 0:
            known = ", ".join((*MODES, "one_frame"))
            raise ModelError(f"The mixture {dict(self.modes)} cannot be trained. Give positive weights to: {known}.")
        if self.weighting not in ("bell", "x0", "even"):
            raise ModelError(f'The weighting {self.weighting!r} does not exist. Use "bell", "x0" or "even".')


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of the optimisation of any objective.

    optimiser: "adamw", or "muon" for matrices of the transformer's blocks and AdamW, at `other_rate` times the rate,
    for everything else; the text encoder, when it is trained, at `text_rate` times the rate. `warmup` steps up, then
    constant, or along a cosine down to `final_rate` times the rate at the last step. precision: "bf16", "fp32" or
    "auto", whichever multiplies faster on this machine. `micro_batches` batches make one step (gradient accumulation).
    `ema`: decay of the averaged weights, None for none. `compile`: torch.compile block by block.
    """

    steps: int
    seed: int = 0
    optimiser: str = "adamw"
    learning_rate: float = 1e-5
    warmup: int = 0
    final_rate: float = 1.0
    other_rate: float = 0.4
    text_rate: float = 0.25
    weight_decay: float = 0.01
    gradient_clip: float = 1.0
    ema: float | None = 0.995
    micro_batches: int = 1
    precision: str = "auto"
    gradient_checkpointing: bool = False
    compile: bool = False
    log_every: int = 20
    checkpoint_every: int = 500
    checkpoints_kept: int = 2

    def __post_init__(self):
        if self.optimiser not in ("adamw", "muon"):
            raise ModelError(f'The optimiser {self.optimiser!r} does not exist. Use "adamw" or "muon".')
        if self.precision not in ("auto", "bf16", "fp32"):
            raise ModelError(f'The precision {self.precision!r} does not exist. Use "auto", "bf16" or "fp32".')
        for name in ("steps", "micro_batches", "log_every", "checkpoint_every", "checkpoints_kept"):
            if getattr(self, name) < 1:
                raise ModelError(f"{name} must be at least 1, not {getattr(self, name)}.")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "TrainingSettings":
        """Build settings from a dictionary; unknown names are dropped, because they belong to another version."""
        known = {field_.name for field_ in fields(TrainingSettings)}
        return TrainingSettings(**{name: value for name, value in values.items() if name in known})

    def rate(self, step: int) -> float:
        """Return the learning rate of step 0, 1, ..."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        done = (step - self.warmup) / max(self.steps - self.warmup, 1)
        low = self.final_rate
        return self.learning_rate * (low + (1.0 - low) * 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0))))
