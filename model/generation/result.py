"""Result of a generation, and its progress reports."""

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


FIT = "fit"  # stage in which motions are refined against the video they were decoded from


@dataclass(frozen=True, eq=False)
class Step:
    """Progress of a running generation: `done` of `total`, in stage "action", "video", "both" or FIT.

    `preview()` decodes the current estimate of the first candidate, which takes as long as decoding does.
    """

    done: int
    total: int
    stage: str
    preview: Callable[[], Pictures]


OnStep = Callable[[Step], bool | None]  # False cancels; an exception aborts the generation too


@dataclass(frozen=True, eq=False)
class Generated:
    """N candidates, the most trusted one first.

    `rgb`, `action` (N, V, T, H, W, 3) uint8 as seen by `cameras` (V,), of the model's image size, at `times` (T,) s
    from the scene's time; None where the mode has none. `decoded` and `verdicts` (N,): the motion decoded from the
    action images, jointly with the crop refinements where the pipeline uses any, and its score, None where there are
    none. `seeds` (N,): each reproduces its candidate.
    """

    mode: str
    times: np.ndarray
    cameras: tuple[Camera, ...]
    rgb: np.ndarray | None
    action: np.ndarray | None
    decoded: list[Decoded] | None
    verdicts: list[Verdict] | None
    seeds: list[int]
