"""Two-way check of names and shapes of a file's tensors against the model's."""

from collections.abc import Mapping

import torch

from model.errors import WeightsError


class NamesDiffer(WeightsError):
    """The tensors do not match the model: `missing`, `unexpected` and `misshapen` hold their names."""

    def __init__(self, what: str, missing: list[str], unexpected: list[str], misshapen: list[str]):
        self.missing, self.unexpected, self.misshapen = missing, unexpected, misshapen
        parts = (("Missing", missing), ("Unexpected", unexpected), ("Of another shape", misshapen))
        lists = " ".join(f"{title} ({len(names)}): {', '.join(names)}." for title, names in parts if names)
        super().__init__(f"{what} does not fit the model: use the file of this model, whole. {lists}")


def check_names(what: str, expected: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor]) -> None:
    """Raise NamesDiffer, naming every tensor that is missing, unexpected or of another shape."""
    missing = [name for name in expected if name not in found]
    unexpected = [name for name in found if name not in expected]
    misshapen = [
        f"{name} {tuple(found[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected
        if name in found and found[name].shape != expected[name].shape
    ]
    if missing or unexpected or misshapen:
        raise NamesDiffer(what, missing, unexpected, misshapen)
