"""What a source proposes for an instruction: pictures of a motion, and the motion read from them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from foundation.camera import Camera
from foundation.trajectory import Scene, Trajectory
from model.action_images.decoding import Decoded, decode
from model.action_images.rendering import render
from workflows.cancellation import Cancellation, Report

PICTURE_HEIGHT = 256  # px of action images: decoding is exact to hundredths of a millimetre from there on
_CHUNK = 16  # frames drawn at once, for the sake of memory


@dataclass(frozen=True)
class MadeBy:
    """How a model made a proposal: which weights (`fingerprint`), in which mode, with which settings and `seed`.

    `score` in [0, 1] is how far the model's own ranking trusts it, `doubt` '' or why it does not; it was the `rank`-th
    of `candidates`, counted from 1.
    """

    folder: str
    fingerprint: str
    mode: str
    seed: int
    steps: int
    guidance_scale: float
    candidates: int = 1
    rank: int = 1
    score: float = 1.0
    doubt: str = ""


@dataclass(frozen=True, eq=False)
class Proposal:
    """`times` (T,) s; `rgb` (V, T, H, W, 3) uint8 the pictures to come, None when the source shows none; `action`
    (V, T, h, w, 3) uint8 the action images as `cameras` (V,) see them; `decoded` what was read from these.

    `made_by`: the model, None for other sources; `others`: further candidates for the same question, best first;
    `begun_from`: the id of the rehearsal that this one changes or goes on from, '' for none; `whole_way` (n, 3) m:
    where the tool would go in all, where this is only the first part of what was proposed.
    """

    instruction: str
    source: str
    scene: Scene
    times: np.ndarray
    rgb: np.ndarray | None
    action: np.ndarray
    decoded: Decoded
    cameras: tuple[Camera, ...]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    made_by: MadeBy | None = None
    others: tuple["Proposal", ...] = ()
    begun_from: str = ""
    whole_way: np.ndarray | None = None


class Source(Protocol):
    """Something that can propose a motion. Raises KnownError when it cannot, Cancelled when it was taken back."""

    @property
    def name(self) -> str: ...

    def propose(self, instruction: str, scene: Scene, report: Report, token: Cancellation) -> Proposal: ...


def proposal_from_trajectory(
    instruction: str, source: str, scene: Scene, trajectory: Trajectory, report: Report, token: Cancellation
) -> Proposal:
    """Through pictures and back, as a model's proposal would come: drawn as action images, and read from them."""
    cameras = action_cameras(scene.cameras)
    drawn: np.ndarray | None = None
    T = len(trajectory)
    for start in range(0, T, _CHUNK):
        token.raise_if_cancelled()
        report("Drawing the motion", 0.1 + 0.5 * start / T)
        part = slice(start, min(start + _CHUNK, T))
        images = np.round(255.0 * render(trajectory[part], cameras)).astype(np.uint8)
        if drawn is None:
            drawn = np.empty((images.shape[0], T, *images.shape[2:]), np.uint8)
        drawn[:, part] = images
    token.raise_if_cancelled()
    report("Reading the motion from the pictures", 0.7)
    assert drawn is not None
    decoded = decode(drawn, cameras, times=trajectory.times)
    return Proposal(instruction, source, scene, trajectory.times, None, drawn, decoded, cameras)


def action_cameras(cameras: Sequence[Camera]) -> tuple[Camera, ...]:
    """The cameras of action images: their pictures made smaller, all to the size the first one gets."""
    height = min(PICTURE_HEIGHT, cameras[0].height)
    width = round(cameras[0].width * height / cameras[0].height)
    return tuple(camera.resized(width, height) for camera in cameras)
