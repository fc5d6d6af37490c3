"""The convolutional look at the first pictures."""

import pytest
import torch
from torch import nn

from model.canvas import Canvas
from model.codec import decode_latents, encode_videos
from model.codec_fitting import fit_linear_codec
from model.linear_codec import RGB
from model.picture_stem import PictureEmbedding, first_pictures
from model.training.layouts import OneView


def stem(channels: int = 24, cell_px: int = 8, patch: int = 1) -> PictureEmbedding:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        embedding = nn.Conv3d(channels, 20, (1, patch, patch), (1, patch, patch))
        return PictureEmbedding(embedding, channels, cell_px, (8, 8, 8)[: (cell_px * patch).bit_length() - 2])


def test_it_begins_with_the_picture_that_the_codec_decodes():
    pictures = torch.rand(4, 3, 1, 32, 48, generator=torch.Generator().manual_seed(0)) * 1.2 - 0.6
    codec = fit_linear_codec({RGB: [pictures]}, z_dim=24)
    seeing = stem()
    seeing.start_from(codec.bases[RGB].first_decoder)  # type: ignore[union-attr, arg-type]
    latents = encode_videos(codec, pictures)
    with torch.no_grad():
        assert torch.allclose(seeing.spread(latents[:, :, 0]), decode_latents(codec, latents)[:, :, 0], atol=1e-5)


@pytest.mark.parametrize("patch", [1, 2])
def test_it_adds_to_first_pictures_and_to_nothing_else(patch):
    seeing = stem(patch=patch)
    canvas = torch.randn(2, 24, 5, 4, 4, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        plain = seeing(canvas)
        seeing.pictures = (canvas, (0, 3))
        assert torch.equal(seeing(canvas), plain)  # its last layer begins at zero
        nn.init.normal_(seeing.layers[-1].weight)  # type: ignore[arg-type]
        added = (seeing(canvas) - plain).abs().amax(dim=(0, 1, 3, 4))
    assert [bool(frame > 1e-3) for frame in added] == [True, False, False, True, False]


def test_first_pictures_are_found_on_every_canvas():
    assert first_pictures(Canvas("policy", 3, 5).is_action) == (0, 6, 12)
    assert first_pictures(Canvas("joint", 2, 3).is_action) == (0, 6)
    assert first_pictures(OneView(5, (2, 4), slot=1).is_action) == (0,)


def test_widths_that_do_not_fit_the_tokens_are_refused():
    with pytest.raises(ValueError, match="tokens of 16 px need 3 widths"):
        PictureEmbedding(nn.Conv3d(4, 8, 1), 4, 16, (8, 8))
