"""The exponential moving average of the weights: what is shipped is smoother than any single step."""

from collections.abc import Mapping

import torch


class Average:
    """Weights by name, averaged over the steps with `decay`; of the first steps less is remembered, n / (9 + n)."""

    def __init__(self, parameters: Mapping[str, torch.Tensor], decay: float):
        self.decay = decay
        self.weights = {name: parameter.detach().clone() for name, parameter in parameters.items()}

    @torch.no_grad()
    def add(self, parameters: Mapping[str, torch.Tensor], step: int) -> None:
        """Take in the weights after step `step` = 1, 2, ..."""
        decay = min(self.decay, step / (9 + step))
        for name, average in self.weights.items():
            average.lerp_(parameters[name].detach(), 1.0 - decay)
