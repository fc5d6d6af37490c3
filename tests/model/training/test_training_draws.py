"""Random draws of training: the documented distributions, for any number of processes."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from model.errors import ModelError
from model.training.flow_matching import level_weight
from model.training.settings import RELEASE_MODES, FlowMatching, NoiseLevels, TrainingSettings
from model.training.step_rng import StepRng, draw_levels, draw_mode, draw_noise, sample_generators, shared_generator


@pytest.mark.parametrize("shift", [1.0, 5.0])
def test_levels_follow_the_shifted_uniform_distribution(shift):
    generators = sample_generators(StepRng(0, 0), 3000)
    _, levels = draw_levels(NoiseLevels(shift=shift), generators)
    assert levels.min() > 0
    # s = shift u / (1 + (shift - 1) u), so u = s / (shift - (shift - 1) s)
    u = levels / (shift - (shift - 1) * levels)
    assert kstest(u.numpy(), "uniform").pvalue > 0.01


def test_shares_at_pure_noise_and_independence():
    generators = sample_generators(StepRng(0, 0), 4000)
    settings = NoiseLevels(share_at_one=0.4, independent=True, rgb_share_at_one=0.85)
    rgb, action = draw_levels(settings, generators)
    assert (action == 1).double().mean() == pytest.approx(0.4, abs=0.03)
    assert (rgb == 1).double().mean() == pytest.approx(0.85, abs=0.03)
    both = (rgb == 1) & (action == 1)
    assert both.double().mean() == pytest.approx(0.34, abs=0.03)
    rgb, action = draw_levels(NoiseLevels(share_at_one=0.4), sample_generators(StepRng(0, 0), 10))
    assert torch.equal(rgb, action)


def test_a_sample_draws_the_same_in_any_division_of_the_batch():
    shape = torch.Size([8, 3, 2])
    whole = draw_noise(shape, sample_generators(StepRng(3, 7), 8))
    halves = [draw_noise(torch.Size([4, 3, 2]), sample_generators(StepRng(3, 7, first), 4)) for first in (0, 4)]
    assert torch.equal(whole, torch.cat(halves))
    for other in (StepRng(4, 7), StepRng(3, 8)):
        assert not torch.isclose(whole, draw_noise(shape, sample_generators(other, 8))).any()
    rows = whole.flatten(1)
    assert len({tuple(row.tolist()) for row in rows}) == 8


def test_modes_come_as_often_as_their_weights_say():
    settings = FlowMatching(modes=RELEASE_MODES, action_dropout=0.1)
    drawn = [draw_mode(settings, shared_generator(StepRng(0, step))) for step in range(3000)]
    share = {mode: drawn.count(mode) / len(drawn) for mode in set(drawn)}
    assert share["video"] == pytest.approx(0.1, abs=0.02)
    for mode, weight in RELEASE_MODES.items():
        assert share[mode] == pytest.approx(0.9 * weight / sum(RELEASE_MODES.values()), abs=0.03)


def test_the_bell_has_mean_one_and_its_top_in_the_middle():
    levels = torch.linspace(0, 1, 100_001, dtype=torch.float64)
    bell = level_weight(levels, "bell")
    assert bell.mean() == pytest.approx(1.0, abs=1e-4)
    assert levels[bell.argmax()].item() == pytest.approx(0.5, abs=1e-4)
    assert bell.min() == pytest.approx(0.0, abs=1e-9)
    x0 = level_weight(levels, "x0")
    assert torch.allclose(x0[levels > 0.3], torch.ones(1, dtype=torch.float64))
    assert x0[15_000] == pytest.approx(0.25)


def test_the_learning_rate_warms_up_and_falls_along_a_cosine():
    settings = TrainingSettings(steps=110, learning_rate=1.0, warmup=10, final_rate=0.1)
    rates = np.array([settings.rate(step) for step in range(110)])
    assert np.allclose(rates[:10], np.arange(1, 11) / 10)
    assert rates[60] == pytest.approx(0.55)
    assert rates[-1] == pytest.approx(0.1, abs=1e-3)
    assert TrainingSettings.from_dict({**settings.to_dict(), "from_the_future": 1}) == settings


@pytest.mark.parametrize(
    "make",
    [
        lambda: FlowMatching(modes={"dance": 1.0}),
        lambda: FlowMatching(modes={"joint": 0.0}),
        lambda: FlowMatching(weighting="heavy"),
        lambda: TrainingSettings(steps=0),
        lambda: TrainingSettings(steps=1, optimiser="sgd"),
        lambda: TrainingSettings(steps=1, precision="int8"),
    ],
)
def test_settings_that_make_no_sense_are_explained(make):
    with pytest.raises(ModelError):
        make()
