"""Interface of training objectives."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import nn

from model.training.step_rng import StepRng


@dataclass(frozen=True)
class Loss:
    """A batch's loss, a scalar to differentiate, and figures to log, each a (sum, weight) that adds up over batches.

    The loss is a mean over the batch's samples, so that processes with equal shares can be averaged.
    """

    value: torch.Tensor
    figures: dict[str, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)


class Objective(Protocol):
    """A module whose `forward(batch, moment)` returns a Loss; its parameters with `requires_grad` are trained."""

    def forward(self, batch: Any, moment: StepRng) -> Loss: ...


def figure(values: torch.Tensor, weights: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (sum, weight) of the mean of `values`, for logging; empty or with zero weights it does not count."""
    values = values.detach().float()
    weights = torch.ones_like(values) if weights is None else weights.to(values)
    return (values * weights).sum(), weights.sum()


def trained(module: nn.Module) -> dict[str, nn.Parameter]:
    """Return the trainable parameters by name."""
    return {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
