"""What a generation gives, and what is known of it while it runs."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from foundation.camera import Camera
from model.action_images.decoding import Decoded
from model.generation.candidate_selection import Verdict


@dataclass(frozen=True, eq=False)
class Pictures:
    """Videos of some candidates: `rgb` and `action` (N, V, T, H, W, 3) uint8, None where the mode has none."""

    rgb: np.ndarray | None
    action: np.ndarray | None


FIT = "fit"  # the stage in which motions are fitted to the video they were read from


@dataclass(frozen=True, eq=False)
class Step:
    """A step of a running generation: `done` of `total`, working on "action", "video", "both" or FIT.

    `preview()` decodes what the best guess of the first candidate is now, which takes as long as decoding does.
    """

    done: int
    total: int
    stage: str
    preview: Callable[[], Pictures]


OnStep = Callable[[Step], bool | None]  # False cancels; what it raises ends the generation too


@dataclass(frozen=True, eq=False)
class Generated:
    """N candidates, the one to believe most first.

    `rgb`, `action` (N, V, T, H, W, 3) uint8 as `cameras` (V,), of the model's image size, see them at `times` (T,) s
    from the scene's moment; None where the mode has none. `decoded` and `verdicts` (N,): what the action images say,
    together with those of closer looks where the pipeline takes any, and how far to trust it, None where there are
    none. `seeds` (N,): each makes its candidate again.
    """

    mode: str
    times: np.ndarray
    cameras: tuple[Camera, ...]
    rgb: np.ndarray | None
    action: np.ndarray | None
    decoded: list[Decoded] | None
    verdicts: list[Verdict] | None
    seeds: list[int]
