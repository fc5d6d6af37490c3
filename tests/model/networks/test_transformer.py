"""Transformer: bare Wan's output with an idle camera branch, and the effect of each configuration value."""

import pytest
import torch
from diffusers import WanTransformer3DModel

from model.generation.canvas import Canvas
from model.networks.sizes import EMBEDDED, FULL_SIZE_PARAMETERS, TINY, WAN22_TI2V_5B
from model.networks.transformer import ActionImagesTransformer, clean_from_velocity, velocity_from_clean

BARE = {name: value for name, value in TINY.items() if not name.startswith("camera")}
SMALL = {**EMBEDDED, "num_attention_heads": 2, "attention_head_dim": 32, "num_layers": 2, "in_channels": 8}
SMALL |= {"out_channels": 8, "text_dim": 16, "ffn_dim": 64, "freq_dim": 32}


def transformer(**config) -> ActionImagesTransformer:
    torch.manual_seed(0)
    return ActionImagesTransformer(**config).eval()


def busy_camera(model: ActionImagesTransformer) -> ActionImagesTransformer:
    for block in model.blocks:
        torch.nn.init.normal_(block.attn1.cam_encoder.weight, std=0.1)
    return model


def inputs(canvas: Canvas, channels: int = 16, text: int = 32, camera: int = 32, size=(8, 12)):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, channels, canvas.frames, *size, generator=generator)
    words = torch.randn(2, 7, text, generator=generator)
    rays = torch.randn(2, canvas.frames, camera, *size, generator=generator)
    return x, words, rays


@torch.no_grad()
def forward(model, x, t, words, camera, **more):
    return model(x, t, words, camera, **more).sample


def test_full_size_parameters():
    with torch.device("meta"):
        model = ActionImagesTransformer(**WAN22_TI2V_5B)
    assert sum(p.numel() for p in model.parameters()) == FULL_SIZE_PARAMETERS == 6_415_549_632
    branch = sum(p.numel() for n, p in model.named_parameters() if "cam_encoder" in n or "projector" in n)
    assert branch == 1_415_761_920


