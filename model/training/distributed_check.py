"""Check that a distributed run has the same losses as an undivided one, for `rehearse benchmark model`.

As a module, `python -m model.training.distributed_check FOLDER STEPS`, it is one process of the distributed run.
"""

import sys
import tempfile
from pathlib import Path

import torch

from model.networks.sizes import TINY
from model.networks.transformer import ActionImagesTransformer
from model.training.batches import Batch, repeated
from model.training.flow_matching import FlowMatchingObjective
from model.training.launch import launch
from model.training.loop import train
from model.training.metrics import read_metrics
from model.training.parameters import train_everything
from model.training.settings import FlowMatching, NoiseLevels, TrainingSettings


def two_process_loss_error(steps: int = 10) -> float:
    """Return the largest difference between the losses of a run in two gloo processes and of the same run in one."""
    with tempfile.TemporaryDirectory(prefix="rehearse-training-") as folder:
        losses = []
        for processes in (1, 2):
            run = Path(folder) / str(processes)
            launch(
                [sys.executable, "-m", "model.training.distributed_check", str(run), str(steps)], processes, timeout=600
            )
            losses.append([line["loss"] for line in read_metrics(run)])
        assert len(losses[0]) == len(losses[1]) == steps
        return max(abs(one - two) for one, two in zip(*losses, strict=True))


def _divided_run(folder: Path, steps: int) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = ActionImagesTransformer(**TINY)
    train_everything(network)
    channels, text = TINY["in_channels"], TINY["text_dim"]
    batches = []
    for _ in range(2):
        rgb, action = torch.randn(2, 8, 2, channels, 3, 8, 8)
        camera = torch.randn(8, 2, 3, TINY["camera_channels"], 8, 8)
        batches.append(Batch(rgb, action, camera, ("",) * 8, torch.randn(8, 6, text)))
    settings = FlowMatching(noise=NoiseLevels(share_at_one=0.2))
    taught = FlowMatchingObjective(network, settings, empty_text=torch.zeros(6, text))
    how = TrainingSettings(steps=steps, learning_rate=1e-4, precision="fp32", log_every=1)
    train(taught, repeated(batches), how, folder)


if __name__ == "__main__":
    _divided_run(Path(sys.argv[1]), int(sys.argv[2]))
