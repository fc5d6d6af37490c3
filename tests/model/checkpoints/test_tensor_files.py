"""Weights of unknown origin: read as tensors or refused with a message; no code in them is run."""

import io
import json
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from model.checkpoints.tensor_files import read_all, read_tensors, shard_files
from model.checkpoints.tensor_writing import write_model
from model.errors import WeightsError

ROOT = Path(__file__).parents[3]
TENSORS = {"a": torch.arange(6000.0).reshape(60, 100).bfloat16(), "b.c": torch.randn(7), "n": torch.tensor(3)}


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    torch.save(TENSORS, tmp_path / "good.ckpt")
    return tmp_path / "good.ckpt"


def same(one, two) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[n], two[n]) and one[n].dtype == two[n].dtype for n in one)


@pytest.mark.parametrize("wrapper", ["state_dict", "module", "model"])
def test_checkpoints_are_read_wrapped_or_not(tmp_path, checkpoint, wrapper):
    assert same(read_tensors(checkpoint), TENSORS)
    torch.save({"epoch": 3, wrapper: TENSORS, "name": "run"}, tmp_path / "wrapped.pt")
    assert same(read_tensors(tmp_path / "wrapped.pt"), TENSORS)


def test_safetensors_are_read(tmp_path):
    save_file(TENSORS, tmp_path / "x.safetensors")
    assert same(read_tensors(tmp_path / "x.safetensors"), TENSORS)
    with pytest.raises(WeightsError, match="repeats"):
        read_all([tmp_path / "x.safetensors", tmp_path / "x.safetensors"])


def payloads(folder: Path) -> list[Path]:
    """Write files that would create `folder/marker` if they were unpickled without care."""

    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {folder / 'marker'}",)

    torch.save({"a": torch.ones(3), "b": Evil()}, folder / "beside.ckpt")
    torch.save(Evil(), folder / "alone.pth")
    torch.save({"state_dict": {"a": Evil()}}, folder / "inside.pt")
    buffer = io.BytesIO()
    torch.save({"a": Evil()}, buffer, _use_new_zipfile_serialization=False)
    (folder / "legacy.ckpt").write_bytes(buffer.getvalue())
    with zipfile.ZipFile(folder / "beside.ckpt") as archive:
        name = next(n for n in archive.namelist() if n.endswith("data.pkl"))
        (folder / "plain.bin").write_bytes(archive.read(name))
    return sorted(folder.glob("*.*"))


