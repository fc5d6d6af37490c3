"""A quick look at what a lesson has taught, without physics: where does the model point, and is it the right thing?"""

from typing import Any

import numpy as np
import torch

from model.canvas import add_noise
from model.codec import ACTION, decode_latents
from model.cpu_attention import PlainAttention
from model.embedded.lesson_batches import LessonBatches, Sampling
from model.embedded.shots import Shots
from model.text import cleaned, encode_text
from model.training.layouts import OneView
from model.transformer import TIMESTEPS


@torch.no_grad()
def pointing(
    pipeline: Any, shots: Shots, kind: str = "reach", *, count: int = 96, seed: int = 0, precision: str = "bf16"
) -> dict[str, float]:
    """Of one view and nothing but noise in one step: how far (px, median) the last red blob is from where the tool
    should end, and how often (%) this is the nearest of all ends of motions of this kind in the scene."""
    codec, transformer, sigma = pipeline.vae, pipeline.transformer, pipeline.config.sigma
    batches = LessonBatches(shots, codec, Sampling(count, kinds=((kind, 1.0),), jitter=0.0), seed, sigma=sigma)
    generator = np.random.default_rng([seed, 0])
    motions, views, _, _ = batches._draw(generator)
    K, cameras = (a[shots.scene[motions], views[:, 0]] for a in (shots.K, shots.base_from_camera))
    last = 1 + (shots.frames - 1) // 4 - 1
    layout = OneView(last + 1, (last,), 0, True)
    tensors = torch.from_numpy(K).float()[:, None], torch.from_numpy(cameras).float()[:, None]
    rgb = batches._rgb(shots.scene[motions][:, None], views, np.ones((count, 1, 3)))
    action = batches._action(motions, *tensors, layout)
    clean = layout.pack(rgb, action)
    levels = layout.levels(torch.ones(count))
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))
    noisy = add_noise(clean, noise, levels)
    texts = [cleaned(shots.instructions[m][0]) for m in motions]
    camera = layout.pack_camera(batches._rays(*tensors))
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"), PlainAttention():
        text = encode_text(pipeline.tokenizer, pipeline.text_encoder, texts, pipeline.config.max_text_length)
        velocity = transformer(
            noisy, TIMESTEPS * levels, text, camera, action_frames=layout.is_action,
            positions=layout.positions(True), return_dict=False,
        )[0].float()  # fmt: skip
    found = (noisy - velocity)[:, :, -1:]
    video = decode_latents(codec, torch.cat([torch.zeros_like(found), found], dim=2), ACTION)
    red = video[:, 0, -1]
    at = red.flatten(1).argmax(1)
    pointed = torch.stack([at % red.shape[-1], at // red.shape[-1]], dim=1).numpy()
    return _compare(shots, motions, K, cameras, pointed, kind)


def _compare(
    shots: Shots, motions: np.ndarray, K: np.ndarray, cameras: np.ndarray, pointed: np.ndarray, kind: str
) -> dict[str, float]:
    kinds, distances, right = np.array(shots.kinds), [], []
    for i, motion in enumerate(motions):
        rivals = np.flatnonzero((shots.scene == shots.scene[motion]) & (kinds == kind))
        ends = shots.base_from_tool[rivals, -1, :3, 3]
        in_camera = (ends - cameras[i][:3, 3]) @ cameras[i][:3, :3]
        image = in_camera @ K[i].T
        off = np.linalg.norm(image[:, :2] / image[:, 2:] - pointed[i], axis=1)
        distances.append(off[rivals == motion][0])
        right.append(rivals[np.argmin(off)] == motion)
    return {"px": float(np.median(distances)), "right_pct": 100.0 * float(np.mean(right)), "n": float(len(motions))}
