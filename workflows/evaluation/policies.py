"""Policies under evaluation, and their answers. A question is a clip: its instruction, first images, and arm pose."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from foundation.trajectory import Trajectory
from workflows.embedded.clips import Clip


@dataclass(frozen=True, eq=False)
class Answer:
    """A proposed motion: `trajectory` (T), None if there is none, with the `reason`; `confidence` (T,) of decoding each
    frame, None where nothing was decoded."""

    trajectory: Trajectory | None
    confidence: np.ndarray | None = None
    reason: str = ""


class Policy(Protocol):
    """Interface of a policy under evaluation: the model, or a baseline.

    Of a clip it may use `instruction` and `question`; only the oracle uses the rest.
    """

    @property
    def name(self) -> str: ...

    def answer(self, clips: Sequence[Clip]) -> list[Answer]:
        """Return one answer for each clip, in their order."""
        ...
