"""Quick validation of a lesson without physics: accuracy of the predicted target point and of decoded motions."""

from typing import Any

import numpy as np
import torch

from foundation.camera import Camera
from model.action_images.decoding import Decoded, decode
from model.embedded.batch_selection import Choice, Sampling
from model.embedded.lesson_batches import LessonBatches
from model.embedded.scene_data import SceneData
from model.generation.candidate_selection import LEAST_VALID
from model.generation.canvas import Canvas, add_noise
from model.generation.conditioning import to_images
from model.networks.codec import ACTION, decode_latents
from model.networks.cpu_attention import PlainAttention
from model.networks.precision import dtype_of
from model.networks.text_encoding import cleaned, encode_text
from model.networks.transformer import TIMESTEPS, clean_from_velocity
from model.training.batches import Batch
from model.training.layouts import OneView

NOTHING_SEEN_PX = 1e9  # distance assigned to points behind the camera


def pointing_accuracy(
    pipeline: Any, shots: SceneData, kind: str = "reach", *, count: int = 96, seed: int = 0, precision: str = "bf16"
) -> dict[str, float]:
    """Measure how accurately one view, in one denoising step from pure noise, points at the motion's target.

    Returns the median distance in px from the last red blob to the projected final tool position, and how often (%)
    this is the nearest of all final positions of motions of this kind in the scene.
    """
    sampling = Sampling(count, kinds=((kind, 1.0),), jitter=0.0)
    batches = _batches(pipeline, shots, sampling, seed)
    choice = batches.choices.draw(np.random.default_rng([seed, 0]))
    layout = OneView(batches.latent_frames, (batches.latent_frames - 1,), without_present=True)
    last = _said(pipeline, batches.encoded(choice, layout), layout, seed, precision)[:, :, -1:]
    video = decode_latents(pipeline.vae, torch.cat([torch.zeros_like(last), last], dim=2), ACTION)
    red = video[:, 0, -1].cpu()
    at = red.flatten(1).argmax(1)
    pointed = torch.stack([at % red.shape[-1], at // red.shape[-1]], dim=1).numpy()
    return _compared(shots, choice, pointed, kind)


def reading_accuracy(
    pipeline: Any,
    shots: SceneData,
    kind: str,
    *,
    views: int = 2,
    count: int = 32,
    seed: int = 0,
    precision: str = "bf16",
) -> dict[str, float]:
    """Measure how accurately whole motions in several views are decoded, in one denoising step from pure noise.

    Returns the fraction decodable (%), and over all motions, undecodable ones counting as infinite errors: the final
    position's error (mm, median), how often it is below 30 mm (%), the error of the lowest height (mm, median); and how
    often the gripper is right (% of decoded frames).
    """
    sampling = Sampling(count, views, kinds=((kind, 1.0),), jitter=0.0)
    batches = _batches(pipeline, shots, sampling, seed)
    choice = batches.choices.draw(np.random.default_rng([seed, 0]))
    canvas = Canvas("policy", views, batches.latent_frames)
    said = _said(pipeline, batches.encoded(choice, None), canvas, seed, precision)
    _, action = canvas.unpack(said)
    assert action is not None
    videos = to_images(decode_latents(pipeline.vae, action, ACTION))
    ends, heights, gripper, readable = [], [], [], []
    for i, motion in enumerate(choice.motions):
        found = _decoded(shots, choice.views[i], int(shots.scene[motion]), videos[i], pipeline.config)
        wanted, openness = shots.base_from_tool[motion][:, :3, 3], shots.openness[motion]
        place = found.trajectory.base_from_tool[:, :3, 3]
        readable.append(found.valid.mean() >= LEAST_VALID)
        known = found.valid.any() and readable[-1]
        last = np.flatnonzero(found.valid)[-1] if known else -1
        ends.append(np.linalg.norm(place[last] - wanted[-1]) if known else np.inf)
        heights.append(abs(np.nanmin(place[:, 2]) - wanted[:, 2].min()) if known else np.inf)
        gripper += list((found.trajectory.openness > 0.5)[found.valid] == (openness > 0.5)[found.valid])
    return {
        "readable_pct": 100.0 * float(np.mean(readable)),
        "end_mm": 1000.0 * float(np.median(ends)),
        "within_30mm_pct": 100.0 * float(np.mean(np.array(ends) < 0.03)),
        "height_mm": 1000.0 * float(np.median(heights)),
        "gripper_pct": 100.0 * float(np.mean(gripper)) if gripper else 0.0,
    }


def _batches(pipeline: Any, shots: SceneData, sampling: Sampling, seed: int) -> LessonBatches:
    seen_px = pipeline.transformer.config.stem_px * pipeline.config.width // pipeline.vae.config.scale_factor_spatial
    return LessonBatches(shots, pipeline.vae, sampling, seed, sigma=pipeline.config.sigma, seen_px=seen_px)


def _decoded(shots: SceneData, views: np.ndarray, scene: int, videos: np.ndarray, config: Any) -> Decoded:
    height, width = shots.size
    cameras = [Camera(f"view {v}", width, height, shots.K[scene, v], shots.base_from_camera[scene, v]) for v in views]
    return decode(videos, cameras, sigma=config.sigma, axis_length=config.axis_length, tolerance=config.tolerance)


@torch.no_grad()
def _said(pipeline: Any, batch: Batch, layout: Canvas | OneView, seed: int, precision: str) -> torch.Tensor:
    """Predict the clean canvas (B, C, F, h, w) from pure noise in one step."""
    clean = layout.pack(batch.rgb, batch.action)
    levels = layout.levels(torch.ones(len(batch), device=clean.device))
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed)).to(clean)
    noisy = add_noise(clean, noise, levels)
    texts = [cleaned(instruction) for instruction in batch.instructions]
    assert batch.camera is not None
    bf16 = precision == "bf16"
    with torch.autocast(clean.device.type, dtype_of(precision), enabled=bf16), PlainAttention():
        text = encode_text(pipeline.tokenizer, pipeline.text_encoder, texts, pipeline.config.max_text_length)
        velocity = pipeline.transformer(
            noisy, TIMESTEPS * levels, text, layout.pack_camera(batch.camera), action_frames=layout.is_action,
            positions=layout.positions(kept=True), pictures=batch.pictures, picture_frames=layout.picture_frames,
            return_dict=False,
        )[0].float()  # fmt: skip
    return clean_from_velocity(noisy, velocity, TIMESTEPS * levels)


def _compared(shots: SceneData, choice: Choice, pointed: np.ndarray, kind: str) -> dict[str, float]:
    kinds, distances, right = np.array(shots.kinds), [], []
    for i, motion in enumerate(choice.motions):
        scene, view = shots.scene[motion], choice.views[i, 0]
        rivals = np.flatnonzero((shots.scene == scene) & (kinds == kind))
        base_from_camera = shots.base_from_camera[scene, view]
        in_camera = (shots.base_from_tool[rivals, -1, :3, 3] - base_from_camera[:3, 3]) @ base_from_camera[:3, :3]
        image = in_camera @ shots.K[scene, view].T
        off = np.linalg.norm(image[:, :2] / image[:, 2:] - pointed[i], axis=1)
        off = np.where(image[:, 2] > 0, off, NOTHING_SEEN_PX)
        distances.append(off[rivals == motion][0])
        right.append(rivals[np.argmin(off)] == motion)
    return {"px": float(np.median(distances)), "right_pct": 100.0 * float(np.mean(right)), "n": float(len(right))}
