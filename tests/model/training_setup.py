"""Transformer small enough to be trained in a test, and batches for it."""

from pathlib import Path

import torch

from model.networks.text_encoding import byte_encoder, byte_tokenizer
from model.networks.transformer import ActionImagesTransformer
from model.training.batches import Batch, repeated
from model.training.flow_matching import FlowMatchingObjective
from model.training.loop import train
from model.training.parameters import train_everything
from model.training.settings import FlowMatching, NoiseLevels, TrainingSettings

CHANNELS, TEXT = 8, 16
ALL_MODES = {
    "joint": 1.0, "policy": 1.0, "action_to_video": 1.0, "video_to_action": 1.0, "view_transfer": 1.0, "one_frame": 1.0
}  # fmt: skip


def transformer(**changes) -> ActionImagesTransformer:
    """Make a transformer like the embedded model's, of about 0.1 M parameters; the same weights every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ActionImagesTransformer(
            **{
                "num_attention_heads": 2,
                "attention_head_dim": 24,
                "in_channels": CHANNELS,
                "out_channels": CHANNELS,
                "text_dim": TEXT,
                "freq_dim": 32,
                "ffn_dim": 96,
                "num_layers": 2,
                "camera": "per_token",
                "camera_channels": 6,
                "timestep_per_token": True,
                "prediction": "x0",
                "segment_layers": True,
                "kept_positions": True,
                **changes,
            }
        )


def batch(count: int = 4, seed: int = 0, frames: int = 3, text: bool = True) -> Batch:
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    words = ("pick up the red cube", "reach the blue ball", "push the box left", "put it into the bowl")
    return Batch(
        normal(count, 2, CHANNELS, frames, 4, 4),
        normal(count, 2, CHANNELS, frames, 4, 4),
        normal(count, 2, frames, 6, 4, 4),
        tuple(words[i % len(words)] for i in range(count)),
        normal(count, 5, TEXT) if text else None,
    )


def objective(settings: FlowMatching | None = None, *, train_text: bool = False, **changes) -> FlowMatchingObjective:
    """Make an objective that trains all weights; with `train_text` a small text encoder too, without embeddings."""
    settings = settings or FlowMatching(
        modes=ALL_MODES, noise=NoiseLevels(share_at_one=0.5, independent=True), weighting="x0"
    )
    network = transformer(**changes)
    train_everything(network)
    if not train_text:
        return FlowMatchingObjective(network, settings, empty_text=torch.zeros(5, TEXT))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        encoder = byte_encoder(d_model=TEXT, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    return FlowMatchingObjective(network, settings, text_encoder=encoder, tokenizer=byte_tokenizer(), text_length=32)


def reference_run(folder: Path, steps: int, optimiser: str) -> int:
    """Run the training that tests repeat in other processes, interrupt and divide."""
    settings = TrainingSettings(
        steps=steps,
        optimiser=optimiser,
        learning_rate=1e-3,
        precision="fp32",
        log_every=1,
        checkpoint_every=2,
        micro_batches=2,
    )
    return train(objective(), repeated([batch(4, seed) for seed in range(3)]), settings, folder)
