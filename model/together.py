"""Many requests in one pass of the network: for judging a model, where nobody waits for a single answer."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from foundation.camera import Camera
from foundation.trajectory import Scene, Trajectory
from model import conditioning, request, text
from model.action_decoding import Decoded
from model.candidates import judge
from model.canvas import add_noise
from model.closer_look import IMAGINED, ROOMS, seen_closer
from model.codec import RGB, decode_latents
from model.errors import ModelError
from model.generation import Generated
from model.pictures import PictureDecoder, read
from model.preparation import Format, Prepared, prepare
from model.sampling import Conditions, Predictor, denoise, stages


@dataclass(frozen=True, eq=False)
class Question:
    """What an ActionImagesPipeline is asked in one call; `trajectory` and `videos` for the modes that read them."""

    instruction: str
    scene: Scene
    seed: int
    trajectory: Trajectory | None = None
    videos: np.ndarray | None = None


Look = tuple[np.ndarray, Decoded, tuple[Camera, ...]]
"""Action images (V, T, H, W, 3) uint8, what they say, and the cameras (V,) that see them."""


@torch.no_grad()
def generate_together(
    pipeline: Any,
    questions: Sequence[Question],
    mode: str = "policy",
    *,
    num_inference_steps: int | None = None,
    video_steps: int | None = None,
    guidance_scale: float | None = None,
    format_: Format | None = None,
    fits: bool = True,
    closer: bool = True,
) -> list[Generated]:
    """One generation per question, the same as the pipeline gives for each alone but for the rounding of the sums.
    Without `fits`, motions that are read from videos stay as the action images say them; without `closer`, those that
    are imagined stay as the first look has them.

    `format_`: of other images than the pipeline's own. The questions have equally many views. Raises ModelError for
    what cannot be asked.
    """
    settings: Any = pipeline.config
    if pipeline.transformer.config.image_dim is not None:
        raise ModelError("This model reads its first picture through CLIP, one question at a time. Ask it singly.")
    format_ = format_of(pipeline) if format_ is None else format_
    guidance = settings.guidance_scale if guidance_scale is None else guidance_scale
    prepared = [_prepared(pipeline, question, mode, format_) for question in questions]
    steps = settings.num_inference_steps if num_inference_steps is None else num_inference_steps
    later = settings.video_steps if video_steps is None else video_steps
    canvas, two = prepared[0].canvas, pipeline.transformer.config.two_stage
    if any(one.canvas != canvas for one in prepared):
        raise ModelError("Questions that are answered together need equally many cameras. Ask them apart.")
    plan = [(stage, later if two and stage.name == "video" else steps) for stage in stages(canvas, two)]
    conditions = _conditions(pipeline, questions, prepared, guided=guidance != 1.0)
    predictor = Predictor(pipeline.transformer, canvas, conditions, guidance)
    latents = torch.cat([_noised(one, question.seed) for one, question in zip(prepared, questions, strict=True)])
    for state in denoise(predictor, copy.deepcopy(pipeline.scheduler), latents, plan):
        latents = state.latents
    predictor.forget()
    pictures = [PictureDecoder(pipeline.vae, pipeline.frame_decoder, one, fits) for one in prepared]
    each = [latents[i : i + 1] for i in range(len(questions))]
    looks: list[Look | None] = [_look(decoder, one) for decoder, one in zip(pictures, each, strict=True)]
    if closer and mode in IMAGINED:
        first = [look for look in looks if look is not None]
        looks = [*look_closer(pipeline, questions, first, format_, steps=steps, guidance_scale=guidance)]
    return [_generated(*of_one) for of_one in zip(questions, pictures, each, looks, strict=True)]


def look_closer(
    pipeline: Any,
    questions: Sequence[Question],
    looks: Sequence[Look],
    format_: Format,
    *,
    steps: int,
    guidance_scale: float,
) -> list[Look]:
    """The looks with the motions that they and closer ones say together. Each look is where the ones before found that
    it happens; what cannot be seen from nearby stays as it is."""
    seen, together = [[look] for look in looks], list(looks)
    for room in ROOMS[: pipeline.config.closer_looks]:
        pairs = zip(questions, together, strict=True)
        nearer = [_nearer(question, motion, room, format_) for question, (_, motion, _) in pairs]
        which = [i for i, found in enumerate(nearer) if found is not None]
        asked = [question for question in nearer if question is not None]
        if not asked:
            break
        made = generate_together(
            pipeline,
            asked,
            "policy",
            num_inference_steps=steps,
            guidance_scale=guidance_scale,
            format_=format_,
            closer=False,
        )
        for i, one in zip(which, made, strict=True):
            assert one.action is not None and one.decoded is not None
            seen[i].append((one.action[0], one.decoded[0], one.cameras))
            together[i] = read_together(seen[i], format_)
    return together


def _nearer(question: Question, motion: Decoded, room: float, format_: Format) -> Question | None:
    poses = motion.trajectory.base_from_tool
    scene = seen_closer(question.scene, poses, room, format_.axis_length, format_.model_tool_from_tool)
    return None if scene is None else replace(question, scene=scene)


def read_together(looks: Sequence[Look], format_: Format) -> Look:
    """The first look with the motion that all of them show. `residual_px` is the median of a view's looks, in pixels of
    the first's images: one look at another thing does no harm, if the others agree."""
    images, motion, cameras = looks[0]
    if len(looks) > 1:
        together = read(np.concatenate([one for one, _, _ in looks]), [c for *_, some in looks for c in some], format_)
        focal = np.array([[camera.K[0, 0] for camera in some] for *_, some in looks])  # (looks, V)
        residual = together.residual_px.reshape(len(together.valid), *focal.shape) * (focal[0] / focal)
        motion = replace(together, residual_px=np.ma.median(np.ma.masked_invalid(residual), axis=1).filled(np.nan))
    return images, motion, cameras


