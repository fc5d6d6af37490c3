"""Latents and embeddings are computed once, and again when any of their inputs change."""

import pytest
import torch

from model.errors import ModelError
from model.networks.codec import encode_videos
from model.networks.linear_codec import LinearCodec
from model.training.cache import TensorCache, fingerprint


def test_what_was_computed_once_is_read_the_second_time(tmp_path):
    torch.manual_seed(0)
    codec, videos = LinearCodec(z_dim=6, scale_factor_spatial=4), torch.randn(2, 3, 5, 8, 8)
    computed = []

    def latents() -> dict[str, torch.Tensor]:
        computed.append(1)
        return {"rgb": encode_videos(codec, videos)}

    cache = TensorCache(tmp_path)
    first = cache.get(fingerprint(codec, videos), latents)
    again = TensorCache(tmp_path).get(fingerprint(codec, videos), latents)
    assert torch.equal(first["rgb"], again["rgb"])
    assert len(computed) == 1
    with torch.no_grad():
        next(codec.parameters()).add_(1e-3)
    cache.get(fingerprint(codec, videos), latents)
    assert len(computed) == 2


def test_a_damaged_entry_is_computed_again(tmp_path):
    cache, key = TensorCache(tmp_path), fingerprint("text", 1)
    cache.get(key, lambda: {"x": torch.ones(3)})
    (file,) = tmp_path.rglob("*.safetensors")
    file.write_bytes(file.read_bytes()[:-4])
    assert torch.equal(cache.get(key, lambda: {"x": torch.zeros(3)})["x"], torch.zeros(3))
    assert torch.equal(cache.get(key, lambda: {"x": torch.ones(3)})["x"], torch.zeros(3))


def test_a_cache_that_cannot_be_written_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="cannot be written"):
        TensorCache(tmp_path / "file").get(fingerprint(1), lambda: {"x": torch.ones(1)})


@pytest.mark.parametrize(
    "one, other",
    [
        ((1, 2), (2, 1)),
        (("1",), (1,)),
        ((torch.zeros(2, 3),), (torch.zeros(3, 2),)),
        ((torch.zeros(2),), (torch.zeros(2).double(),)),
        (("ab", "c"), ("a", "bc")),
    ],
)
def test_different_things_have_different_fingerprints(one, other):
    assert fingerprint(*one) == fingerprint(*one)
    assert fingerprint(*one) != fingerprint(*other)