def test_a_pickle_payload_is_refused_and_never_runs(tmp_path):
    files = payloads(tmp_path)
    script = """
import sys
from model.errors import WeightsError
from model.checkpoints.tensor_files import read_tensors
from pathlib import Path
seen = []
sys.addaudithook(lambda event, arguments: seen.append((event, arguments)))
for path in map(Path, sys.argv[1:]):
    try:
        read_tensors(path)
    except WeightsError as error:
        print(error)
started = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "pickle.find_class", "exec")
bad = [event for event, arguments in seen if event in started and "torch" not in str(arguments)]
assert not bad, bad
assert any(event == "open" and "beside.ckpt" in str(arguments) for event, arguments in seen)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, files)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(files) == 5
    assert "could run a program" in done.stdout
    assert not (tmp_path / "marker").exists()


def test_the_payload_would_have_run_otherwise(tmp_path):
    payloads(tmp_path)
    torch.load(tmp_path / "alone.pth", weights_only=False)
    assert (tmp_path / "marker").exists()


@given(st.integers(0, 2**32))
def test_cut_or_changed_checkpoints_get_a_sentence(tmp_path_factory, seed):
    folder = tmp_path_factory.mktemp("cut")
    chance = random.Random(seed)
    torch.save(TENSORS, folder / "x.ckpt")
    save_file(TENSORS, folder / "x.safetensors")
    for path in (folder / "x.ckpt", folder / "x.safetensors"):
        whole = path.read_bytes()
        path.write_bytes(whole[: chance.randrange(len(whole))])
        with pytest.raises(WeightsError, match=r"Download|older|pickle"):
            read_tensors(path)
        changed = bytearray(whole)
        at = chance.randrange(len(whole))
        changed[at] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        try:
            read = read_tensors(path)
        except WeightsError:
            continue
        # A safetensors file has no checksum of its own; a checkpoint's padding belongs to no tensor.
        assert path.suffix == ".safetensors" or same(read, TENSORS)


def test_damage_inside_a_tensor_is_found(checkpoint):
    data = bytearray(checkpoint.read_bytes())
    place = data.find(TENSORS["a"].view(torch.uint8).numpy().tobytes())
    assert place > 0
    data[place + 5000] ^= 4
    checkpoint.write_bytes(data)
    with pytest.raises(WeightsError, match="1 of its"):
        read_tensors(checkpoint)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.ckpt", b""), ("x.ckpt", b"hello world" * 500), ("x.ckpt", os.urandom(4000)), ("x.safetensors", b""),
        ("x.safetensors", b"\xff" * 100), ("x.gguf", b"GGUF"), ("x.pth", b"\x80\x04K\x01."),
    ],
)  # fmt: skip
def test_foreign_files_get_a_sentence(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError) as error:
        read_tensors(tmp_path / name)
    assert name in str(error.value) and str(error.value).endswith(".")


def test_checkpoints_that_hold_no_tensors_or_are_packed(tmp_path):
    torch.save({"a": 3}, tmp_path / "numbers.ckpt")
    with pytest.raises(WeightsError, match="no table of named tensors"):
        read_tensors(tmp_path / "numbers.ckpt")
    with zipfile.ZipFile(tmp_path / "bomb.ckpt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb/data.pkl", b"\0" * 10_000_000)
    with pytest.raises(WeightsError, match="packed"):
        read_tensors(tmp_path / "bomb.ckpt")
    with pytest.raises(WeightsError, match="no file"):
        read_tensors(tmp_path / "nowhere.ckpt")


def test_written_shards_are_what_other_programs_read(tmp_path):
    tensors = {
        "wide": torch.randn(40, 30).t(),
        "one": torch.tensor(2.5),
        "none": torch.zeros(0, 3),
        "yes": torch.tensor([True]),
        "flat": torch.zeros(()).expand(50, 20),
        "long": torch.arange(5),
        "half": torch.randn(33, 3).bfloat16(),
    }
    counted = []
    written = write_model(tensors, tmp_path, "m", shard_bytes=3000, progress=counted.append)
    files = shard_files(tmp_path, "m")
    assert len(files) > 2 and len(written) == len(files) + 1
    loaded = {name: tensor for path in files for name, tensor in load_file(path).items()}
    assert same(loaded, {name: t.contiguous() for name, t in tensors.items()})
    assert same(read_all(files), loaded)
    assert sum(counted) == sum(t.numel() * t.element_size() for t in tensors.values())
    assert all(w.path.stat().st_size == w.bytes for w in written)


def test_values_are_converted_on_the_way(tmp_path):
    write_model({"x": torch.tensor([1.0, 2.0]), "n": torch.arange(3)}, tmp_path, "m", dtype=torch.bfloat16)
    loaded = load_file(tmp_path / "m.safetensors")
    assert loaded["x"].dtype == torch.bfloat16 and loaded["n"].dtype == torch.int64


def test_an_index_that_lies_is_refused(tmp_path):
    index = tmp_path / "m.safetensors.index.json"
    for text in ("{", "[]", '{"weight_map": {"a": 3}}', '{"weight_map": {"a": "../m.safetensors"}}'):
        index.write_text(text)
        with pytest.raises(WeightsError):
            shard_files(tmp_path, "m")
    index.write_text(json.dumps({"weight_map": {"a": "missing.safetensors"}}))
    with pytest.raises(WeightsError, match=r"missing\.safetensors"):
        shard_files(tmp_path, "m")
