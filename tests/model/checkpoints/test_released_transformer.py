"""Published weights load under their own names, and give the network they were trained in."""

import pytest
import torch
from diffusers import WanTransformer3DModel
from diffusers.loaders.single_file_utils import convert_wan_transformer_to_diffusers

from benchmarks.model import reference
from benchmarks.model.layouts import TinyWan, random_tensors, transformer_shapes
from model.checkpoints.released_transformer import from_released
from model.checkpoints.shape_check import NamesDiffer
from model.errors import WeightsError
from model.networks.transformer import ActionImagesTransformer

CONFIG = {"num_attention_heads": 2}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.no_grad():
        yield
    torch.set_num_threads(before)


def canvas(size: TinyWan, frames: int = 6, batch: int = 2):
    """Draw latents (B, C, F, 8, 8), timesteps, text and rays."""
    generator = torch.Generator().manual_seed(1)
    rays = 2 * size.out_channels
    return (
        torch.randn(batch, size.in_channels, frames, 8, 8, generator=generator),
        torch.tensor([731.0, 42.0])[:batch],
        torch.randn(batch, 9, size.text, generator=generator),
        torch.randn(batch, frames, rays, 8, 8, generator=generator),
    )


def test_forward_is_that_of_an_independent_implementation():
    size = TinyWan()
    weights = random_tensors(transformer_shapes(size))
    model = from_released(weights, **CONFIG)
    x, t, text, camera = canvas(size)
    expected = reference.transformer(weights, size.heads, size.pool, x, t, text, camera)
    assert expected.abs().mean() > 0.1
    assert (model(x, t, text, camera).sample - expected).abs().max() <= 1e-4
    other_rays = reference.transformer(weights, size.heads, size.pool, x, t, text, camera.flip(1))
    assert (other_rays - expected).abs().max() > 1e-2  # the camera branch matters


def test_the_release_has_945_tensors_and_all_have_a_place():
    released = TinyWan(width=3072, heads=24, layers=30, ffn=14336, in_channels=48, out_channels=48, text=4096, freq=256,
                       pool=(48, 16, 16))  # fmt: skip
    shapes = transformer_shapes(released)
    assert len(shapes) == 945
    with torch.device("meta"):
        model = from_released({name: torch.empty(shape, dtype=torch.bfloat16) for name, shape in shapes.items()})
    assert sum(p.numel() for p in model.parameters()) == 6_415_549_632
    assert model.config.camera_pool == (48, 16, 16) and model.config.num_attention_heads == 24


@pytest.mark.parametrize("wrapping", ["", "module.", "model.", "pipe.dit."])
def test_bare_wan_is_bare_wan(wrapping):
    size = TinyWan(pool=None)
    weights = random_tensors(transformer_shapes(size))
    model = from_released({wrapping + name: tensor for name, tensor in weights.items()}, **CONFIG)
    bare = WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=24, in_channels=8, out_channels=8, text_dim=24, freq_dim=16,
        ffn_dim=64, num_layers=2,
    )  # fmt: skip
    bare.load_state_dict(convert_wan_transformer_to_diffusers(dict(weights)))
    x, t, text, camera = canvas(size)
    camera = camera.repeat_interleave(2, -1).repeat_interleave(2, -2)  # at least the 16 x 16 that are pooled to
    expected = bare(x, t, text).sample
    assert torch.equal(model(x, t, text).sample, expected)
    assert (model(x, t, text, camera).sample - expected).abs().max() <= 1e-6
    assert (expected - reference.transformer(weights, 2, None, x, t, text)).abs().max() <= 1e-4


def test_an_idle_camera_branch_is_the_initial_one():
    model = from_released(random_tensors(transformer_shapes(TinyWan(pool=None))), **CONFIG)
    fresh = ActionImagesTransformer.from_config(model.config).state_dict()
    camera = [name for name in fresh if "cam_encoder" in name or "projector" in name]
    assert len(camera) == 8
    for name in camera:
        assert torch.equal(model.state_dict()[name], fresh[name]), name


def test_diffusers_names_load_as_well():
    weights = random_tensors(transformer_shapes(TinyWan()))
    one = from_released(weights, **CONFIG)
    two = from_released(one.state_dict(), **CONFIG)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def test_every_name_is_checked_both_ways():
    weights = random_tensors(transformer_shapes(TinyWan()))
    weights["blocks.1.rubbish"] = weights.pop("blocks.1.self_attn.q.bias")
    del weights["head.modulation"]
    weights["blocks.0.ffn.2.bias"] = torch.zeros(3)
    with pytest.raises(NamesDiffer) as error:
        from_released(weights, **CONFIG)
    assert error.value.missing == ["scale_shift_table", "blocks.1.attn1.to_q.bias"]
    assert error.value.unexpected == ["blocks.1.rubbish"]
    assert error.value.misshapen == ["blocks.0.ffn.net.2.bias (3,) instead of (48,)"]
    assert all(name in str(error.value) for name in ("scale_shift_table", "attn1.to_q.bias", "blocks.1.rubbish"))


def test_a_part_of_the_camera_branch_is_not_taken_for_none():
    weights = random_tensors(transformer_shapes(TinyWan()))
    removed = [name for name in weights if "projector" in name]
    for name in removed:
        del weights[name]
    with pytest.raises(NamesDiffer) as error:
        from_released(weights, **CONFIG)
    assert len(error.value.missing) == len(removed) == 4


def test_other_models_and_unknown_heads_are_refused():
    with pytest.raises(WeightsError, match="another kind of model"):
        from_released({"lstm.weight": torch.zeros(3, 3)})
    with pytest.raises(WeightsError, match="another kind of model"):
        from_released({})
    weights = random_tensors(transformer_shapes(TinyWan()))
    with pytest.raises(WeightsError, match="--heads"):
        from_released(weights)
    with pytest.raises(WeightsError, match="--heads"):
        from_released(weights, num_attention_heads=5)


def test_wan21_image_to_video_loads_and_runs():
    """Load the layout of Wan2.1-I2V-14B: conditions as further channels, CLIP features beside 512 tokens of text."""
    size = TinyWan(in_channels=36, out_channels=16, image=20, pool=None)
    weights = random_tensors(transformer_shapes(size))
    model = from_released(weights, **CONFIG)
    assert (model.config.in_channels, model.config.out_channels, model.config.image_dim) == (36, 16, 20)
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(1, 36, 3, 8, 8, generator=generator)
    text = torch.randn(1, 512, size.text, generator=generator)
    image = torch.randn(1, 257, 20, generator=generator)
    t = torch.tensor([300.0])
    got = model(x, t, text, encoder_hidden_states_image=image).sample
    assert got.shape == (1, 16, 3, 8, 8)
    assert (got - reference.transformer(weights, 2, None, x, t, text, image=image)).abs().max() <= 1e-4
