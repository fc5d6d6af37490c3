"""Denoising: given latents stay bit for bit, stages, guidance, reuse; against flows whose end is known."""

from types import SimpleNamespace

import pytest
import torch

from model.generation.canvas import MODES, Canvas, add_noise
from model.generation.sampling import Conditions, Predictor, Reuse, denoise, stages
from model.generation.untrained import euler, unipc


class KnownFlow:
    """Transformer that knows the end: its velocities lead from any noise straight to `target` (B, C, F, h, w).

    With guidance it predicts `target` with the text, and 0 without it.
    """

    dtype = torch.float32

    def __init__(self, target: torch.Tensor, per_token: bool):
        self.target = target
        self.config = SimpleNamespace(timestep_per_token=per_token, kept_positions=False)
        self.timesteps: list[torch.Tensor] = []

    def __call__(self, x, timestep, text, camera, **_):
        self.timesteps.append(timestep)
        level = timestep.reshape(len(x), 1, -1, 1, 1) / 1000
        towards = self.target * (text.mean() > 0.5)
        return (torch.where(level > 0, (x - towards) / level.clamp(min=1e-6), torch.zeros_like(x)),)


def problem(mode: str, views: int, per_token: bool, latent_frames: int = 3):
    canvas = Canvas(mode, views, latent_frames)
    generator = torch.Generator().manual_seed(0)
    given, noise, target = (torch.randn(1, 2, canvas.frames, 2, 2, generator=generator) for _ in range(3))
    start = add_noise(given, noise, canvas.levels(torch.ones(1)))
    text = torch.ones(1, 1, 1)
    return (
        canvas,
        start,
        KnownFlow(target, per_token),
        Conditions(text, 0 * text, torch.zeros(1, canvas.frames, 1, 2, 2)),
    )