def format_of(pipeline: Any) -> Format:
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


def _prepared(pipeline: Any, question: Question, mode: str, format_: Format) -> Prepared:
    settings: Any = pipeline.config
    request.check_mode(mode, question.trajectory, question.videos)
    request.check_scene(question.scene, settings.longest_between_views_s)
    return prepare(
        pipeline.transformer,
        pipeline.vae,
        format_,
        question.scene,
        mode,
        question.trajectory,
        question.videos,
        pipeline.device,
    )


def _conditions(
    pipeline: Any, questions: Sequence[Question], prepared: Sequence[Prepared], *, guided: bool
) -> Conditions:
    settings: Any = pipeline.config
    length, device = settings.max_text_length, pipeline.device
    words = [text.checked(question.instruction, pipeline.tokenizer, length) for question in questions]
    embedded = text.encode_text(pipeline.tokenizer, pipeline.text_encoder, words, length).to(device)
    empty = None
    if guided:
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


def _look(pictures: PictureDecoder, latents: torch.Tensor) -> Look | None:
    actions = pictures.actions(latents)
    return None if actions is None else (actions[0], pictures.motions(actions)[0], pictures.prepared.cameras)


def _generated(question: Question, pictures: PictureDecoder, latents: torch.Tensor, look: Look | None) -> Generated:
    prepared = pictures.prepared
    actions, motions, verdicts = None, None, None
    if look is not None:
        actions, motions = look[0][None], [look[1]]
        start = question.scene.base_from_tool if prepared.action is None else None
        side = min(prepared.format.height, prepared.format.width)
        verdicts = [judge(look[1], side, start)]
    rgb = pictures.videos(latents, motions)
    return Generated(
        prepared.canvas.mode, prepared.format.times, prepared.cameras, rgb, actions, motions, verdicts, [question.seed]
    )


@torch.no_grad()
def through_codec(pipeline: Any, rgb: np.ndarray) -> np.ndarray:
    """Videos (V, T, H, W, 3) uint8 encoded and decoded: the best that a network over this codec could show."""
    latents = conditioning.encode_whole(pipeline.vae, conditioning.to_tensor(rgb).to(pipeline.device), RGB)
    return np.stack(
        [conditioning.to_images(decode_latents(pipeline.vae, one[None], RGB).float()[0]) for one in latents]
    )
