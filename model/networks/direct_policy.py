"""Direct policy as a baseline: regression of the motion from images, cameras, instruction and the arm's pose.

It has the world-action model's inputs (the same images, the same rays, the same byte-level text encoder) and predicts
the motion as poses instead of images: a transformer over image patches, text tokens and one query per frame.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from foundation.image_resize import resize_images
from model.networks.text_encoding import byte_encoder, byte_tokenizer, cleaned, encode_text

SEEN = 192  # px of an image's side, as in the world-action model; larger images are downscaled
CELL = 32  # px of an image patch's side
_LONGEST = 64  # bytes of an instruction
_POSITION_SCALE = 0.1  # m, unit of the regressed positions
_LEARNING_RATE, _WARM_UP = 1e-3, 100


@dataclass(frozen=True, eq=False)
class Examples:
    """N inputs and, for training, their targets.

    `rgb` (N, V, H, W, 3) uint8; `K` (N, V, 3, 3) px and `base_from_camera` (N, V, 4, 4) of their cameras; instructions
    (N,); the motions `base_from_tool` (N, T, 4, 4) m and `openness` (N, T), of which only the first frame is an input.
    """

    rgb: np.ndarray
    K: np.ndarray
    base_from_camera: np.ndarray
    instructions: tuple[str, ...]
    base_from_tool: np.ndarray
    openness: np.ndarray

    def __len__(self) -> int:
        return len(self.rgb)


def _nothing(words: str) -> None:
    """Ignore the message."""


class DirectPolicy(nn.Module):
    """Policy that predicts motions of `frames` frames from images of any number of views."""

    def __init__(self, frames: int, width: int = 192, layers: int = 6, heads: int = 6):
        super().__init__()
        self.frames = frames
        self.tokenizer = byte_tokenizer()
        self.text_encoder = byte_encoder()
        self.picture = nn.Sequential(
            nn.Conv2d(3, width // 2, 8, stride=4, padding=2),
            nn.GELU(),
            nn.Conv2d(width // 2, width, 8, stride=8),
        )
        self.ray, self.word = nn.Linear(6, width), nn.Linear(self.text_encoder.config.d_model, width)
        self.pose = nn.Linear(10, width)
        self.queries = nn.Parameter(0.02 * torch.randn(frames, width))
        block = nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True)
        self.body = nn.TransformerEncoder(block, layers, nn.LayerNorm(width), enable_nested_tensor=False)
        self.head = nn.Linear(width, 10)

    def forward(self, examples: Examples) -> torch.Tensor:
        """Predict (N, T, 10): displacement, rotation and gripper of every frame.

        The displacement is from the first position, in _POSITION_SCALE m; the rotation is given by its first two
        columns; the gripper is the logit of being open.
        """
        N, V = examples.rgb.shape[:2]
        height, width = (min(side, SEEN) for side in examples.rgb.shape[2:4])
        shown = resize_images(examples.rgb, width, height)
        pixels = torch.from_numpy(shown).float().permute(0, 1, 4, 2, 3).flatten(0, 1) / 127.5 - 1.0
        cells = self.picture(pixels).flatten(2).transpose(1, 2).unflatten(0, (N, V))
        seen = (cells + self.ray(_rays(examples, width // CELL, height // CELL))).flatten(1, 2)
        texts = [cleaned(text) for text in examples.instructions]
        embedded = encode_text(self.tokenizer, self.text_encoder, texts, _LONGEST)
        words, present = self.word(embedded), self.pose(_numbers(examples)[:, :1])
        unread = torch.zeros(N, seen.shape[1] + _LONGEST + 1 + self.frames, dtype=torch.bool)
        unread[:, seen.shape[1] : seen.shape[1] + _LONGEST] = (embedded == 0).all(dim=-1)
        tokens = torch.cat([seen, words, present, self.queries.expand(N, -1, -1)], dim=1)
        return self.head(self.body(tokens, src_key_padding_mask=unread)[:, -self.frames :])

    @torch.no_grad()
    def motions(self, examples: Examples) -> tuple[np.ndarray, np.ndarray]:
        """Return base_from_tool (N, T, 4, 4) and openness (N, T), the first frame as given."""
        said = self.eval()(examples).double().numpy()
        poses = np.tile(np.eye(4), (*said.shape[:2], 1, 1))
        poses[..., :3, 3] = examples.base_from_tool[:, :1, :3, 3] + _POSITION_SCALE * said[..., :3]
        poses[..., :3, :3] = _rotations(said[..., 3:9])
        poses[:, 0] = examples.base_from_tool[:, 0]
        openness = (said[..., 9] > 0.0).astype(float)
        openness[:, 0] = examples.openness[:, 0]
        return poses, openness


def untrained(frames: int, seed: int = 0, **size: int) -> DirectPolicy:
    """Build an untrained policy, the same for the same seed; `size` as DirectPolicy's."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return DirectPolicy(frames, **size)