@pytest.mark.parametrize("views", [2, 3, 4])
@pytest.mark.parametrize("two_stage", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_given_frames_stay_bit_equal_and_the_others_arrive(mode, two_stage, views):
    canvas, start, flow, conditions = problem(mode, views, per_token=True)
    plan = [(stage, 4) for stage in stages(canvas, two_stage)]
    states = list(denoise(Predictor(flow, canvas, conditions), euler(), start, plan))
    assert [state.done for state in states] == list(range(1, states[-1].total + 1))
    for state in states:
        assert torch.equal(state.latents[:, :, canvas.clean], start[:, :, canvas.clean])
        assert torch.equal(state.clean[:, :, canvas.clean], start[:, :, canvas.clean])
    open_ = ~canvas.clean
    torch.testing.assert_close(states[-1].latents[:, :, open_], flow.target[:, :, open_], atol=1e-4, rtol=0)


def test_two_stages_first_the_action_then_the_video():
    canvas, start, flow, conditions = problem("joint", 2, per_token=True)
    plan = [(stage, 2) for stage in stages(canvas, True)]
    assert [stage.name for stage, _ in plan] == ["action", "video"]
    states = list(denoise(Predictor(flow, canvas, conditions), euler(), start, plan))
    rgb, action = ~canvas.clean & ~canvas.is_action, ~canvas.clean & canvas.is_action
    after_action = states[1].latents
    assert torch.equal(after_action[:, :, rgb], start[:, :, rgb])  # still the same noise
    torch.testing.assert_close(after_action[:, :, action], flow.target[:, :, action], atol=1e-4, rtol=0)
    assert torch.equal(states[-1].latents[:, :, action], after_action[:, :, action])
    first, last = flow.timesteps[0][0], flow.timesteps[-1][0]
    assert set(first[rgb].tolist()) == {1000.0} and set(first[action].tolist()) == {1000.0}
    assert set(flow.timesteps[1][0][rgb].tolist()) == {1000.0}
    assert set(last[action].tolist()) == {0.0} and 0 < last[rgb][0] < 1000
    assert set(first[canvas.clean].tolist()) == {0.0}


@pytest.mark.parametrize(
    ("mode", "names"),
    [("policy", ["action"]), ("action_to_video", ["video"]), ("video", ["video"]), ("video_to_action", ["action"])],
)
def test_a_mode_with_one_kind_open_has_one_stage(mode, names):
    for two_stage in (False, True):
        assert [stage.name for stage in stages(Canvas(mode, 2, 3), two_stage)] == names


def test_the_release_gives_one_timestep_per_sample():
    canvas, start, flow, conditions = problem("joint", 2, per_token=False)
    list(denoise(Predictor(flow, canvas, conditions), euler(5.0), start, [(stages(canvas, False)[0], 4)]))
    # Wan's schedule: u = 1, 3/4, 1/2, 1/4 shifted by s = 5u / (1 + 4u).
    expected = [5 * u / (1 + 4 * u) * 1000 for u in (1.0, 0.75, 0.5, 0.25)]
    assert all(t.shape == (1,) for t in flow.timesteps)
    torch.testing.assert_close(torch.cat(flow.timesteps), torch.tensor(expected))


def test_unipc_arrives_too():
    canvas, start, flow, conditions = problem("joint", 2, per_token=True)
    plan = [(stage, 6) for stage in stages(canvas, False)]
    *_, last = denoise(Predictor(flow, canvas, conditions), unipc(), start, plan)
    open_ = ~canvas.clean
    torch.testing.assert_close(last.latents[:, :, open_], flow.target[:, :, open_], atol=1e-3, rtol=0)
    assert torch.equal(last.latents[:, :, canvas.clean], start[:, :, canvas.clean])


def test_guidance_goes_beyond_what_the_text_says():
    canvas, start, flow, conditions = problem("joint", 2, per_token=True)
    plan = [(stages(canvas, False)[0], 3)]
    *_, last = denoise(Predictor(flow, canvas, conditions, guidance_scale=3.0), euler(), start, plan)
    open_ = ~canvas.clean
    torch.testing.assert_close(last.latents[:, :, open_], 3.0 * flow.target[:, :, open_], atol=1e-4, rtol=0)
    assert len(flow.timesteps) == 6


@pytest.mark.parametrize(("most", "computed"), [(1, 7), (2, 5)])
def test_reuse_of_predictions_that_do_not_turn(most, computed):
    """Check a straight flow of constant velocity: after two computed ones, `most` of every `most` + 1 are reused."""
    canvas, start, flow, conditions = problem("joint", 2, per_token=True)
    predictor = Predictor(flow, canvas, conditions, reuse=Reuse(threshold=0.95, most=most))
    *_, last = denoise(predictor, euler(), start, [(stages(canvas, False)[0], 12)])
    assert len(flow.timesteps) == predictor.computed == computed
    open_ = ~canvas.clean
    torch.testing.assert_close(last.latents[:, :, open_], flow.target[:, :, open_], atol=1e-4, rtol=0)


def test_predictions_that_turn_are_not_reused():
    canvas, start, flow, conditions = problem("joint", 2, per_token=True)

    class Turning(KnownFlow):
        def __call__(self, x, timestep, text, camera, **more):
            (velocity,) = super().__call__(x, timestep, text, camera, **more)
            return (velocity * (-1) ** len(self.timesteps),)

    turning = Turning(flow.target, True)
    predictor = Predictor(turning, canvas, conditions, reuse=Reuse())
    list(denoise(predictor, euler(), start, [(stages(canvas, False)[0], 6)]))
    assert predictor.computed == len(turning.timesteps) == 6


def test_a_cancelled_generator_computes_no_further():
    canvas, start, flow, conditions = problem("joint", 2, per_token=True)
    running = denoise(Predictor(flow, canvas, conditions), euler(), start, [(stages(canvas, False)[0], 50)])
    next(running)
    next(running)
    running.close()
    assert len(flow.timesteps) == 2
