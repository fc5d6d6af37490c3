"""`rehearse model ...` as a user types it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from test_checkpoints import original_wan

import main
from benchmarks.model.layouts import TinyWan, random_tensors, transformer_shapes

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def release(tmp_path):
    size = TinyWan(in_channels=6, out_channels=6, pool=(6, 4, 4))
    torch.save(random_tensors(transformer_shapes(size)), tmp_path / "release.ckpt")
    return tmp_path / "release.ckpt"


def test_import_and_check(tmp_path, release, capsys):
    wan, made = original_wan(tmp_path / "wan"), tmp_path / "models" / "made"
    arguments = ["model", "import", str(release), "--to", str(made), "--backbone", str(wan), "--json"]
    assert main.main(arguments) == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert answer["missing"] == [] and answer["folder"] == str(made) and "writing" in err
    assert main.main(["model", "check", str(made)]) == 0
    assert "all as they were imported" in capsys.readouterr().out
    (made / "vae" / "config.json").write_text("{}")
    assert main.main(["model", "check", str(made)]) == 1
    assert "vae/config.json" in capsys.readouterr().err


def test_without_the_backbone_it_says_so(tmp_path, release, capsys):
    assert main.main(["model", "import", str(release), "--to", str(tmp_path / "made")]) == 1
    assert "--heads" in capsys.readouterr().err
    assert main.main(["model", "import", str(release), "--to", str(tmp_path / "made"), "--heads", "2"]) == 0
    assert "Missing, before it can generate: vae, text_encoder, tokenizer" in capsys.readouterr().out


def test_a_payload_is_one_sentence_and_exit_code_1(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'marker'}",)

    torch.save({"state_dict": Evil()}, tmp_path / "evil.ckpt")
    command = [
        sys.executable,
        "main.py",
        "model",
        "import",
        str(tmp_path / "evil.ckpt"),
        "--to",
        str(tmp_path / "made"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stdout == "" and "Traceback" not in done.stderr
    assert "could run a program" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"evil.ckpt"}


def test_unknown_names_and_missing_arguments(tmp_path, capsys):
    assert main.main(["model", "fetch", "gpt", "--to", str(tmp_path / "made")]) == 1
    assert "There are action-images" in capsys.readouterr().err
    assert main.main(["model", "check", str(tmp_path)]) == 1
    assert "no manifest" in capsys.readouterr().err
    for arguments in (["model"], ["model", "import", "x.ckpt"], ["model", "dance"]):
        with pytest.raises(SystemExit) as ended:
            main.main(arguments)
        assert ended.value.code == 2
