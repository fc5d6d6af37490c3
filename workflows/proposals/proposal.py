"""Proposal of a source for an instruction: action images of a motion, and the motion decoded from them."""

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

PICTURE_HEIGHT = 256  # px of action images: from this height on decoding is exact to hundredths of a millimetre
_CHUNK = 16  # frames rendered at once, to bound the memory


@dataclass(frozen=True)
class MadeBy:
    """Provenance of a proposal by a model: weights (`fingerprint`), mode, settings and `seed`.

    `score` in [0, 1]: confidence of the model's own ranking; `doubt`: why it is low, or ''; it was the `rank`-th of
    `candidates`, counted from 1.
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
    """`times` (T,) s; `rgb` (V, T, H, W, 3) uint8 predicted video, None when the source has none; `action`
    (V, T, h, w, 3) uint8 action images as seen by `cameras` (V,); `decoded`: the motion decoded from these.
    `made_by`: the model, None for other sources; `others`: further candidates for the same request, best first;
    `begun_from`: id of the rehearsal that this one modifies or continues, '' for none; `whole_way` (n, 3) m: the tool's
    complete path, when this is only the first part of what was proposed."""

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
    """Interface of a source of motions. `propose` raises KnownError when it cannot, Cancelled when it was cancelled."""

    @property
    def name(self) -> str: ...

    def propose(self, instruction: str, scene: Scene, report: Report, token: Cancellation) -> Proposal: ...


def proposal_from_trajectory(
    instruction: str, source: str, scene: Scene, trajectory: Trajectory, report: Report, token: Cancellation
) -> Proposal:
    """Render a trajectory as action images and decode it from them, as a model's proposal would be."""
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
    """Return the cameras of action images: downscaled, all to the size of the first one."""
    height = min(PICTURE_HEIGHT, cameras[0].height)
    width = round(cameras[0].width * height / cameras[0].height)
    return tuple(camera.resized(width, height) for camera in cameras)
