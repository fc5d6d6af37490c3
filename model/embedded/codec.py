"""The embedded model's codec: principal components of its own training images."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from model.action_images.rendering_torch import render_torch
from model.embedded.scene_data import SceneData
from model.networks.codec_fitting import fit_linear_codec
from model.networks.linear_codec import ACTION, KINDS, RGB, LinearCodec

# RGB is only conditioned on, so small components may be amplified; of the actions, small components are barely
# predictable and would dominate the loss.
WHITENING = {RGB: 0.8, ACTION: 0.5}
LATER_WHITENING = {RGB: 0.5}  # later frames are predicted, like the actions
_AT_ONCE = 64


def fit_codec(
    first: SceneData, *, z_dim: int, cell_px: int, sigma: float, most: int = 1500, seed: int = 0
) -> LinearCodec:
    """Fit the codec to the images and action images of `first`."""
    generator = np.random.default_rng([seed, 0xC0DE])
    rgb = _first_pictures(first, generator, most)
    codec = fit_linear_codec(
        {RGB: rgb, ACTION: _action_videos(first, generator, most // 5, sigma)},
        z_dim=z_dim, spatial=cell_px, whitening=WHITENING,
    )  # fmt: skip
    assert set(codec.bases) == set(KINDS)
    return codec


def add_videos(codec: LinearCodec, episodes: SceneData, *, most: int = 1500, seed: int = 0) -> None:
    """Add the components of the later frames of `episodes` to the codec.

    Its existing components stay, so that episodes can be added after earlier lessons without changing what was learnt.
    """
    config: Any = codec.config
    moving = fit_linear_codec(
        {RGB: _videos(episodes, np.random.default_rng([seed, 0xC0DE, 1]), most)},
        z_dim=config["z_dim"], spatial=config["scale_factor_spatial"], whitening=LATER_WHITENING,
    )  # fmt: skip
    for name in ("later_encoder", "later_decoder"):
        getattr(codec.bases[RGB], name).load_state_dict(getattr(moving.bases[RGB], name).state_dict())


def _first_pictures(shots: SceneData, generator: np.random.Generator, most: int) -> Iterator[torch.Tensor]:
    pictures = shots.rgb[:, :, 0].reshape(-1, *shots.rgb.shape[3:])
    chosen = generator.permutation(len(pictures))[:most]
    for at in range(0, len(chosen), _AT_ONCE):
        yield _tensor(pictures[np.sort(chosen[at : at + _AT_ONCE])])[:, :, None]


def _videos(shots: SceneData, generator: np.random.Generator, most: int) -> Iterator[torch.Tensor]:
    videos = shots.rgb.reshape(-1, *shots.rgb.shape[2:])
    chosen = generator.permutation(len(videos))[:most]
    for one in chosen:
        yield _tensor(videos[one]).movedim(1, 0)[None]


def _action_videos(shots: SceneData, generator: np.random.Generator, most: int, sigma: float) -> Iterator[torch.Tensor]:
    chosen = generator.permutation(len(shots))[:most]
    views = generator.integers(shots.views, size=len(chosen))
    for at in range(0, len(chosen), 8):
        some, view = chosen[at : at + 8], views[at : at + 8]
        K, camera = (
            torch.from_numpy(array[shots.scene[some], view]).float()[:, None]
            for array in (shots.K, shots.base_from_camera)
        )
        tools, openness = (torch.from_numpy(a[some]).float() for a in (shots.base_from_tool, shots.openness))
        images = render_torch(tools, openness, K, camera, shots.size, sigma=sigma)[:, 0]
        yield images.movedim(-1, 1) * 2.0 - 1.0


def _tensor(pictures: np.ndarray) -> torch.Tensor:
    """Convert (n, H, W, 3) uint8 to (n, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(pictures).float().movedim(-1, 1) / 127.5 - 1.0
