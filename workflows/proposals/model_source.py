"""The world-action model as a source of proposals: runs in its own process, and can be cancelled at every step."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from foundation.camera import Camera
from foundation.trajectory import Scene
from model.checkpoints.fingerprint import fingerprint
from model.errors import GenerationCancelled
from model.generation.result import Generated
from model.service.client import ModelProcess, Progress
from workflows.cancellation import Cancellation, Cancelled, Report
from workflows.embedded.camera_rigs import workspace_window
from workflows.proposals.proposal import MadeBy, Proposal, action_cameras

Window = tuple[int, int, int, int]  # left, top, width and height in px of an image crop
Shown = Callable[[Progress], None]  # called in the requesting thread
WORKSPACE = "workspace"  # value of a model's configuration entry `picture_part`
_MARGIN = 0.05  # share of the window's side, around the workspace
_LOADED, _GENERATED = 0.15, 0.80  # shares of the progress
_WORTH_SAYING = 1.0  # s
_STAGES = {"action": "Imagining the motion", "video": "Imagining the pictures", "both": "Imagining the motion"}


@dataclass(frozen=True)
class GenerationSettings:
    """Settings of a generation; None and () mean the model's own default and all cameras.

    `mode`: "joint" with the predicted video, "policy" without; `cameras`: by name; `seed`: of the first candidate.
    """

    mode: str | None = None
    candidates: int = 1
    steps: int | None = None
    seed: int | None = None
    cameras: tuple[str, ...] = ()

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments for the pipeline."""
        given = {"num_candidates": self.candidates, "num_inference_steps": self.steps, "seed": self.seed}
        return {name: value for name, value in given.items() if value is not None}


class ModelSource:
    """Source that queries a model process, which is started with the first request and owned by the caller.

    `on_preview` is called in the requesting thread with the intermediate video while it is being denoised.
    """

    name = "model"

    def __init__(
        self,
        process: ModelProcess,
        asking: GenerationSettings = GenerationSettings(),
        on_preview: Shown | None = None,
    ):
        self._process, self._asking, self._on_preview = process, asking, on_preview

    def propose(self, instruction: str, scene: Scene, report: Report, token: Cancellation) -> Proposal:
        """Propose the model's motion. Raises ModelError and ProcessError without an answer, and Cancelled."""
        report("Loading the model", 0.02)
        asking, process = self._asking, self._process
        scene = seen_by(scene, asking.cameras)
        try:
            config = process.load(cancelled=lambda: token.cancelled)["config"]
            report("The model looks at the scene", _LOADED)
            windows = [window(camera, config) for camera in scene.cameras]
            made = process.generate(
                instruction,
                cropped(scene, windows),
                asking.mode or config["rehearsal_mode"],
                on_progress=teller(report, self._on_preview),
                cancelled=lambda: token.cancelled,
                previews=self._on_preview is not None,
                **asking.options,
            )
        except GenerationCancelled as error:
            raise Cancelled("Cancelled.") from error
        report("Reading the motion from the pictures", _GENERATED)
        return proposal_of(instruction, self.name, scene, windows, made, made_by(process.folder, asking, config))


def teller(report: Report, on_preview: Shown | None) -> Callable[[Progress], None]:
    """Return a progress callback that reports every step with the remaining time, and passes previews on."""
    began = time.monotonic()

    def tell(progress: Progress) -> None:
        report(*_said(progress, time.monotonic() - began))
        if on_preview is not None and (progress.rgb is not None or progress.action is not None):
            on_preview(progress)

    return tell


def made_by(folder: Path, asking: GenerationSettings, config: Mapping[str, Any]) -> MadeBy:
    """Return the provenance of a proposal for the history; seed, rank and score are set for each candidate."""
    return MadeBy(
        str(folder),
        fingerprint(folder),
        asking.mode or str(config["rehearsal_mode"]),
        0,
        asking.steps or int(config["num_inference_steps"]),
        float(config["guidance_scale"]),
        asking.candidates,
    )


def proposal_of(
    instruction: str, source: str, scene: Scene, windows: Sequence[Window], made: Generated, by: MadeBy
) -> Proposal:
    """Return the best candidate, with the others, as a proposal for the scene whose crops the model was given."""
    found = [_candidate(instruction, source, scene, windows, made, by, i) for i in range(len(made.seeds))]
    return replace(found[0], others=tuple(found[1:]))


def _candidate(
    instruction: str, source: str, scene: Scene, windows: Sequence[Window], made: Generated, by: MadeBy, number: int
) -> Proposal:
    assert made.action is not None and made.decoded is not None and made.verdicts is not None
    cameras, action, verdict = made.cameras, made.action[number], made.verdicts[number]
    rgb = None if made.rgb is None or made.mode == "policy" else made.rgb[number]
    if rgb is None:  # without video the action images cover the scene's full images
        cameras = action_cameras(scene.cameras)
        action = np.stack([laid(*one) for one in zip(action, scene.cameras, windows, cameras, strict=True)])
    by = replace(by, seed=made.seeds[number], rank=number + 1, score=verdict.score, doubt=verdict.reason)
    return Proposal(instruction, source, scene, made.times, rgb, action, made.decoded[number], cameras, made_by=by)


def seen_by(scene: Scene, names: Sequence[str]) -> Scene:
    """Return the scene with these cameras only; all when none is named. Cameras that no longer exist are left out."""
    views = tuple(view for view in scene.views if view.camera.name in names)
    return replace(scene, views=views) if views else scene


def window(camera: Camera, config: Mapping[str, Any]) -> Window:
    """Return the crop of a camera's image that a model with this configuration is given."""
    if config["picture_part"] == WORKSPACE and config["width"] == config["height"]:
        left, top, side = workspace_window(camera, _MARGIN)
        return left, top, side, side
    aspect = config["width"] / config["height"]
    width, height = min(camera.width, round(camera.height * aspect)), min(camera.height, round(camera.width / aspect))
    return (camera.width - width) // 2, (camera.height - height) // 2, width, height


def cropped(scene: Scene, windows: Sequence[Window]) -> Scene:
    """Return the scene as seen by cameras cropped to these windows."""
    return replace(scene, views=tuple(view.cropped(*part) for view, part in zip(scene.views, windows, strict=True)))


def laid(action: np.ndarray, whole: Camera, part: Window, onto: Camera) -> np.ndarray:
    """Paste action images (T, h, w, 3) of a crop of camera `whole` into the image of `onto`, which is `whole` at
    another size; black elsewhere."""
    left, top, width, height = part
    _, h, w, _ = action.shape
    across, down = onto.width / whole.width, onto.height / whole.height  # px of `onto` per px of `whole`
    x, y = width / w * across, height / h * down  # px of `onto` per px of the action images
    to_whole = np.array([[x, 0.0, left * across + 0.5 * x - 0.5], [0.0, y, top * down + 0.5 * y - 0.5]])
    return np.stack([cv2.warpAffine(image, to_whole, (onto.width, onto.height)) for image in action])


def _said(progress: Progress, elapsed: float) -> tuple[str, float]:
    """Return the message with the step number and the time left, extrapolated from the steps so far, and the share."""
    share = progress.done / max(progress.total, 1)
    words = f"{_STAGES.get(progress.stage, 'Imagining the motion')}, step {progress.done} of {progress.total}"
    if 0 < progress.done < progress.total:
        left = elapsed / progress.done * (progress.total - progress.done)
        words += f", about {left:.0f} s to go" if left >= _WORTH_SAYING else ""
    return words, _LOADED + (_GENERATED - _LOADED) * share
