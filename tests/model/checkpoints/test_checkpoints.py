"""Published folders become pipeline folders: whole, checked, equal to the originals, or not written at all."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKLWan
from safetensors.torch import load_file, save_file
from transformers import ByT5Tokenizer, UMT5EncoderModel

from benchmarks.model import reference
from benchmarks.model.layouts import TinyWan, random_tensors, text_shapes, transformer_shapes, vae_shapes
from model.checkpoints import manifest
from model.checkpoints.importing import import_model
from model.checkpoints.memory_estimate import check_disk, check_memory, needed_to_load
from model.checkpoints.shape_check import NamesDiffer
from model.errors import ModelError, ModelMemoryError, WeightsError
from model.networks.transformer import ActionImagesTransformer

ROOT = Path(__file__).parents[3]
SIZE = TinyWan(in_channels=6, out_channels=6, pool=(6, 4, 4))


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.no_grad():
        yield
    torch.set_num_threads(before)


def original_wan(folder: Path) -> Path:
    """Write a tiny Wan2.2-TI2V-5B in its authors' layout, its transformer in two shards."""
    folder.mkdir()
    weights = random_tensors(transformer_shapes(TinyWan(in_channels=6, out_channels=6, pool=None)), seed=7)
    names = sorted(weights)
    halves = {"1": names[: len(names) // 2], "2": names[len(names) // 2 :]}
    place = {}
    for number, half in halves.items():
        file = f"diffusion_pytorch_model-0000{number}-of-00002.safetensors"
        save_file({name: weights[name] for name in half}, folder / file)
        place |= dict.fromkeys(half, file)
    index = {"metadata": {}, "weight_map": place}
    (folder / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    settings = {"_class_name": "WanModel", "dim": 48, "num_heads": 2, "eps": 1e-6, "in_dim": 6, "model_type": "ti2v"}
    (folder / "config.json").write_text(json.dumps(settings))
    torch.save(random_tensors(vae_shapes()), folder / "Wan2.2_VAE.pth")
    torch.save(random_tensors(text_shapes(vocabulary=384)), folder / "models_t5_umt5-xxl-enc-bf16.pth")
    (folder / "google").mkdir()
    ByT5Tokenizer().save_pretrained(folder / "google" / "umt5-xxl")
    return folder


@pytest.fixture(scope="module")
def wan(tmp_path_factory) -> Path:
    return original_wan(tmp_path_factory.mktemp("published") / "Wan2.2-TI2V-5B")


@pytest.fixture
def release(tmp_path) -> Path:
    torch.save(random_tensors(transformer_shapes(SIZE), dtype=torch.bfloat16), tmp_path / "action_images.ckpt")
    return tmp_path / "action_images.ckpt"


def test_the_release_with_its_backbone_becomes_a_pipeline(tmp_path, wan, release):
    told = []
    made = import_model(
        release, tmp_path / "made", backbone=wan, shard_bytes=60_000, report=lambda what, share: told.append(share)
    )
    assert made.missing == () and set(made.parts) == {"transformer", "vae", "text_encoder", "tokenizer", "scheduler"}
    assert told[-1] == 1.0 and told == sorted(told)
    model = ActionImagesTransformer.from_pretrained(tmp_path / "made" / "transformer", dtype=torch.float32)
    weights = {n: t.float() for n, t in random_tensors(transformer_shapes(SIZE), dtype=torch.bfloat16).items()}
    generator = torch.Generator().manual_seed(3)
    x, rays = torch.randn(1, 6, 3, 8, 8, generator=generator), torch.randn(1, 3, 12, 8, 8, generator=generator)
    text, t = torch.randn(1, 4, 24, generator=generator), torch.tensor([500.0])
    expected = reference.transformer(weights, 2, SIZE.pool, x, t, text, rays)
    assert (model(x, t, text, rays).sample - expected).abs().max() <= 1e-4
    shards = list((tmp_path / "made" / "transformer").glob("*.safetensors"))
    assert len(shards) > 2 and max(path.stat().st_size for path in shards) < 80_000
    assert manifest.check(tmp_path / "made", contents=True) is not None
    assert {path.name for path in tmp_path.iterdir()} == {"action_images.ckpt", "made"}


def test_the_original_autoencoder_is_the_same_network(tmp_path, wan):
    import_model(wan, tmp_path / "made")
    vae = AutoencoderKLWan.from_pretrained(tmp_path / "made" / "vae")
    W = random_tensors(vae_shapes())
    generator = torch.Generator().manual_seed(5)
    image = torch.randn(1, 3, 1, 32, 48, generator=generator)
    latent = reference.encode_image(W, image)
    assert latent.shape == (1, 6, 1, 2, 3)
    assert (vae.encode(image).latent_dist.mean - latent).abs().max() <= 1e-4
    assert (vae.decode(latent).sample - reference.decode_image(W, latent).clamp(-1, 1)).abs().max() <= 1e-4
    # Temporal convolutions: their names depend on the order of the stages.
    loaded = vae.state_dict()
    for ours, theirs in {
        "encoder.down_blocks.1.downsampler": "encoder.downsamples.1.downsamples.2",
        "encoder.down_blocks.2.downsampler": "encoder.downsamples.2.downsamples.2",
        "decoder.up_blocks.0.upsampler": "decoder.upsamples.0.upsamples.3",
        "decoder.up_blocks.1.upsampler": "decoder.upsamples.1.upsamples.3",
    }.items():
        assert torch.equal(loaded[f"{ours}.time_conv.weight"], W[f"{theirs}.time_conv.weight"])
    assert vae.encode(torch.randn(1, 3, 9, 32, 32)).latent_dist.mean.shape == (1, 6, 3, 2, 2)


def test_the_original_text_encoder_is_the_same_network(tmp_path, wan):
    import_model(wan, tmp_path / "made")
    encoder = UMT5EncoderModel.from_pretrained(tmp_path / "made" / "text_encoder")
    tokens = torch.randint(3, 384, (2, 40), generator=torch.Generator().manual_seed(0))
    expected = reference.text_encoder(random_tensors(text_shapes(vocabulary=384)), 3, tokens)
    assert (encoder(tokens).last_hidden_state - expected).abs().max() <= 1e-4


def test_a_folder_of_diffusers_is_imported_again_as_itself(tmp_path, wan):
    import_model(wan, tmp_path / "once")
    index = json.loads((tmp_path / "once" / "model_index.json").read_text())
    (tmp_path / "once" / "model_index.json").write_text(json.dumps({**index, "num_frames": 17}))
    again = import_model(tmp_path / "once", tmp_path / "twice")
    assert again.missing == ()
    assert json.loads((tmp_path / "twice" / "model_index.json").read_text())["num_frames"] == 17
    one, two = ((tmp_path / name / "transformer" / "diffusion_pytorch_model.safetensors") for name in ("once", "twice"))
    assert {n: t.tolist() for n, t in load_file(one).items()} == {n: t.tolist() for n, t in load_file(two).items()}
    assert (tmp_path / "twice" / "vae" / "config.json").read_text() == (
        tmp_path / "once" / "vae" / "config.json"
    ).read_text()


def test_the_release_alone_says_what_is_missing(tmp_path, release):
    made = import_model(release, tmp_path / "made", num_attention_heads=2)
    assert made.missing == ("vae", "text_encoder", "tokenizer")
    assert "--backbone" in made.as_text()


def test_an_image_to_video_model_also_needs_its_image_encoder(tmp_path):
    folder = tmp_path / "Wan2.1-I2V-14B-480P"
    folder.mkdir()
    weights = random_tensors(transformer_shapes(TinyWan(in_channels=36, out_channels=16, image=20, pool=None)))
    save_file(weights, folder / "diffusion_pytorch_model.safetensors")
    (folder / "config.json").write_text(json.dumps({"num_heads": 2}))
    made = import_model(folder, tmp_path / "made")
    assert set(made.missing) == {"vae", "text_encoder", "tokenizer", "image_encoder", "image_processor"}
    model = ActionImagesTransformer.from_pretrained(tmp_path / "made" / "transformer")
    assert (model.config.in_channels, model.config.image_dim, model.config.added_kv_proj_dim) == (36, 20, 48)


def test_values_may_be_made_smaller(tmp_path, wan):
    import_model(wan, tmp_path / "large")
    import_model(wan, tmp_path / "small", dtype=torch.bfloat16)
    large, small = (needed_to_load(tmp_path / name) for name in ("large", "small"))
    assert small == large / 2 == needed_to_load(tmp_path / "large", 2)


def test_refused_imports_leave_nothing_behind(tmp_path, wan, release):
    target = tmp_path / "made"

    def refused(error, path, **options):
        with pytest.raises(error):
            import_model(path, target, **options)
        assert not target.exists() and not list(tmp_path.glob(".*"))

    refused(WeightsError, tmp_path / "nowhere.ckpt")
    refused(WeightsError, release)  # 48 wide, and the number of heads is unspecified
    (tmp_path / "empty").mkdir()
    refused(WeightsError, tmp_path / "empty")
    (tmp_path / "cut.ckpt").write_bytes(release.read_bytes()[:-1000])
    refused(WeightsError, tmp_path / "cut.ckpt", backbone=wan)
    renamed = original_wan(tmp_path / "renamed")
    vae = random_tensors(vae_shapes())
    vae["encoder.middle.0.residual.2.wight"] = vae.pop("encoder.middle.0.residual.2.weight")
    torch.save(vae, renamed / "Wan2.2_VAE.pth")
    refused(NamesDiffer, renamed)
    (renamed / "Wan2.2_VAE.pth").unlink()
    text = random_tensors(text_shapes(vocabulary=384))
    del text["blocks.1.ffn.gate.0.weight"]
    torch.save(text, renamed / "models_t5_umt5-xxl-enc-bf16.pth")
    refused(NamesDiffer, renamed)
    (renamed / "diffusion_pytorch_model-00002-of-00002.safetensors").unlink()
    refused(WeightsError, renamed)


def test_a_model_that_brings_programs_is_refused(tmp_path, wan):
    import_model(wan, tmp_path / "made")
    (tmp_path / "made" / "vae" / "evil.py").write_text("raise SystemExit")
    (tmp_path / "made" / "vae" / "pytorch_model.bin").write_bytes(b"\x80")
    import_model(tmp_path / "made", tmp_path / "again")
    assert not list((tmp_path / "again").rglob("*.py")) and not list((tmp_path / "again").rglob("*.bin"))
    index = json.loads((tmp_path / "made" / "model_index.json").read_text())
    index["vae"] = ["subprocess", "Popen"]
    (tmp_path / "made" / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(WeightsError, match="refused"):
        import_model(tmp_path / "made", tmp_path / "third")


def test_a_taken_folder_is_not_touched(tmp_path, wan):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "mine.txt").write_text("mine")
    with pytest.raises(ModelError, match="already"):
        import_model(wan, tmp_path / "made")
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["mine.txt"]
    (tmp_path / "made" / "mine.txt").unlink()
    import_model(wan, tmp_path / "made")  # an empty folder may be used


def test_a_killed_import_leaves_no_model_and_the_next_one_cleans_up(tmp_path, wan):
    script = """
import sys, time
from pathlib import Path
from model.checkpoints.importing import import_model
def slowly(what, share):
    print(what, flush=True)
    if what == "writing":
        time.sleep(60)
import_model(Path(sys.argv[1]), Path(sys.argv[2]), report=slowly)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(wan), str(tmp_path / "made")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    while "writing" not in process.stdout.readline():
        assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert [path.name for path in tmp_path.iterdir()] == [f".made.importing-{process.pid}"]
    import_model(wan, tmp_path / "made")
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_the_manifest_finds_what_was_changed(tmp_path, wan):
    import_model(wan, tmp_path / "made")
    file = tmp_path / "made" / "transformer" / "diffusion_pytorch_model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    manifest.check(tmp_path / "made", contents=False)
    with pytest.raises(WeightsError, match=r"transformer/diffusion_pytorch_model\.safetensors"):
        manifest.check(tmp_path / "made", contents=True)
    file.write_bytes(data[:-1])
    with pytest.raises(WeightsError, match="damaged"):
        manifest.check(tmp_path / "made", contents=False)
    (tmp_path / "made" / manifest.NAME).write_text('{"format": 1, "source": "", "files": {"../x": {"bytes": 0}}}')
    with pytest.raises(WeightsError, match="damaged"):
        manifest.read(tmp_path / "made")


def test_memory_and_disk_are_estimated_first(tmp_path, wan):
    import_model(wan, tmp_path / "made")
    needed = needed_to_load(tmp_path / "made")
    files = [*(tmp_path / "made").rglob("*.safetensors")]
    assert needed == sum(t.numel() * t.element_size() for path in files for t in load_file(path).values())
    assert check_memory(tmp_path / "made") == needed
    with pytest.raises(ModelMemoryError, match="GB"):
        check_memory(tmp_path / "made", available=needed)
    with pytest.raises(ModelMemoryError, match="disk"):
        check_disk(tmp_path / "made", 10**16)
    files[0].write_bytes(b"\xff" * 50)
    with pytest.raises(WeightsError):
        needed_to_load(tmp_path / "made")
