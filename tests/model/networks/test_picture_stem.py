"""Convolutional stem on the first images."""

import pytest
import torch
from torch import nn

from model.generation.canvas import Canvas
from model.networks.image_stem import ImageStem
from model.training.layouts import OneFrame, OneView


def stem(patch: int = 1) -> ImageStem:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ImageStem(nn.Conv3d(24, 20, (1, patch, patch), (1, patch, patch)), 16, (8, 8))


@pytest.mark.parametrize("patch", [1, 2])
def test_it_adds_to_the_frames_with_pictures_and_to_nothing_else(patch):
    seeing = stem(patch)
    generator = torch.Generator().manual_seed(1)
    canvas = torch.randn(2, 24, 5, 4 * patch, 4 * patch, generator=generator)
    pictures = torch.rand(2, 2, 3, 64, 64, generator=generator)
    with torch.no_grad():
        plain = seeing(canvas)
        seeing.shown = (pictures, (0, 3))
        assert torch.equal(seeing(canvas), plain)  # its last layer is initialised to zero
        nn.init.normal_(seeing.layers[-1].weight)  # type: ignore[arg-type]
        added = seeing(canvas) - plain
        assert [bool(frame > 1e-3) for frame in added.abs().amax(dim=(0, 1, 3, 4))] == [True, False, False, True, False]
        seeing.shown = (pictures.flip(1), (0, 3))
        assert torch.allclose((seeing(canvas) - plain)[:, :, [3, 0]], added[:, :, [0, 3]], atol=1e-5)


def test_what_is_finer_than_the_video_is_seen():
    """Compare two images that are the same once they are made half as large."""
    seeing = stem()
    flat, chequered = torch.zeros(1, 1, 3, 64, 64), torch.zeros(1, 1, 3, 64, 64)
    chequered[..., ::2, :] += 0.5
    chequered[..., 1::2, :] -= 0.5
    canvas = torch.zeros(1, 24, 1, 4, 4)
    nn.init.normal_(seeing.layers[-1].weight)  # type: ignore[arg-type]
    seen = []
    with torch.no_grad():
        for pictures in (flat, chequered):
            seeing.shown = (pictures, (0,))
            seen.append(seeing(canvas))
    assert not torch.allclose(*seen, atol=1e-2)


def test_where_the_first_pictures_stand_is_known_of_every_canvas():
    assert Canvas("policy", 3, 5).picture_frames == (0, 6, 12)
    assert Canvas("joint", 2, 3).picture_frames == (0, 6)
    assert Canvas("video", 2, 3).picture_frames == (0, 3)
    assert OneView(5, (2, 4), slot=1).picture_frames == OneFrame(5, 2).picture_frames == (0,)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="tokens of 32 px need 3 widths"):
        ImageStem(nn.Conv3d(4, 8, 1), 32, (8, 8))
    seeing = stem()
    seeing.shown = (torch.zeros(1, 1, 3, 32, 32), (0,))
    with pytest.raises(ValueError, match=r"needs \(64, 64\)"):
        seeing(torch.zeros(1, 24, 1, 4, 4))
