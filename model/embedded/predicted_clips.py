"""The model's predictions for the episodes, inputs of the frame decoder's training."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from foundation.camera import Camera
from foundation.trajectory import Scene, View
from model.arm_rendering.drawing import arm_joints
from model.arm_rendering.light_estimation import estimate_appearance
from model.embedded.scene_data import SceneData
from model.generation.batched_generation import GenerationRequest, generate_batch
from model.generation.result import Generated

_TOGETHER = 8  # episodes generated in one pass


@dataclass(frozen=True, eq=False)
class PredictedClips:
    """Single-step predictions for E episodes.

    `coarse` (E, V, T, H, W, 3) uint8, and the motion decoded from it, `base_from_tool` (E, T, 4, 4) and `openness`
    (E, T); the true motion where decoding fails. `joints` and `true_joints` (E, T, 7): the arm's in the decoded and in
    the true motion (see `arm_joints`); `light` (E, 2): the shadows' direction in the first frames
    (see `estimate_light`), NaN where undetermined; `colours` (E, m, 3): the arm's (see `find_colours`).
    """

    coarse: np.ndarray
    base_from_tool: np.ndarray
    openness: np.ndarray
    joints: np.ndarray
    true_joints: np.ndarray
    light: np.ndarray
    colours: np.ndarray


def predicted_clips(pipeline: Any, episodes: SceneData, count: int) -> PredictedClips:
    """Generate the joint videos of the first `count` episodes, each from its own instruction."""
    count = min(count, len(episodes))
    coarse, poses, openness = [], [], []
    decoder, pipeline.frame_decoder = pipeline.frame_decoder, None
    try:
        for at in range(0, count, _TOGETHER):
            some = range(at, min(at + _TOGETHER, count))
            for number, made in zip(some, _imagined(pipeline, episodes, some), strict=True):
                assert made.rgb is not None and made.decoded is not None
                coarse.append(made.rgb[0])
                read = made.decoded[0].trajectory
                known = read.known.any()
                poses.append(read.at(made.times).base_from_tool if known else episodes.base_from_tool[number])
                openness.append(read.at(made.times).openness if known else episodes.openness[number])
    finally:
        pipeline.frame_decoder = decoder
    arms = [np.stack([arm_joints(one) for one in motions]) for motions in (poses, episodes.base_from_tool[:count])]
    looks = [_look(episodes, number, arms[1][number, 0]) for number in range(count)]
    lights, colours = (np.stack(values) for values in zip(*looks, strict=True))
    values = (np.stack(poses), np.stack(openness), *arms, lights, colours)
    return PredictedClips(np.stack(coarse), *(value.astype(np.float32) for value in values))


def cached_predicted_clips(path: Path, pipeline: Any, episodes: SceneData, count: int) -> PredictedClips:
    """Load the predictions from a file, generating and writing them when it does not exist."""
    if not path.exists():
        made = predicted_clips(pipeline, episodes, count)
        part = path.with_name(f".{path.name}.part")
        with part.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **vars(made))
        part.replace(path)
    with np.load(path, allow_pickle=False) as arrays:
        return PredictedClips(**dict(arrays))


def _imagined(pipeline: Any, episodes: SceneData, some: range) -> list[Generated]:
    questions = [
        GenerationRequest(episodes.instructions[number][0], _scene(episodes, number), seed=number) for number in some
    ]
    return generate_batch(pipeline, questions, "joint", num_inference_steps=1)


def _look(episodes: SceneData, number: int, joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Estimate an episode's `light` (2,) and `colours` (m, 3): see `PredictedClips`."""
    scene = int(episodes.scene[number])
    cameras = [camera_of(episodes, scene, view) for view in range(episodes.views)]
    light, colours = estimate_appearance(
        episodes.rgb[scene, :, 0], cameras, joints, float(episodes.openness[number, 0])
    )
    return np.full(2, np.nan) if light is None else light, colours


def _scene(episodes: SceneData, number: int) -> Scene:
    """Return the scene at the start of the episode."""
    scene = int(episodes.scene[number])
    height, width = episodes.pictures.shape[2:4]
    cameras = [camera_of(episodes, scene, view).resized(width, height) for view in range(episodes.views)]
    views = tuple(View(c, picture, 0.0) for c, picture in zip(cameras, episodes.pictures[scene], strict=True))
    return Scene(views, episodes.base_from_tool[number, 0], float(episodes.openness[number, 0]))


def camera_of(episodes: SceneData, scene: int, view: int) -> Camera:
    """Return the camera of a view of a scene."""
    height, width = episodes.size
    return Camera(f"view {view}", width, height, episodes.K[scene, view], episodes.base_from_camera[scene, view])
