"""Reconstruction quality of codecs on videos and action images, and the choice of a codec by it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from foundation.camera import Camera
from foundation.trajectory import Trajectory
from model.action_images.decoding import decode
from model.action_images.rendering import render
from model.networks.codec import ACTION, decode_latents, encode_videos, latent_shape, restore_first_frame

MOVED = 0.05  # of full brightness, in any channel: a pixel that differs more from the first frame has moved


@dataclass(frozen=True)
class Clip:
    """One demonstration clip: rgb (V, T, H, W, 3) uint8, its cameras of that size, and the tool's true trajectory."""

    rgb: np.ndarray
    cameras: Sequence[Camera]
    trajectory: Trajectory


@dataclass(frozen=True)
class RoundTrip:
    """PSNR in dB of all frames, of pixels that moved, of action images; the tool point read from decoded ones, in mm.

    A frame that cannot be decoded counts as infinitely wrong. `values` is the number of latents per clip and view.
    """

    rgb_db: float
    moving_db: float
    restored_db: float
    action_db: float
    tool_median_mm: float
    tool_p95_mm: float
    values: int


@torch.no_grad()
def measure_round_trip(codec: Any, clips: Iterable[Clip]) -> RoundTrip:
    """Measure the round trip of `clips` through encoding and decoding, on the codec's device."""
    errors: dict[str, list[np.ndarray]] = {name: [] for name in ("rgb", "moving", "restored", "action", "tool")}
    values = 0
    for clip in clips:
        true = torch.from_numpy(clip.rgb).to(codec.device).float().movedim(-1, 1) / 127.5 - 1.0
        drawn = render(clip.trajectory, clip.cameras)
        action = torch.from_numpy(drawn).to(codec.device).movedim(-1, 1) * 2.0 - 1.0
        coarse = decode_latents(codec, encode_videos(codec, true)).float()
        restored = restore_first_frame(codec, coarse, true[:, :, 0]).float()
        action_back = decode_latents(codec, encode_videos(codec, action, ACTION), ACTION).float()
        moved = ((true - true[:, :, :1]).abs().amax(dim=1) > 2.0 * MOVED).cpu().numpy()
        squared = ((coarse - true) / 2.0).square().movedim(1, -1).cpu().numpy()
        errors["rgb"].append(squared.ravel())
        errors["moving"].append(squared[moved].ravel())
        errors["restored"].append(((restored - true) / 2.0).square().cpu().numpy().ravel())
        errors["action"].append(((action_back - action) / 2.0).square().cpu().numpy().ravel())
        images = ((action_back.movedim(1, -1) + 1.0) / 2.0).clamp(0.0, 1.0).cpu().numpy()
        errors["tool"].append(_tool_error_mm(images, clip))
        values = int(np.prod(latent_shape(codec, *true.shape[-3:])))
    together = {name: np.concatenate(parts) for name, parts in errors.items()}
    return RoundTrip(
        rgb_db=_decibel(together["rgb"]),
        moving_db=_decibel(together["moving"]),
        restored_db=_decibel(together["restored"]),
        action_db=_decibel(together["action"]),
        tool_median_mm=_percentile(together["tool"], 50),
        tool_p95_mm=_percentile(together["tool"], 95),
        values=values,
    )


def choose_codec(measured: Mapping[str, RoundTrip], *, most_values: int, tool_p95_mm: float = 5.0) -> str:
    """Return the name of the codec that shows motion best among those small enough and exact enough for the arm.

    When none is exact enough, the most exact of the small ones. Raises ValueError when none is small enough.
    """
    small = {name: trip for name, trip in measured.items() if trip.values <= most_values}
    if not small:
        raise ValueError(f"no codec makes do with {most_values} values per view")
    exact = [name for name, trip in small.items() if trip.tool_p95_mm <= tool_p95_mm]
    if exact:
        return max(exact, key=lambda name: small[name].moving_db)
    return min(small, key=lambda name: small[name].tool_p95_mm)


def _tool_error_mm(images: np.ndarray, clip: Clip) -> np.ndarray:
    """Return errors (T,) mm between the true tool points and those read from action images (V, T, H, W, 3)."""
    read = decode(images, clip.cameras, times=clip.trajectory.times).trajectory.base_from_tool[:, :3, 3]
    error = np.linalg.norm(read - clip.trajectory.base_from_tool[:, :3, 3], axis=1) * 1e3
    return np.where(np.isfinite(error), error, np.inf)


def _decibel(squared: np.ndarray) -> float:
    return float(-10.0 * np.log10(max(squared.mean(dtype=float), 1e-20))) if squared.size else float("nan")


def _percentile(values: np.ndarray, percent: float) -> float:
    return float(np.percentile(values, percent, method="higher"))
