"""Who is judged, and what they answer. A question is a clip: its instruction, its first pictures, the arm's pose."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from foundation.trajectory import Trajectory
from workflows.embedded.clips import Clip


@dataclass(frozen=True, eq=False)
class Answer:
    """A proposed motion: `trajectory` (T), None when there is none, and then the `reason`; `confidence` (T,) of
    reading each frame, None where nothing was read."""

    trajectory: Trajectory | None
    confidence: np.ndarray | None = None
    reason: str = ""


class Policy(Protocol):
    """Whoever proposes motions and is judged: the model, or what it is compared with.

    Of a clip it may look at `instruction` and `question`; only the oracle looks at the rest.
    """

    @property
    def name(self) -> str: ...

    def answer(self, clips: Sequence[Clip]) -> list[Answer]:
        """One answer for each clip, in their order."""
        ...
