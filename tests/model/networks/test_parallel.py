"""A generation on two processes equals the generation of one."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from model_scenes import scene
from parallel_worker import PER_TOKEN

from model.errors import ModelError
from model.generation.untrained import tiny_pipeline
from model.training.launch import launch

HERE = Path(__file__).parent
TOKENS = 8 * 4 * 4  # of the whole canvas


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "seen"),
    [("guidance", [TOKENS] * 3), ("sequence", [TOKENS // 2] * 6)],  # one of two passes a step; or half of both
)
def test_two_processes(how, seen, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE.parents[2]), str(HERE.parent)]))
    launch([sys.executable, str(HERE / "parallel_worker.py"), how, str(tmp_path)], 2, timeout=100)
    for name, transformer in {"release": {}, "per_token": PER_TOKEN}.items():
        alone = tiny_pipeline(transformer=transformer)("pick it up", scene(), seed=1)
        for rank in range(2):
            shared = np.load(tmp_path / f"{name}{rank}.npz")
            assert np.abs(shared["action"].astype(int) - alone.action).max() <= 1
            assert np.abs(shared["rgb"].astype(int) - alone.rgb).max() <= 1
            assert shared["tokens"].tolist() == seen


def test_without_processes():
    with pytest.raises(ModelError, match="torchrun"):
        tiny_pipeline().use_parallel(guidance=True)
