"""Training loop: it learns, and it is repeatable, resumable after a kill, and divisible among processes."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from training_setup import batch, objective, reference_run, transformer

from model.errors import ModelError
from model.training.batches import repeated
from model.training.checkpoints import checkpoints, held, load_checkpoint
from model.training.flow_matching import FlowMatchingObjective
from model.training.launch import launch
from model.training.loop import load_averaged, train
from model.training.metrics import read_metrics
from model.training.parameters import Lora, optimisers, train_lora, train_parts
from model.training.settings import FlowMatching, NoiseLevels, TrainingSettings
from model.training.step_rng import StepRng

ROOT, HERE = Path(__file__).parents[3], Path(__file__).parent
QUICK = TrainingSettings(steps=6, learning_rate=2e-3, precision="fp32", log_every=1, checkpoint_every=100)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE.parent), str(ROOT)]))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield
    torch.set_num_threads(before)


def tensors(checkpoint: Path) -> dict[str, torch.Tensor]:
    return {f"{file.stem} {k}": v for file in checkpoint.glob("*.safetensors") for k, v in load_file(file).items()}


def assert_equal_bits(one: Path, other: Path) -> None:
    a, b = tensors(one), tensors(other)
    assert set(a) == set(b)
    assert [name for name in a if not torch.equal(a[name], b[name])] == []


@pytest.mark.parametrize("optimiser, precision", [("muon", "fp32"), ("adamw", "bf16")])
def test_a_run_taken_up_again_is_the_run_never_interrupted_bit_for_bit(tmp_path, optimiser, precision):
    settings = replace(QUICK, optimiser=optimiser, precision=precision, warmup=3, final_rate=0.1, micro_batches=2)
    data = repeated([batch(4, seed, text=False) for seed in range(3)])
    train(objective(train_text=True), data, settings, tmp_path / "whole")
    asked = iter([False, False, False, True])
    stopped = train(objective(train_text=True), data, settings, tmp_path / "cut", stop=lambda: next(asked))
    assert stopped == 3
    assert train(objective(train_text=True), data, settings, tmp_path / "cut") == 6
    assert_equal_bits(tmp_path / "whole/step-0000006", tmp_path / "cut/step-0000006")
    figures = [
        [{k: v for k, v in line.items() if k != "samples_per_s"} for line in read_metrics(tmp_path / run)]
        for run in ("whole", "cut")
    ]
    assert figures[0] == figures[1]
    assert [line["step"] for line in figures[0]] == [1, 2, 3, 4, 5, 6]


def test_another_seed_is_another_run(tmp_path):
    data = repeated([batch()])
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(objective(), data, replace(QUICK, steps=2, seed=seed), tmp_path / name)
    assert_equal_bits(tmp_path / "a/step-0000002", tmp_path / "b/step-0000002")
    with pytest.raises(AssertionError):
        assert_equal_bits(tmp_path / "a/step-0000002", tmp_path / "c/step-0000002")


def test_it_learns_what_a_picture_and_words_mean(tmp_path):
    """Train two scenes with two answers: the x0 error at pure noise falls from that of no knowledge to a small part."""
    settings = replace(QUICK, steps=90, optimiser="muon", learning_rate=2e-2, log_every=15, ema=0.8)
    lesson = FlowMatching(
        modes={"policy": 1.0},
        noise=NoiseLevels(share_at_one=0.5),
        weighting="x0",
        text_dropout=0.0,
        action_dropout=0.0,
    )
    lines: list[dict] = []
    taught = objective(lesson)
    train(taught, repeated([batch(4)]), settings, tmp_path, on_figures=lines.append)
    errors = [line["policy.action_x0_error"] for line in lines]
    assert errors[0] > 0.8
    assert errors[-1] < 0.4
    before = taught(batch(4), StepRng(9, 9)).value
    load_averaged(taught, checkpoints(tmp_path)[-1])
    averaged = taught(batch(4), StepRng(9, 9)).value
    fresh = objective(lesson)(batch(4), StepRng(9, 9)).value
    assert averaged != before
    assert averaged < 0.5 * fresh


def test_killed_while_writing_it_goes_on_from_the_last_whole_checkpoint(tmp_path):
    command = [sys.executable, str(HERE / "train_one_process.py")]
    killed = subprocess.run([*command, str(tmp_path / "cut"), "5", "muon", "4"], check=False, timeout=100)
    assert killed.returncode == -signal.SIGKILL
    left = {path.name for path in (tmp_path / "cut").iterdir()}
    assert any(name.endswith(".part") for name in left)
    assert [path.name for path in checkpoints(tmp_path / "cut")] == ["step-0000002"]
    for name in ("whole", "cut"):
        assert reference_run(tmp_path / name, 5, "muon") == 5
    assert not list((tmp_path / "cut").glob("*.part"))
    assert_equal_bits(tmp_path / "whole/step-0000005", tmp_path / "cut/step-0000005")
    assert [line["step"] for line in read_metrics(tmp_path / "cut")] == [1, 2, 3, 4, 5]


def test_two_processes_do_what_one_does(tmp_path):
    command = [sys.executable, str(HERE / "train_one_process.py")]
    launch([*command, str(tmp_path / "together"), "4", "adamw"], 2, timeout=100)
    reference_run(tmp_path / "alone", 4, "adamw")
    alone, together = (read_metrics(tmp_path / name) for name in ("alone", "together"))
    assert len(alone) == len(together) == 4
    for one, two in zip(alone, together, strict=True):
        assert set(one) == set(two)
        for name in set(one) - {"samples_per_s", "gradient_norm"}:
            assert two[name] == pytest.approx(one[name], abs=2e-5), name


def test_when_one_process_fails_the_others_are_ended():
    script = "import os, time; time.sleep(60 if os.environ['RANK'] == '0' else 0.1); raise SystemExit(3)"
    with pytest.raises(ModelError, match="code 3"):
        launch([sys.executable, "-c", script], 2, timeout=50)


def test_lora_trains_only_its_adapters_and_they_load_into_the_untouched_model(tmp_path):
    network = transformer()
    before = {name: p.clone() for name, p in network.named_parameters()}
    train_lora(network, Lora(rank=4, alpha=8))
    taught = FlowMatchingObjective(network, objective().settings, empty_text=torch.zeros(5, 16))
    trainable = [name for name, p in taught.named_parameters() if p.requires_grad]
    assert trainable
    assert all("lora_" in name for name in trainable)
    train(taught, repeated([batch()]), QUICK, tmp_path / "run")
    saved = load_checkpoint(tmp_path / "run/step-0000006")
    assert set(saved.weights) == set(trainable)
    for name, p in network.named_parameters():
        if "lora_" not in name:
            assert torch.equal(p, before[name.replace(".base_layer", "")])
    network.save_lora_adapter(tmp_path / "adapter")
    other = transformer()
    other.load_lora_adapter(tmp_path / "adapter", prefix=None, weight_name="pytorch_lora_weights.safetensors")
    given = batch()
    inputs = (given.rgb[:, 0], torch.full((4, 3), 500.0), given.text)
    flags = {"action_frames": torch.zeros(3, dtype=torch.bool), "return_dict": False}
    with torch.no_grad():
        assert torch.allclose(network(*inputs, **flags)[0], other(*inputs, **flags)[0], atol=1e-5)
        assert not torch.allclose(transformer()(*inputs, **flags)[0], other(*inputs, **flags)[0], atol=1e-4)


def test_parts_are_trained_in_float32_and_the_rest_stays_as_it_is():
    network = transformer().bfloat16()
    train_parts(network)
    kinds = {p.requires_grad: set() for p in network.parameters()}
    for p in network.parameters():
        kinds[p.requires_grad].add(p.dtype)
    assert kinds == {True: {torch.float32}, False: {torch.bfloat16}}
    with pytest.raises(ModelError, match="nothing to train"):
        train_parts(network, ("does_not_exist",))


def test_muon_has_the_blocks_matrices_and_adamw_the_rest_at_its_share():
    taught = objective(train_text=True)
    muon, adamw = optimisers(taught, replace(QUICK, optimiser="muon", other_rate=0.4, text_rate=0.25))
    names = {name: group for group in muon.param_groups for name in group["param_names"]}
    assert all(".blocks." in name for name in names)
    assert "transformer.blocks.0.attn1.projector.weight" in names
    shares = {name: group["rate_share"] for group in adamw.param_groups for name in group["param_names"]}
    assert shares["transformer.proj_out.weight"] == 0.4
    assert shares["text_encoder.shared.weight"] == 0.25
    assert set(names) | set(shares) == {name for name, _ in taught.named_parameters()}
    undecayed = [g["param_names"] for g in adamw.param_groups if g["weight_decay"] == 0.0]
    assert all(dict(taught.named_parameters())[n].ndim < 2 for names in undecayed for n in names)


def test_checkpointed_gradients_are_the_same_gradients(tmp_path):
    for name, how in (("plain", False), ("again", True)):
        settings = replace(QUICK, steps=2, gradient_checkpointing=how)
        train(objective(), repeated([batch()]), settings, tmp_path / name)
    a, b = (tensors(tmp_path / name / "step-0000002") for name in ("plain", "again"))
    assert all(torch.allclose(a[name], b[name], atol=1e-4) for name in a if name.startswith("weights"))


def test_only_the_newest_checkpoints_are_kept(tmp_path):
    train(objective(), repeated([batch()]), replace(QUICK, checkpoint_every=1, checkpoints_kept=2), tmp_path)
    assert [path.name for path in checkpoints(tmp_path)] == ["step-0000005", "step-0000006"]


def test_a_damaged_checkpoint_and_one_of_another_model_are_explained(tmp_path):
    train(objective(), repeated([batch()]), replace(QUICK, steps=1), tmp_path)
    with pytest.raises(ModelError, match="began with adamw, not muon"):
        train(objective(), repeated([batch()]), replace(QUICK, optimiser="muon"), tmp_path)
    with pytest.raises(ModelError, match="another model"):
        train(objective(num_layers=1), repeated([batch()]), QUICK, tmp_path)
    file = tmp_path / "step-0000001/weights.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ModelError, match=r"damaged \(weights.safetensors\)"):
        train(objective(), repeated([batch()]), QUICK, tmp_path)
    (tmp_path / "step-0000001/state.json").write_text("{")
    with pytest.raises(ModelError, match=r"damaged \(state.json\)"):
        load_checkpoint(tmp_path / "step-0000001")


def test_a_folder_that_cannot_be_written_is_explained_and_nothing_half_written_stays(tmp_path):
    (tmp_path / "step-0000001").write_text("a file in the checkpoint's place")
    with pytest.raises(ModelError, match="cannot be written"):
        train(objective(), repeated([batch()]), replace(QUICK, steps=1), tmp_path)
    assert not list(tmp_path.glob("*.part"))


def test_two_runs_in_one_folder_are_refused(tmp_path):
    with held(tmp_path), pytest.raises(ModelError, match="already running"):
        train(objective(), repeated([batch()]), replace(QUICK, steps=1), tmp_path)
    assert train(objective(), repeated([batch()]), replace(QUICK, steps=1), tmp_path) == 1


def test_a_loss_that_is_no_number_stops_the_run_before_it_spoils_the_weights(tmp_path):
    bad = batch()
    bad.action[0] = float("nan")
    taught = objective()
    before = {name: p.clone() for name, p in taught.named_parameters()}
    with pytest.raises(ModelError, match="lost its way at step 1"):
        train(taught, repeated([bad]), QUICK, tmp_path)
    assert all(torch.equal(p, before[name]) for name, p in taught.named_parameters())
    assert checkpoints(tmp_path) == []
