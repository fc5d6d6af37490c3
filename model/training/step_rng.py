"""Random numbers of a training step.

Every draw has its own generator, seeded with the run's seed, the step and the sample's number in the whole batch.
So a step can be repeated without the steps before it, and several processes draw the same numbers as one would.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from model.training.settings import FlowMatching, NoiseLevels

_SHARED = 2**31  # in place of a sample's number: draws shared by all samples


@dataclass(frozen=True)
class StepRng:
    """Seeds of a step: the run's seed, the batch's number since the run began, and the number of its first sample."""

    seed: int
    batch: int
    first_sample: int = 0


def shared_generator(moment: StepRng) -> torch.Generator:
    """Return the generator of draws that all samples of a batch share."""
    return _generator(moment.seed, moment.batch, _SHARED)


def sample_generators(moment: StepRng, count: int) -> list[torch.Generator]:
    """Return one generator for each of `count` samples."""
    return [_generator(moment.seed, moment.batch, moment.first_sample + i) for i in range(count)]


def draw_mode(settings: FlowMatching, generator: torch.Generator) -> str:
    """Draw the mode of a batch, including the dropout of the action."""
    if torch.rand((), generator=generator) < settings.action_dropout:
        return "video"
    return _draw(settings.modes, generator)


def draw_levels(settings: NoiseLevels, generators: list[torch.Generator]) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw noise levels in (0, 1] for rgb (B,) and action (B,), in float64."""
    rgb_share = settings.share_at_one if settings.rgb_share_at_one is None else settings.rgb_share_at_one
    u = torch.stack([torch.rand(4, generator=generator, dtype=torch.float64) for generator in generators])
    action = _shifted(u[:, 0], settings.shift, u[:, 1] < settings.share_at_one)
    rgb = _shifted(u[:, 2], settings.shift, u[:, 3] < rgb_share)
    return (rgb, action) if settings.independent else (action, action)


def draw_noise(shape: torch.Size, generators: list[torch.Generator]) -> torch.Tensor:
    """Draw normal noise (B, ...) in float32 on the CPU, the same for every device."""
    return torch.stack([torch.randn(shape[1:], generator=generator) for generator in generators])


def draw_dropped(share: float, generators: list[torch.Generator]) -> list[bool]:
    """Draw for each sample whether its instruction is dropped."""
    return [bool(torch.rand((), generator=generator) < share) for generator in generators]


def _shifted(u: torch.Tensor, shift: float, at_one: torch.Tensor) -> torch.Tensor:
    u = 1.0 - u  # torch draws from [0, 1), and s = 0 would be no noise at all
    return torch.where(at_one, torch.ones_like(u), shift * u / (1.0 + (shift - 1.0) * u))


def _draw(weights: Mapping[str, float], generator: torch.Generator) -> str:
    names = list(weights)
    chances = torch.tensor([weights[name] for name in names], dtype=torch.float64)
    return names[int(torch.multinomial(chances, 1, generator=generator))]


def _generator(*key: int) -> torch.Generator:
    (seed,) = np.random.SeedSequence(key).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(seed) % 2**63)
