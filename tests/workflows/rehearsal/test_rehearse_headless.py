"""`rehearse run` as a user types it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from patience import PATIENT

from workflows.rehearsal import command
from workflows.rehearsal.command import Request

ROOT = Path(__file__).parents[3]


def rehearse(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run with the lab's script, unless another source is asked for."""
    command = [sys.executable, "main.py", "run", "--source", "demonstrator", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)


def test_with_approval_it_is_run_and_judged(tmp_path):
    request = Request("reach the red cube", "demonstrator", seed=200_003, approve=True, library=tmp_path)
    result = command.rehearse(request, deadlines=PATIENT)
    json.dumps(result, allow_nan=False)
    assert result["ran"] and result["success"] is True, result
    assert result["tracking_error_p95_mm"] >= 0
    assert set(result["seconds"]) >= {"open", "scene", "propose", "plan", "approve", "run", "total"}
    assert Path(result["folder"]).parent.parent == tmp_path


def test_without_approval_nothing_moves(tmp_path):
    done = rehearse("reach the red cube", "--seed", "200003", "--library", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "Nothing has moved" in done.stdout


@pytest.mark.parametrize("mode", ["policy", "joint"])
def test_the_model_that_comes_with_the_program_answers_with_its_video_when_asked(tmp_path, mode):
    asked = ("--source", "model", "--mode", mode, "--generation-seed", "0", "--json", "--library", str(tmp_path))
    done = rehearse("reach the red cube", "--seed", "200003", *asked)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["source"], result["executable"], result["ran"]) == ("model", True, False)
    kept = {path.name for path in Path(result["folder"]).iterdir()}
    assert "action.mp4" in kept and ("rgb.mp4" in kept) == (mode == "joint")


def test_what_is_missing_gets_a_sentence(tmp_path):
    done = rehearse("reach the red cube", "--seed", "1", "--source", "replay", "--library", str(tmp_path))
    assert done.returncode == 1 and done.stdout == ""
    assert "--trajectory" in done.stderr and "Traceback" not in done.stderr
