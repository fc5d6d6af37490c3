"""Batched generation: many requests in one pass of the network, for evaluation, where latency does not matter."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from foundation.camera import Camera
from foundation.trajectory import Scene, Trajectory
from model.action_images.decoding import Decoded
from model.errors import ModelError
from model.generation import conditioning, request
from model.generation.candidate_selection import score_candidate
from model.generation.canvas import add_noise
from model.generation.crop_refinement import IMAGINED, ROOMS, cropped_scene
from model.generation.latent_decoding import LatentDecoder, read
from model.generation.preparation import Format, Prepared, prepare
from model.generation.result import Generated
from model.generation.sampling import Conditions, Predictor, denoise, stages
from model.networks import text_encoding
from model.networks.codec import RGB, decode_latents


@dataclass(frozen=True, eq=False)
class GenerationRequest:
    """Inputs of one call of an ActionImagesPipeline; `trajectory` and `videos` for the modes that read them."""

    instruction: str
    scene: Scene
    seed: int
    trajectory: Trajectory | None = None
    videos: np.ndarray | None = None


Look = tuple[np.ndarray, tuple[Camera, ...]]
"""Action images (V, T, H, W, 3) uint8, and the cameras (V,) that see them."""


@torch.no_grad()
def generate_batch(
    pipeline: Any,
    questions: Sequence[GenerationRequest],
    mode: str = "policy",
    *,
    num_inference_steps: int | None = None,
    video_steps: int | None = None,
    fits: bool = True,
) -> list[Generated]:
    """Generate one result per question, identical to the pipeline's for each alone up to rounding.

    Without `fits`, motions read from videos stay as decoded from the action images. The questions must have equally
    many views. Raises ModelError for invalid requests.
    """
    settings: Any = pipeline.config
    if pipeline.transformer.config.image_dim is not None:
        raise ModelError("This model reads its first picture through CLIP, one question at a time. Ask it singly.")
    steps = settings.num_inference_steps if num_inference_steps is None else num_inference_steps
    later = settings.video_steps if video_steps is None else video_steps
    format_, guidance = format_of(pipeline), settings.guidance_scale
    imagined = _imagined(pipeline, questions, mode, format_, steps, later, guidance, fits)
    actions = [pictures.actions(latents) for pictures, latents in imagined]
    guesses: Sequence[Decoded | None] = [None] * len(questions)
    if any(pictures.fits_motions for pictures, _ in imagined):
        guesses = imagined_motions(pipeline, questions, format_, steps, guidance)
    motions = [
        None if images is None else pictures.motions(images, None if guess is None else [guess])[0]
        for (pictures, _), images, guess in zip(imagined, actions, guesses, strict=True)
    ]
    if mode in IMAGINED:
        pairs = zip(actions, imagined, strict=True)
        looks = [(images[0], pictures.prepared.cameras) for images, (pictures, _) in pairs if images is not None]
        first = [motion for motion in motions if motion is not None]
        motions = [*refine_from_crops(pipeline, questions, looks, first, format_, steps, guidance)]
    found = zip(questions, imagined, actions, motions, strict=True)
    return [_generated(question, *of_one, images, motion) for question, of_one, images, motion in found]


def imagined_motions(
    pipeline: Any, questions: Sequence[GenerationRequest], format_: Format, steps: int, guidance: float
) -> list[Decoded]:
    """Generate motions from first frames and instructions alone, ignoring other inputs; with crop refinement."""
    bare = [replace(question, trajectory=None, videos=None) for question in questions]
    imagined = _imagined(pipeline, bare, "policy", format_, steps, steps, guidance)
    looks = [_look(pictures, latents) for pictures, latents in imagined]
    motions = [read(*look, format_) for look in looks]
    return refine_from_crops(pipeline, bare, looks, motions, format_, steps, guidance)


def refine_from_crops(
    pipeline: Any,
    questions: Sequence[GenerationRequest],
    looks: Sequence[Look],
    motions: Sequence[Decoded],
    format_: Format,
    steps: int,
    guidance: float,
) -> list[Decoded]:
    """Refine the motions by generating them again in crops of the images and decoding all results together.

    Each crop is placed where the previous results located the motion; what cannot be cropped stays unchanged.
    """
    seen, together = [[look] for look in looks], list(motions)
    for room in ROOMS[: pipeline.config.closer_looks]:
        pairs = zip(questions, together, strict=True)
        nearer = {i: _nearer(question, motion, room, format_) for i, (question, motion) in enumerate(pairs)}
        asked = {i: question for i, question in nearer.items() if question is not None}
        if not asked:
            break
        imagined = _imagined(pipeline, [*asked.values()], "policy", format_, steps, steps, guidance)
        for i, (pictures, latents) in zip(asked, imagined, strict=True):
            seen[i].append(_look(pictures, latents))
            together[i] = label_batch(seen[i], format_)
    return together


def _look(pictures: LatentDecoder, latents: torch.Tensor) -> Look:
    images = pictures.actions(latents)
    assert images is not None
    return images[0], pictures.prepared.cameras


def label_batch(looks: Sequence[Look], format_: Format) -> Decoded:
    """Decode one motion jointly from all looks, the whole images and the crops.

    `residual_px` is the median over a view's looks, in pixels of the first look's images: one look at another object
    does no harm if the others agree.
    """
    motion = read(np.concatenate([images for images, _ in looks]), [c for _, some in looks for c in some], format_)
    focal = np.array([[camera.K[0, 0] for camera in cameras] for _, cameras in looks])  # (looks, V)
    residual = motion.residual_px.reshape(len(motion.valid), *focal.shape) * (focal[0] / focal)
    return replace(motion, residual_px=np.ma.median(np.ma.masked_invalid(residual), axis=1).filled(np.nan))


def _nearer(question: GenerationRequest, motion: Decoded, room: float, format_: Format) -> GenerationRequest | None:
    poses = motion.trajectory.base_from_tool
    scene = cropped_scene(question.scene, poses, room, format_.axis_length, format_.model_tool_from_tool)
    return None if scene is None else replace(question, scene=scene)


def format_of(pipeline: Any) -> Format:
    """Return the image size, times and action image encoding of a pipeline."""
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


def _imagined(
    pipeline: Any,
    questions: Sequence[GenerationRequest],
    mode: str,
    format_: Format,
    steps: int,
    later: int,
    guidance: float,
    fits: bool = True,
) -> list[tuple[LatentDecoder, torch.Tensor]]:
    """Denoise each question's canvas (1, C, F, h, w); return it with its decoder.

    `later`: steps of a second stage.
    """
    prepared = [_prepared(pipeline, question, mode, format_) for question in questions]
    canvas, two = prepared[0].canvas, pipeline.transformer.config.two_stage
    if any(one.canvas != canvas for one in prepared):
        raise ModelError("Questions that are answered together need equally many cameras. Ask them apart.")
    plan = [(stage, later if two and stage.name == "video" else steps) for stage in stages(canvas, two)]
    conditions = _conditions(pipeline, questions, prepared, guided=guidance != 1.0)
    predictor = Predictor(pipeline.transformer, canvas, conditions, guidance)
    latents = torch.cat([noised(one, question.seed) for one, question in zip(prepared, questions, strict=True)])
    for state in denoise(predictor, copy.deepcopy(pipeline.scheduler), latents, plan):
        latents = state.latents
    predictor.forget()
    decoders = [LatentDecoder(pipeline.vae, pipeline.frame_decoder, one, fits) for one in prepared]
    return list(zip(decoders, latents.split(1), strict=True))


def _prepared(pipeline: Any, question: GenerationRequest, mode: str, format_: Format) -> Prepared:
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
    pipeline: Any, questions: Sequence[GenerationRequest], prepared: Sequence[Prepared], *, guided: bool
) -> Conditions:
    settings: Any = pipeline.config
    length, device = settings.max_text_length, pipeline.device
    words = [text_encoding.checked(question.instruction, pipeline.tokenizer, length) for question in questions]
    embedded = text_encoding.encode_text(pipeline.tokenizer, pipeline.text_encoder, words, length).to(device)
    empty = None
    if guided:
        empty = text_encoding.encode_text(pipeline.tokenizer, pipeline.text_encoder, [""], length).to(device)
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


def noised(prepared: Prepared, seed: int) -> torch.Tensor:
    """Return a canvas (1, C, F, h, w) with the given latents, and elsewhere the noise of `seed`."""
    latents = prepared.latents
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(seed)).to(latents)
    return add_noise(latents, noise, prepared.canvas.levels(torch.ones(1, device=latents.device)))


def _generated(
    question: GenerationRequest,
    pictures: LatentDecoder,
    latents: torch.Tensor,
    actions: np.ndarray | None,
    motion: Decoded | None,
) -> Generated:
    prepared = pictures.prepared
    motions, verdicts = None, None
    if motion is not None:
        motions = [motion]
        start = question.scene.base_from_tool if prepared.action is None else None
        side = min(prepared.format.height, prepared.format.width)
        verdicts = [score_candidate(motion, side, start)]
    rgb = pictures.videos(latents, motions)
    return Generated(
        prepared.canvas.mode, prepared.format.times, prepared.cameras, rgb, actions, motions, verdicts, [question.seed]
    )


@torch.no_grad()
def through_codec(pipeline: Any, rgb: np.ndarray) -> np.ndarray:
    """Encode and decode videos (V, T, H, W, 3) uint8: the upper bound of the quality with this codec."""
    latents = conditioning.encode_whole(pipeline.vae, conditioning.to_tensor(rgb).to(pipeline.device), RGB)
    return np.stack(
        [conditioning.to_images(decode_latents(pipeline.vae, one[None], RGB).float()[0]) for one in latents]
    )