@pytest.mark.parametrize("views", [2, 3, 4])
def test_bare_weights_give_bare_output(views):
    model = transformer(**TINY)
    torch.manual_seed(3)
    bare = WanTransformer3DModel(**BARE).eval()
    missing, unexpected = model.load_state_dict(bare.state_dict(), strict=False)
    assert not unexpected and all("cam_encoder" in name or "projector" in name for name in missing)
    canvas = Canvas("joint", views, 3)
    x, words, rays = inputs(canvas)
    t = torch.tensor([900.0, 30.0])
    with torch.no_grad():
        expected = bare(x, t, words).sample
    torch.testing.assert_close(forward(model, x, t, words, rays), expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(forward(model, x, t, words, None), expected, atol=1e-6, rtol=0)
    with torch.no_grad():  # per frame as per token in diffusers
        per_frame = torch.rand(2, canvas.frames) * 1000
        expected = bare(x, per_frame.repeat_interleave(4 * 6, dim=1), words).sample
    torch.testing.assert_close(forward(model, x, per_frame, words, rays), expected, atol=1e-5, rtol=0)


def test_the_same_timestep_everywhere_is_one_timestep():
    model = busy_camera(transformer(**TINY))
    x, words, rays = inputs(Canvas("joint", 2, 2))
    once = forward(model, x, torch.tensor([500.0, 20.0]), words, rays)
    everywhere = torch.tensor([500.0, 20.0])[:, None].expand(-1, x.shape[2])
    torch.testing.assert_close(forward(model, x, everywhere, words, rays), once, atol=1e-5, rtol=0)


@pytest.mark.parametrize("camera", ["pooled", "per_token"])
def test_the_camera_of_one_frame_is_seen(camera):
    model = busy_camera(transformer(**{**TINY, "camera": camera}))
    x, words, rays = inputs(Canvas("joint", 2, 2))
    t = torch.tensor([500.0, 500.0])
    before = forward(model, x, t, words, rays)
    swapped = rays[:, [0, 1, 2, 5, 4, 3, 6, 7]]
    assert (forward(model, x, t, words, swapped) - before).abs().max() > 1e-2  # it matters whose rays they are
    assert (forward(model, x, t, words, torch.zeros_like(rays)) == forward(model, x, t, words, None)).all()


def test_per_token_rays_reach_their_own_token():
    model = transformer(**{**TINY, "camera": "per_token", "num_layers": 1})
    features = model.camera_features(torch.arange(2 * 32 * 8 * 12.0).reshape(1, 2, 32, 8, 12), torch.zeros(1))
    assert features.shape == (1, 2 * 4 * 6, 128)
    cells = torch.arange(2 * 32 * 8 * 12.0).reshape(2, 32, 8, 12)[1, :, 2:4, 4:6]  # second frame, row 1, column 2
    assert torch.equal(features[0, 24 + 1 * 6 + 2], cells.reshape(-1))


def test_positions():
    model = transformer(**TINY)
    x, words, rays = inputs(Canvas("policy", 2, 3))
    t = torch.tensor([500.0, 500.0])
    usual = forward(model, x, t, words, rays)
    same = forward(model, x, t, words, rays, positions=tuple(range(x.shape[2])))
    later = forward(model, x, t, words, rays, positions=tuple(range(7, 7 + x.shape[2])))
    kept = forward(model, x, t, words, rays, positions=Canvas("policy", 2, 3).positions(kept=True))
    torch.testing.assert_close(same, usual)
    torch.testing.assert_close(later, usual, atol=1e-5, rtol=0)  # only differences between positions count
    assert (kept - usual).abs().max() > 1e-3


def test_x0_prediction_is_a_velocity_outside():
    model = transformer(**{**SMALL, "segment_layers": False})
    canvas = Canvas("joint", 2, 2)
    x, words, rays = inputs(canvas, 8, 16, 6)
    levels = canvas.levels(torch.tensor([1.0, 0.4]), torch.tensor([0.7, 0.1]))
    velocity = forward(model, x, 1000 * levels, words, rays)
    model.register_to_config(prediction="velocity")
    clean = forward(model, x, 1000 * levels, words, rays)  # the bare last layer
    open_ = levels > 0
    got = clean_from_velocity(x, velocity, 1000 * levels)
    for sample in range(2):
        frames = open_[sample]
        torch.testing.assert_close(got[sample, :, frames], clean[sample, :, frames], atol=1e-5, rtol=0)
        assert velocity[sample, :, ~frames].abs().max() == 0
    z, eps, s = torch.randn(1, 2, 3, 2, 2), torch.randn(1, 2, 3, 2, 2), 0.3
    noisy = (1 - s) * z + s * eps
    torch.testing.assert_close(velocity_from_clean(noisy, z, torch.tensor([1000 * s])), eps - z, atol=1e-5, rtol=0)


def test_segments_have_layers_of_their_own():
    model = transformer(**{**SMALL, "prediction": "velocity"})
    canvas = Canvas("joint", 2, 2)
    x, words, rays = inputs(canvas, 8, 16, 6)
    t = 1000 * canvas.levels(torch.ones(2))
    before = forward(model, x, t, words, rays, action_frames=canvas.is_action)
    assert before.shape == x.shape
    with torch.no_grad():
        bias = model.proj_out.bias.unflatten(0, (4, -1))  # per position in a patch: rgb channels, then action's
        bias[:, 8:] += 1.0
    after = forward(model, x, t, words, rays, action_frames=canvas.is_action)
    assert torch.equal(after[:, :, ~canvas.is_action], before[:, :, ~canvas.is_action])
    torch.testing.assert_close(after[:, :, canvas.is_action], before[:, :, canvas.is_action] + 1.0)
    with pytest.raises(ValueError, match="action_frames"):
        forward(model, x, t, words, rays)


def test_gradients_reach_every_parameter():
    canvas = Canvas("joint", 2, 2)
    for config, channels, text, camera in ((TINY, 16, 32, 32), (SMALL, 8, 16, 6)):
        model = busy_camera(transformer(**config)).train()
        model.enable_gradient_checkpointing()
        x, words, rays = inputs(canvas, channels, text, camera)
        t = 1000 * canvas.levels(torch.tensor([0.5, 1.0]))
        t = t if model.config.timestep_per_token else t.amax(dim=1)
        model(x, t, words, rays, action_frames=canvas.is_action).sample.square().mean().backward()
        without = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
        # A bias of the keys moves all of a query's scores alike, until the keys are normalised.
        assert not [name for name in without if "to_k.bias" not in name]


def test_configuration_survives_saving(tmp_path):
    model = busy_camera(transformer(**SMALL))
    model.save_pretrained(tmp_path)
    again = ActionImagesTransformer.from_pretrained(tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), again.state_dict().values(), strict=True))
    copied = ActionImagesTransformer.from_config(model.config)
    for name, value in SMALL.items():
        assert copied.config[name] == value or list(copied.config[name]) == list(value)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"camera": "none"}, "camera must"), ({"prediction": "noise"}, "prediction must"), ({"two_stage": True}, "needs")],
)
def test_what_is_no_configuration(wrong, said):
    with pytest.raises(ValueError, match=said):
        ActionImagesTransformer(**{**TINY, **wrong})
