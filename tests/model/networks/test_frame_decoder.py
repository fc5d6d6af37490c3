"""Frame decoder, and the training of codecs, with the loop that trains the transformer."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from model.arm_rendering.drawing import CHANNELS as ARM_CHANNELS
from model.arm_rendering.grasped_object_warp import CHANNELS
from model.embedded.frame_decoder_training import augmented
from model.generation.untrained import tiny_pipeline
from model.networks.codec import decode_latents, encode_videos, tiny_wan
from model.networks.frame_decoder import FrameDecoder
from model.training.batches import repeated
from model.training.codec_objectives import (
    AutoencoderObjective,
    FrameDecoderBatch,
    FrameDecoderObjective,
    Videos,
    set_latent_scale,
)
from model.training.loop import train
from model.training.settings import TrainingSettings
from model.training.step_rng import StepRng

SETTINGS = TrainingSettings(steps=30, learning_rate=3e-3, precision="fp32", log_every=5, ema=None)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


def squares(count: int = 8, frames: int = 5, size: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw videos of a bright square that moves over a pattern, and of the square alone, as an action image."""
    generator = torch.Generator().manual_seed(0)
    ground = torch.rand(count, 3, 1, size, size, generator=generator) - 1.0
    videos, actions = ground.repeat(1, 1, frames, 1, 1), -torch.ones(count, 3, frames, size, size)
    for i in range(count):
        y, x = (int(v) for v in torch.randint(0, size - 4 - frames, (2,), generator=generator))
        for t in range(frames):
            videos[i, :, t, y + t : y + t + 4, x + t : x + t + 4] = 1.0
            actions[i, :, t, y + t : y + t + 4, x + t : x + t + 4] = 1.0
    return videos, actions


def blurred(videos: torch.Tensor) -> torch.Tensor:
    flat = videos.movedim(2, 1).flatten(0, 1)
    flat = torch.nn.functional.avg_pool2d(flat, 5, stride=1, padding=2, count_include_pad=False)
    return flat.unflatten(0, (len(videos), -1)).movedim(1, 2)


@pytest.mark.parametrize("previous", [False, True])
def test_it_learns_to_paint_the_moving_over_the_resting(previous, tmp_path):
    videos, actions = squares()
    coarse = blurred(videos)
    decoder = FrameDecoder(widths=(16, 16, 16), uses_previous=previous)
    weight = 1.0 + 4.0 * (videos - videos[:, :, :1]).abs().amax(dim=1, keepdim=True)
    lines: list[dict] = []
    batches = repeated([FrameDecoderBatch(videos, actions, coarse, weight)])
    train(FrameDecoderObjective(decoder), batches, SETTINGS, tmp_path / "run", on_figures=lines.append)
    with torch.no_grad():
        painted = decoder.eval()(videos[:, :, 0], actions, coarse)
        assert torch.equal(painted[:, :, 0], videos[:, :, 0])
        assert (painted - videos).square().mean() < 0.3 * (coarse - videos).square().mean()
        decoder.save_pretrained(tmp_path / "saved")
        again = FrameDecoder.from_pretrained(tmp_path / "saved").eval()
        assert torch.equal(again(videos[:, :, 0], actions, coarse), painted)
    assert lines[-1]["mse"] < lines[0]["mse"]


@pytest.mark.parametrize("previous", [False, True])
def test_a_decoder_gets_just_the_pictures_that_it_was_made_to_see(previous):
    videos, actions = squares(2)
    arm, carried = (torch.rand(2, channels, *videos.shape[2:]) for channels in (ARM_CHANNELS, CHANNELS))
    seeing = FrameDecoder(widths=(8, 8), uses_previous=previous, sees_arm=True, sees_carried=True)
    blind = FrameDecoder(widths=(8, 8), uses_previous=previous)
    assert seeing(videos[:, :, 0], actions, videos, arm=arm, carried=carried).shape == videos.shape
    for decoder, drawn in ((seeing, {"arm": arm}), (seeing, {"carried": carried}), (blind, {"arm": arm})):
        with pytest.raises(ValueError, match="made to see"):
            decoder(videos[:, :, 0], actions, videos, **drawn)