def learn(
    regressor: DirectPolicy,
    batches: Iterator[Examples],
    *,
    seconds: float,
    most_steps: int = 1_000_000,
    told: Callable[[str], None] = _nothing,
) -> int:
    """Train for a given time, or number of steps, with a cosine learning rate schedule; return the number of steps."""
    optimiser = torch.optim.AdamW(regressor.parameters(), _LEARNING_RATE, betas=(0.9, 0.95), weight_decay=0.01)
    regressor.train()
    began, step, said = time.monotonic(), 0, 0.0
    while (gone := time.monotonic() - began) < seconds and step < most_steps:
        share = max(gone / seconds, step / most_steps)
        rate = _LEARNING_RATE * min(1.0, (step + 1) / _WARM_UP) * 0.5 * (1.0 + np.cos(np.pi * share))
        for group in optimiser.param_groups:
            group["lr"] = rate
        loss = _loss(regressor, next(batches))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(regressor.parameters(), 1.0)
        optimiser.step()
        step += 1
        if gone - said > 30.0:
            said = gone
            told(f"regressor: {step} steps in {gone:.0f} s, loss {loss.item():.3f}")
    return step


def _loss(regressor: DirectPolicy, examples: Examples) -> torch.Tensor:
    said, wanted = regressor(examples)[:, 1:], _numbers(examples)[:, 1:]
    away = (wanted[..., :3] - _numbers(examples)[:, :1, :3]) / _POSITION_SCALE
    place = functional.smooth_l1_loss(said[..., :3], away, beta=0.1)
    turn = functional.mse_loss(said[..., 3:9], wanted[..., 3:9])
    grip = functional.binary_cross_entropy_with_logits(said[..., 9], wanted[..., 9])
    return place + turn + 0.1 * grip


def _numbers(examples: Examples) -> torch.Tensor:
    """Return (N, T, 10): position in m, the first two columns of the rotation, openness."""
    poses = torch.from_numpy(np.ascontiguousarray(examples.base_from_tool)).float()
    columns = poses[..., :3, :2].transpose(-1, -2).flatten(-2)
    is_open = torch.from_numpy(np.ascontiguousarray(examples.openness)).float()[..., None]
    return torch.cat([poses[..., :3, 3], columns, is_open], dim=-1)


def _rays(examples: Examples, across: int, down: int) -> torch.Tensor:
    """Return origin and direction in base, (N, V, down * across, 6), of the ray through the centre of each patch."""
    height, width = examples.rgb.shape[2:4]
    v, u = np.mgrid[0:down, 0:across] + 0.5
    pixels = np.stack([u.ravel() * width / across - 0.5, v.ravel() * height / down - 0.5, np.ones(u.size)])
    directions = examples.base_from_camera[..., :3, :3] @ np.linalg.inv(examples.K) @ pixels
    directions = directions / np.linalg.norm(directions, axis=-2, keepdims=True)
    origins = np.broadcast_to(examples.base_from_camera[..., :3, 3:], directions.shape)
    return torch.from_numpy(np.concatenate([origins, directions], axis=-2).swapaxes(-1, -2)).float()


def _rotations(columns: np.ndarray) -> np.ndarray:
    """Orthonormalise (..., 6), the first two columns, to rotations (..., 3, 3) by Gram-Schmidt (Zhou et al., 2019)."""
    first = columns[..., :3] / np.linalg.norm(columns[..., :3], axis=-1, keepdims=True)
    second = columns[..., 3:] - (first * columns[..., 3:]).sum(axis=-1, keepdims=True) * first
    second = second / np.linalg.norm(second, axis=-1, keepdims=True)
    return np.stack([first, second, np.cross(first, second)], axis=-1)
