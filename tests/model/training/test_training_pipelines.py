"""From a new pipeline through training to a folder that generates."""

import pytest
import torch
from training_setup import transformer

from model.errors import ModelError
from model.generation.pipeline import ActionImagesPipeline
from model.generation.untrained import embedded_pipeline
from model.networks.linear_codec import LinearCodec
from model.networks.text_encoding import encode_text
from model.training.batches import encode_batch, repeated
from model.training.cache import TensorCache
from model.training.checkpoints import checkpoints, load_checkpoint
from model.training.loop import train
from model.training.parameters import train_everything
from model.training.pipelines import embed_texts, objective_of, save_trained
from model.training.settings import FlowMatching, NoiseLevels, TrainingSettings

SIZE = {"num_attention_heads": 1, "attention_head_dim": 48, "ffn_dim": 64, "num_layers": 1, "freq_dim": 32}
QUICK = TrainingSettings(steps=3, learning_rate=1e-3, precision="fp32", optimiser="muon")


def pipeline() -> ActionImagesPipeline:
    torch.manual_seed(0)
    codec = LinearCodec(z_dim=48, scale_factor_spatial=8).eval()
    return embedded_pipeline(codec, height=32, width=32, num_frames=5, transformer={**SIZE, "text_dim": 48})


def test_a_pipeline_is_trained_with_its_text_encoder_saved_and_loaded(tmp_path):
    taught = pipeline()
    train_everything(taught.transformer)
    noise = NoiseLevels(share_at_one=0.5, independent=True)
    objective = objective_of(taught, FlowMatching(noise=noise, weighting="x0"), train_text=True)
    videos = torch.rand(2, 2, 3, 5, 32, 32) * 2 - 1
    given = encode_batch(
        taught.vae, videos, videos, torch.randn(2, 2, 2, 6, 4, 4), ("pick up the cube", "reach"), relative_rgb=True
    )
    still = given.rgb[:, :, :, 1:].abs().mean()
    assert 0 < still < encode_batch(taught.vae, videos, None, None, ("a", "b")).rgb[:, :, :, 1:].abs().mean() * 3
    train(objective, repeated([given]), QUICK, tmp_path / "run")
    save_trained(taught, objective, checkpoints(tmp_path / "run")[-1], tmp_path / "model")
    again = ActionImagesPipeline.from_pretrained(tmp_path / "model")
    saved = load_checkpoint(checkpoints(tmp_path / "run")[-1]).averaged
    for name, p in again.transformer.named_parameters():
        assert torch.equal(p, saved[f"transformer.{name}"])
    for name, p in again.text_encoder.named_parameters():
        assert torch.equal(p, saved[f"text_encoder.{name}"])
    assert not list(tmp_path.glob("*.part"))
    with pytest.raises(ModelError, match="already exists"):
        save_trained(taught, objective, checkpoints(tmp_path / "run")[-1], tmp_path / "model")


def test_embeddings_are_those_of_the_cleaned_text_and_computed_once(tmp_path):
    made, cache = pipeline(), TensorCache(tmp_path)
    words = ["Pick_up the cube.", "reach", "Pick up the cube"]
    embedded = embed_texts(made, words, cache)
    assert torch.equal(embedded[0], embedded[2])
    plain = encode_text(made.tokenizer, made.text_encoder, ["Pick up the cube"], 96)[0]
    assert torch.allclose(embedded[0], plain, atol=1e-6)
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2
    assert torch.equal(embed_texts(made, words, cache), embedded)


def test_without_its_text_encoder_the_empty_instruction_is_remembered():
    made = pipeline()
    objective = objective_of(made, FlowMatching())
    assert objective.text_encoder is None
    assert not [name for name, _ in objective.named_parameters() if name.startswith("text_encoder")]
    assert transformer().config.text_dim == 16