def test_varied_samples_are_changed_in_all_their_pictures_alike():
    videos, actions = squares(16)
    carried = torch.cat([videos, actions[:, :2]], dim=1)
    arm = torch.cat([actions, videos], dim=1)  # the colours come last
    made = augmented(FrameDecoderBatch(videos, actions, videos.clone(), None, arm, carried), np.random.default_rng(0))
    assert made.video.shape == videos.shape and made.arm is not None and made.carried is not None
    assert torch.allclose(made.arm[:, 3:], made.video, atol=1e-6)
    assert torch.allclose(made.arm[:, :3], made.action, atol=1e-6)
    assert torch.equal(made.video, made.coarse) and torch.allclose(made.carried[:, :3], made.video, atol=1e-6)
    assert torch.allclose(made.carried[:, 3:], made.action[:, :2], atol=1e-6)
    assert sum(not torch.allclose(one, other) for one, other in zip(made.video, videos, strict=True)) > 8
    assert any(torch.allclose(one, other, atol=1e-5) for one, other in zip(made.action, actions, strict=True))


def test_weights_make_the_moving_count_for_more():
    videos, actions = squares()
    objective = FrameDecoderObjective(FrameDecoder(widths=(8, 8, 8)))
    coarse = videos[:, :, :1].expand_as(videos)  # nothing moves: wrong only where it should
    moved = (videos - coarse).abs().amax(dim=1, keepdim=True) > 0
    even = objective(FrameDecoderBatch(videos, actions, coarse), StepRng(0, 0)).value
    only = objective(FrameDecoderBatch(videos, actions, coarse, moved.float()), StepRng(0, 0)).value
    assert only.item() == pytest.approx(even.item() / moved[:, :, 1:].float().mean().item(), rel=0.2)


def test_an_autoencoder_learns_images_and_then_clips_and_its_scale_is_measured(tmp_path):
    videos, _ = squares(count=8)
    codec = tiny_wan(z_dim=8, base_dim=8)
    lines: list[dict] = []
    for name, shown in (("images", videos[:, :, :1]), ("clips", videos)):
        batches = repeated([Videos(shown)])
        train(AutoencoderObjective(codec), batches, SETTINGS, tmp_path / name, on_figures=lines.append)
    assert lines[5]["mse"] < 0.7 * lines[0]["mse"]
    assert lines[-1]["mse"] < lines[6]["mse"]
    set_latent_scale(codec, [videos[:4], videos[4:]])
    latents = encode_videos(codec, videos).movedim(1, 0).flatten(1)
    assert torch.allclose(latents.mean(1), torch.zeros(8), atol=1e-3)
    assert torch.allclose(latents.std(1), torch.ones(8), atol=1e-2)
    codec.save_pretrained(tmp_path / "saved")
    again = type(codec).from_pretrained(tmp_path / "saved")
    with torch.no_grad():
        assert torch.equal(encode_videos(again, videos), encode_videos(codec, videos))
        assert decode_latents(again, encode_videos(again, videos)).shape == videos.shape


def test_a_new_process_loads_a_pipeline_that_has_one(tmp_path):
    """Load in a new process: diffusers loads classes only of imported modules, which in this one they always are."""
    pipeline = tiny_pipeline(frame_decoder=FrameDecoder(widths=(8, 8, 8)))
    pipeline.save_pretrained(tmp_path / "saved")
    load = "from model.generation.loading import load_pipeline as load; import sys; made = load(sys.argv[1])"
    load += "; print(made.frame_decoder.config.widths)"
    command = [sys.executable, "-c", load, str(tmp_path / "saved")]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[8, 8, 8]"
