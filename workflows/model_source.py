"""The world-action model as a source of rehearsals: it runs in its own process, and may be cancelled at every step."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from foundation.camera import Camera
from foundation.trajectory import Scene, View
from model.client import ModelProcess, Progress
from model.errors import GenerationCancelled
from model.generation import Generated
from workflows.cancellation import Cancellation, Cancelled, Report
from workflows.embedded.rigs import workspace_window
from workflows.proposal import Proposal, action_cameras

Window = tuple[int, int, int, int]  # left, top, width and height in px of a part of a picture
WORKSPACE = "workspace"  # of a model's configuration value `picture_part`
_MARGIN = 0.05  # of the window's side, around the workspace
_LOADED, _GENERATED = 0.15, 0.80  # shares of the progress
_STAGES = {"action": "Imagining the motion", "video": "Imagining the pictures", "both": "Imagining the motion"}


class ModelSource:
    """Asks a model process, which is started with the first question and belongs to whoever made it."""

    name = "model"

    def __init__(self, process: ModelProcess):
        self._process = process

    def propose(self, instruction: str, scene: Scene, report: Report, token: Cancellation) -> Proposal:
        """Raises ModelError and ProcessError when there is no answer, Cancelled when it was taken back."""
        report("Loading the model", 0.02)
        try:
            config = self._process.load(cancelled=lambda: token.cancelled)["config"]
            report("The model looks at the scene", _LOADED)
            windows = [window(camera, config) for camera in scene.cameras]
            made = self._process.generate(
                instruction,
                cropped(scene, windows),
                config["rehearsal_mode"],
                on_progress=lambda progress: report(*_said(progress)),
                cancelled=lambda: token.cancelled,
                previews=False,
            )
        except GenerationCancelled as error:
            raise Cancelled("Cancelled.") from error
        report("Reading the motion from the pictures", _GENERATED)
        return proposal_of(instruction, self.name, scene, windows, made)


def proposal_of(instruction: str, source: str, scene: Scene, windows: Sequence[Window], made: Generated) -> Proposal:
    """The best candidate as a proposal for the scene whose cropped pictures the model was shown."""
    assert made.action is not None and made.decoded is not None
    cameras, action = made.cameras, made.action[0]
    rgb = None if made.rgb is None or made.mode == "policy" else made.rgb[0]
    if rgb is None:  # then the action images lie over the scene's own, whole pictures
        cameras = action_cameras(scene.cameras)
        action = np.stack([laid(*one) for one in zip(action, scene.cameras, windows, cameras, strict=True)])
    return Proposal(instruction, source, scene, made.times, rgb, action, made.decoded[0], cameras)


def window(camera: Camera, config: Mapping[str, Any]) -> Window:
    """The part of a camera's picture that a model with this configuration looks at."""
    if config["picture_part"] == WORKSPACE and config["width"] == config["height"]:
        left, top, side = workspace_window(camera, _MARGIN)
        return left, top, side, side
    aspect = config["width"] / config["height"]
    width, height = min(camera.width, round(camera.height * aspect)), min(camera.height, round(camera.width / aspect))
    return (camera.width - width) // 2, (camera.height - height) // 2, width, height


def cropped(scene: Scene, windows: Sequence[Window]) -> Scene:
    """The scene as cameras would see it that picture only these parts; what lies beyond a border is the border's."""
    return replace(scene, views=tuple(_cropped(*one) for one in zip(scene.views, windows, strict=True)))


def _cropped(view: View, part: Window) -> View:
    left, top, width, height = part
    if part == (0, 0, view.camera.width, view.camera.height):
        return view
    rows = np.clip(np.arange(top, top + height), 0, view.camera.height - 1)
    columns = np.clip(np.arange(left, left + width), 0, view.camera.width - 1)
    return View(view.camera.cropped(*part), np.ascontiguousarray(view.rgb[rows][:, columns]), view.captured)


def laid(action: np.ndarray, whole: Camera, part: Window, onto: Camera) -> np.ndarray:
    """Action images (T, h, w, 3) of a part of the camera `whole`'s picture, laid into the picture of `onto`, which is
    `whole` in another size; black elsewhere."""
    left, top, width, height = part
    _, h, w, _ = action.shape
    across, down = onto.width / whole.width, onto.height / whole.height  # px of `onto` for one of `whole`
    x, y = width / w * across, height / h * down  # px of `onto` for one of the action images
    to_whole = np.array([[x, 0.0, left * across + 0.5 * x - 0.5], [0.0, y, top * down + 0.5 * y - 0.5]])
    return np.stack([cv2.warpAffine(image, to_whole, (onto.width, onto.height)) for image in action])


def _said(progress: Progress) -> tuple[str, float]:
    share = progress.done / max(progress.total, 1)
    words = f"{_STAGES.get(progress.stage, 'Imagining the motion')}, step {progress.done} of {progress.total}"
    return words, _LOADED + (_GENERATED - _LOADED) * share
