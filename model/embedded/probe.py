"""A quick look at what a lesson has taught, without physics: where does the model point, and is it the right thing?"""

from typing import Any

import numpy as np
import torch

from model.canvas import add_noise
from model.codec import ACTION, decode_latents
from model.cpu_attention import PlainAttention
from model.embedded.choices import Choice, Sampling
from model.embedded.lesson_batches import LessonBatches
from model.embedded.shots import Shots
from model.text import cleaned, encode_text
from model.training.batches import Batch
from model.training.layouts import OneView
from model.training.precision import dtype_of
from model.transformer import TIMESTEPS, clean_from_velocity

NOTHING_SEEN_PX = 1e9  # how far a point behind the camera is from any pixel


def pointing(
    pipeline: Any, shots: Shots, kind: str = "reach", *, count: int = 96, seed: int = 0, precision: str = "bf16"
) -> dict[str, float]:
    """Of one view and nothing but noise in one step: how far (px, median) the last red blob is from where the tool
    should end, and how often (%) this is the nearest of all ends of motions of this kind in the scene."""
    sampling = Sampling(count, kinds=((kind, 1.0),), jitter=0.0)
    batches = LessonBatches(shots, pipeline.vae, sampling, seed, sigma=pipeline.config.sigma)
    choice = batches.choices.draw(np.random.default_rng([seed, 0]))
    layout = OneView(batches.latent_frames, (batches.latent_frames - 1,), without_present=True)
    last = _said(pipeline, batches.encoded(choice, layout), layout, seed, precision)
    video = decode_latents(pipeline.vae, torch.cat([torch.zeros_like(last), last], dim=2), ACTION)
    red = video[:, 0, -1].cpu()
    at = red.flatten(1).argmax(1)
    pointed = torch.stack([at % red.shape[-1], at // red.shape[-1]], dim=1).numpy()
    return _compared(shots, choice, pointed, kind)


@torch.no_grad()
def _said(pipeline: Any, batch: Batch, layout: OneView, seed: int, precision: str) -> torch.Tensor:
    """The last action's clean latents (B, C, 1, h, w), as the model foretells them from noise alone."""
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
            positions=layout.positions(kept=True), return_dict=False,
        )[0].float()  # fmt: skip
    return clean_from_velocity(noisy, velocity, TIMESTEPS * levels)[:, :, -1:]


def _compared(shots: Shots, choice: Choice, pointed: np.ndarray, kind: str) -> dict[str, float]:
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
