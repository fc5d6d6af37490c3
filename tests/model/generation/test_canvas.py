"""Canvas: every mode's layout and mask as in the published table, and exact packing."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.generation.canvas import MODES, Canvas, absolute_from_still, add_noise, over_canvas, relative_to_still

modes = st.sampled_from(MODES)
views = st.integers(2, 4)
latent_frames = st.integers(1, 5)


def latents(canvas: Canvas, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shape = (2, canvas.views, 3, canvas.latent_frames, 2, 4)
    return torch.randn(shape, generator=generator), torch.randn(shape, generator=generator)


def test_the_release_canvas():
    canvas = Canvas("joint", 2, 11)
    assert [(s.kind, s.view, s.start) for s in canvas.segments] == [
        ("rgb", 0, 0),
        ("action", 0, 11),
        ("rgb", 1, 22),
        ("action", 1, 33),
    ]
    assert canvas.frames == 44 and canvas.frames * 16 * 16 == 11_264  # tokens of 512 x 512 px
    assert canvas.positions() == tuple(range(44))
    policy = Canvas("policy", 2, 11)
    assert policy.frames == 24
    assert policy.positions() == tuple(range(24))
    assert policy.positions(kept=True) == (0, *range(11, 22), 22, *range(33, 44))


# What each mode leaves clean of one view's rgb and action, besides the first latent frame of each (the table of the
# paper and its release): (rgb of view 0, rgb of other views, action); None where there is no such segment.
TABLE = {
    "joint": (False, False, False),
    "action_to_video": (False, False, True),
    "video_to_action": (True, True, False),
    "view_transfer": (True, False, False),
    "video": (False, False, None),
    "policy": (False, False, False),
}


@given(modes, views, st.integers(2, 5))
def test_masks_as_the_table_says(mode, V, T):
    canvas = Canvas(mode, V, T)
    first_rgb, other_rgb, action = TABLE[mode]
    expected, kinds = [], []
    for view in range(V):
        rgb_frames = 1 if mode == "policy" else T
        rgb = first_rgb if view == 0 else other_rgb
        expected += [True] + [rgb] * (rgb_frames - 1)
        kinds += [False] * rgb_frames
        if action is not None:
            expected += [True] + [action] * (T - 1)
            kinds += [True] * T
    assert canvas.clean.tolist() == expected
    assert canvas.is_action.tolist() == kinds
    assert canvas.frames == len(expected) == len(canvas.positions()) == len(canvas.positions(kept=True))


@given(modes, views, latent_frames)
def test_unpacking_is_the_inverse_of_packing(mode, V, T):
    canvas = Canvas(mode, V, T)
    rgb, action = latents(canvas)
    packed = canvas.pack(rgb, None if mode == "video" else action)
    assert packed.shape == (2, 3, canvas.frames, 2, 4)
    rgb_back, action_back = canvas.unpack(packed)
    assert torch.equal(rgb_back, rgb[:, :, :, :1] if mode == "policy" else rgb)
    assert action_back is None if mode == "video" else torch.equal(action_back, action)


@given(modes, views, latent_frames)
def test_both_segments_of_a_view_have_its_camera(mode, V, T):
    canvas = Canvas(mode, V, T)
    camera = torch.arange(V * T, dtype=torch.float32).reshape(1, V, T, 1, 1, 1)
    packed = canvas.pack_camera(camera)[0, :, 0, 0, 0].tolist()
    assert packed == [s.view * T + t for s in canvas.segments for t in range(s.frames)]


@given(modes, views, latent_frames, st.floats(0.01, 1.0), st.floats(0.01, 1.0))
def test_noise_spares_what_is_given(mode, V, T, rgb_level, action_level):
    canvas = Canvas(mode, V, T)
    rgb, action = latents(canvas)
    clean = canvas.pack(rgb, action)
    levels = canvas.levels(torch.full((2,), rgb_level), torch.full((2,), action_level))
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    noisy = add_noise(clean, noise, levels)
    assert torch.equal(noisy[:, :, canvas.clean], clean[:, :, canvas.clean])
    for kind, level in ((False, rgb_level), (True, action_level)):
        frames = ~canvas.clean & (canvas.is_action == kind)
        assert torch.equal(levels[:, frames], torch.full((2, int(frames.sum())), level))
        expected = (1 - level) * clean[:, :, frames] + level * noise[:, :, frames]
        torch.testing.assert_close(noisy[:, :, frames], expected)


def test_one_level_for_all():
    canvas = Canvas("joint", 2, 3)
    levels = canvas.levels(torch.tensor([0.25, 1.0]))
    assert levels.shape == (2, 12)
    assert torch.equal(levels[1], (~canvas.clean).float())


def test_relative_to_a_still_video():
    rgb, still = torch.randn(1, 2, 3, 4, 2, 2), torch.randn(1, 2, 3, 4, 2, 2)
    relative = relative_to_still(rgb, still)
    assert torch.equal(relative[..., 0, :, :], rgb[..., 0, :, :])
    torch.testing.assert_close(absolute_from_still(relative, still), rgb)
    assert relative_to_still(still, still)[..., 1:, :, :].abs().max() == 0


def test_what_is_no_canvas():
    with pytest.raises(ValueError, match="no mode 'dream'"):
        Canvas("dream", 2, 3)
    with pytest.raises(ValueError, match="needs views and frames"):
        Canvas("joint", 0, 3)
    canvas = Canvas("joint", 2, 3)
    rgb, action = latents(canvas)
    with pytest.raises(ValueError, match="needs action"):
        canvas.pack(rgb, None)
    with pytest.raises(ValueError, match="needs rgb"):
        canvas.pack(rgb[:, :, :, :1], action)
    with pytest.raises(ValueError, match="needs rgb"):
        canvas.pack(rgb[:, :1], action)


def test_broadcasting_over_a_canvas():
    assert over_canvas(torch.ones(5)).shape == (1, 1, 5, 1, 1)
    assert over_canvas(torch.ones(2, 5)).shape == (2, 1, 5, 1, 1)
