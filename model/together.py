"""Many requests in one pass of the network: for judging a model, where nobody waits for a single answer."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from foundation.trajectory import Scene, Trajectory
from model import conditioning, request, text
from model.candidates import judge
from model.canvas import add_noise
from model.codec import RGB, decode_latents
from model.errors import ModelError
from model.generation import Generated
from model.pictures import PictureDecoder
from model.pipeline import ActionImagesPipeline
from model.preparation import Format, Prepared, prepare
from model.sampling import Conditions, Predictor, denoise, stages


@dataclass(frozen=True, eq=False)
class Question:
    """What ActionImagesPipeline is asked in one call; `trajectory` and `videos` for the modes that read them."""

    instruction: str
    scene: Scene
    seed: int
    trajectory: Trajectory | None = None
    videos: np.ndarray | None = None


@torch.no_grad()
def generate_together(
    pipeline: ActionImagesPipeline,
    questions: Sequence[Question],
    mode: str = "policy",
    *,
    num_inference_steps: int | None = None,
    video_steps: int | None = None,
    fits: bool = True,
) -> list[Generated]:
    """One generation per question, the same as the pipeline gives for each alone but for the rounding of the sums.
    Without `fits`, motions that are read from videos stay as the action images say them.

    The questions have equally many views. Raises ModelError for what cannot be asked.
    """
    settings: Any = pipeline.config
    if pipeline.transformer.config.image_dim is not None:
        raise ModelError("This model reads its first picture through CLIP, one question at a time. Ask it singly.")
    prepared = [_prepared(pipeline, question, mode) for question in questions]
    steps = settings.num_inference_steps if num_inference_steps is None else num_inference_steps
    later = settings.video_steps if video_steps is None else video_steps
    canvas, two = prepared[0].canvas, pipeline.transformer.config.two_stage
    if any(one.canvas != canvas for one in prepared):
        raise ModelError("Questions that are answered together need equally many cameras. Ask them apart.")
    plan = [(stage, later if two and stage.name == "video" else steps) for stage in stages(canvas, two)]
    conditions = _conditions(pipeline, questions, prepared)
    predictor = Predictor(pipeline.transformer, canvas, conditions, settings.guidance_scale)
    latents = torch.cat([_noised(one, question.seed) for one, question in zip(prepared, questions, strict=True)])
    for state in denoise(predictor, copy.deepcopy(pipeline.scheduler), latents, plan):
        latents = state.latents
    predictor.forget()
    return [
        _generated(pipeline, one, question, latents[i : i + 1], fits)
        for i, (one, question) in enumerate(zip(prepared, questions, strict=True))
    ]


def format_of(pipeline: ActionImagesPipeline) -> Format:
    """The images, times and drawing a pipeline was made for."""
    settings: Any = pipeline.config
    tool = settings.model_tool_from_tool
    return Format(
        settings.height,
        settings.width,
        settings.num_frames,
        settings.frame_period_s,
        settings.sigma,
        settings.axis_length,
        None if tool is None else np.asarray(tool, float),
        settings.tolerance,
    )


def _prepared(pipeline: ActionImagesPipeline, question: Question, mode: str) -> Prepared:
    settings: Any = pipeline.config
    request.check_mode(mode, question.trajectory, question.videos)
    request.check_scene(question.scene, settings.longest_between_views_s)
    return prepare(
        pipeline.transformer,
        pipeline.vae,
        format_of(pipeline),
        question.scene,
        mode,
        question.trajectory,
        question.videos,
        pipeline.device,
    )


def _conditions(
    pipeline: ActionImagesPipeline, questions: Sequence[Question], prepared: Sequence[Prepared]
) -> Conditions:
    settings: Any = pipeline.config
    length, device = settings.max_text_length, pipeline.device
    words = [text.checked(question.instruction, pipeline.tokenizer, length) for question in questions]
    embedded = text.encode_text(pipeline.tokenizer, pipeline.text_encoder, words, length).to(device)
    empty = None
    if settings.guidance_scale != 1.0:
        empty = text.encode_text(pipeline.tokenizer, pipeline.text_encoder, [""], length).to(device)
        empty = empty.expand_as(embedded)
    cameras = [
        one.canvas.pack_camera(
            conditioning.camera_features(
                pipeline.transformer.config, pipeline.vae, one.cameras, one.format.frames, device
            )
        )
        for one in prepared
    ]
    looked_at = [one.pictures for one in prepared if one.pictures is not None]
    return Conditions(embedded, empty, torch.cat(cameras).to(device), torch.cat(looked_at) if looked_at else None)


def _noised(prepared: Prepared, seed: int) -> torch.Tensor:
    latents = prepared.latents
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(seed)).to(latents)
    return add_noise(latents, noise, prepared.canvas.levels(torch.ones(1, device=latents.device)))


def _generated(
    pipeline: ActionImagesPipeline, prepared: Prepared, question: Question, latents: torch.Tensor, fits: bool
) -> Generated:
    pictures = PictureDecoder(pipeline.vae, pipeline.frame_decoder, prepared, fits)
    actions = pictures.actions(latents)
    motions = None if actions is None else pictures.motions(actions)
    rgb = pictures.videos(latents, motions)
    verdicts = None
    if motions is not None:
        start = question.scene.base_from_tool if prepared.action is None else None
        side = min(prepared.format.height, prepared.format.width)
        verdicts = [judge(motion, side, start) for motion in motions]
    return Generated(
        prepared.canvas.mode, prepared.format.times, prepared.cameras, rgb, actions, motions, verdicts, [question.seed]
    )


@torch.no_grad()
def through_codec(pipeline: ActionImagesPipeline, rgb: np.ndarray) -> np.ndarray:
    """Videos (V, T, H, W, 3) uint8 encoded and decoded: the best that a network over this codec could show."""
    latents = conditioning.encode_whole(pipeline.vae, conditioning.to_tensor(rgb).to(pipeline.device), RGB)
    return np.stack(
        [conditioning.to_images(decode_latents(pipeline.vae, one[None], RGB).float()[0]) for one in latents]
    )
