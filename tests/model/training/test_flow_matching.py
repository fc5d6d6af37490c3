"""Training loss against its expected value for networks whose error is known."""

import pytest
import torch
from torch import nn
from training_setup import CHANNELS, TEXT, batch, objective

from model.generation.canvas import MODES, Canvas
from model.training.flow_matching import FlowMatchingObjective
from model.training.layouts import OneFrame, layout_for
from model.training.settings import FlowMatching, NoiseLevels
from model.training.step_rng import StepRng


class Constant(nn.Module):
    """Network that predicts the correct velocity for clean latents equal to `clean` everywhere."""

    def __init__(self, clean: float):
        super().__init__()
        self.clean = nn.Parameter(torch.tensor(clean))
        self.config = {"timestep_per_token": True, "kept_positions": True}
        self.seen: list[tuple] = []

    def forward(
        self, noisy, timestep, text, camera, *, action_frames, positions, pictures, picture_frames, return_dict
    ):
        self.seen.append((noisy.detach(), timestep, text, positions))
        level = (timestep / 1000)[:, None, :, None, None]
        return (torch.where(level > 0, (noisy - self.clean) / level.clamp_min(1e-3), torch.zeros_like(noisy)),)


def teach(clean: float, mode: str, **settings) -> tuple[Constant, FlowMatchingObjective]:
    network = Constant(clean)
    given = {"modes": {mode: 1.0}, "action_dropout": 0.0, "text_dropout": 0.0, "weighting": "x0", **settings}
    return network, FlowMatchingObjective(network, FlowMatching(**given), empty_text=torch.zeros(5, TEXT))


@pytest.mark.parametrize("mode", [*(m for m in MODES if m != "video"), "one_frame"])
def test_who_knows_the_answer_has_no_loss_and_who_is_off_by_a_half_has_a_quarter(mode):
    given = batch()
    same = type(given)(
        *(torch.full_like(v, 0.7) for v in (given.rgb, given.action)), given.camera, given.instructions, given.text
    )
    noise = NoiseLevels(share_at_one=1.0)
    _, right = teach(0.7, mode, noise=noise)
    assert right(same, StepRng(0, 0)).value.item() < 1e-10
    _, wrong = teach(0.2, mode, noise=noise)
    loss = wrong(same, StepRng(0, 0))
    assert loss.value.item() == pytest.approx(0.25, rel=1e-4)
    total, weight = loss.figures[f"{mode}.action_x0_error" if mode != "action_to_video" else f"{mode}.rgb_x0_error"]
    assert (total / weight).item() == pytest.approx(0.25 / 0.49, rel=1e-4)


@pytest.mark.parametrize("mode", MODES)
def test_what_is_given_reaches_the_network_clean_and_untimed(mode):
    network, taught = teach(0.0, mode, noise=NoiseLevels(independent=True))
    given = batch()
    loss = taught(given, StepRng(1, 2))
    canvas = Canvas(mode, 2, 3)
    noisy, timestep, _, positions = network.seen[0]
    clean = canvas.pack(given.rgb, given.action)
    assert torch.equal(noisy[:, :, canvas.clean], clean[:, :, canvas.clean])
    assert not torch.isclose(noisy[:, :, ~canvas.clean], clean[:, :, ~canvas.clean]).any(dim=1).all()
    assert torch.equal(timestep == 0, canvas.clean.expand(4, -1))
    assert positions == canvas.positions(kept=True)
    assert loss.figures["loss"][1] == 4


def test_the_loss_is_the_mean_over_noised_positions_by_hand():
    network, taught = teach(0.0, "joint", noise=NoiseLevels(shift=3.0), weighting="even", action_weight=2.0)
    given = batch()
    value = taught(given, StepRng(5, 0)).value.item()
    timestep = network.seen[0][1]
    canvas = Canvas("joint", 2, 3)
    z = canvas.pack(given.rgb, given.action)
    level = (timestep / 1000)[:, None, :, None, None]
    error = (z / level.clamp_min(1e-9)).square()  # the velocity of "all zero" is off by z / s
    weight = torch.where(canvas.is_action, 2.0, 1.0)[None, None, :, None, None]
    by_hand = (error * weight)[:, :, ~canvas.clean].mean()
    assert value == pytest.approx(by_hand.item(), rel=1e-3)


def test_the_residual_weight_moves_the_loss_to_what_differs_from_the_first_frame():
    given = batch()
    rgb = given.rgb.clone()
    rgb[..., 1:, :, :] = 0.0
    rgb[..., 1:, 0, 0] = 3.0
    moving = type(given)(rgb, given.action, given.camera, given.instructions, given.text)
    noise = NoiseLevels(share_at_one=1.0)
    plain = teach(0.0, "video", noise=noise)[1](moving, StepRng(0, 0)).value
    tilted = teach(0.0, "video", noise=noise, residual_weight=0.5)[1](moving, StepRng(0, 0)).value
    assert plain.item() == pytest.approx(9.0 / 16, rel=1e-4)  # one cell of 16 is wrong by 3
    assert tilted.item() == pytest.approx(9.0 / 16 * (1 + 0.5 * 15), rel=1e-4)


def test_dropped_texts_are_those_of_the_empty_instruction():
    network, taught = teach(0.0, "joint", text_dropout=0.5)
    given = batch(40)
    taught(given, StepRng(0, 0))
    text = network.seen[0][2]
    empty = (text == 0).all(dim=(1, 2))
    assert 8 < empty.sum() < 32
    assert torch.equal(text[~empty], given.text[~empty])


def test_the_first_lesson_is_a_part_of_the_policy_canvas():
    given = batch(frames=5)
    whole, part = Canvas("policy", 1, 5), OneFrame(5, 3)
    columns = [0, 1, 4]
    expected = whole.pack(given.rgb[:, :1], given.action[:, :1])[:, :, columns]
    assert torch.equal(part.pack(given.rgb, given.action), expected)
    assert part.positions(kept=True) == tuple(whole.positions(kept=True)[c] for c in columns)
    assert part.clean.tolist() == [True, True, False]
    assert torch.equal(part.pack_camera(given.camera), whole.pack_camera(given.camera[:, :1])[:, columns])


def test_first_pictures_alone_teach_policies_and_videos_alone_teach_videos():
    given = batch(frames=5)
    pictures = type(given)(given.rgb[:, :, :, :1], given.action, given.camera, given.instructions, given.text)
    assert layout_for("joint", pictures, torch.Generator()) == Canvas("policy", 2, 5)
    videos = type(given)(given.rgb, None, given.camera, given.instructions, given.text)
    assert layout_for("joint", videos, torch.Generator()) == Canvas("video", 2, 5)


def test_every_parameter_is_taught_something():
    """Check over all modes together: a parameter without a gradient is not part of the model."""
    taught = objective(train_text=True)
    given = batch(text=False)
    for step in range(12):
        taught(given, StepRng(0, step)).value.backward()
    idle = [name for name, p in taught.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not idle
    assert given.rgb.shape[2] == CHANNELS
