"""One of two processes that share a generation: writes the images, and its blocks' number of tokens per pass."""

import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
from model_scenes import scene

from model.generation.untrained import tiny_pipeline

# One timestep per frame and one ray per token take other paths through the network than the release's.
PER_TOKEN = {"timestep_per_token": True, "camera": "per_token", "camera_channels": 6}


def main(how: str, folder: Path) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo")
    rank = torch.distributed.get_rank()
    # diffusers spreads processes over accelerators, of which this machine may have none.
    torch.accelerator.device_count = torch.distributed.get_world_size
    for name, transformer in {"release": {}, "per_token": PER_TOKEN}.items():
        pipeline = tiny_pipeline(transformer=transformer)
        pipeline.use_parallel(sequence=1 if how == "guidance" else 2, guidance=how == "guidance")
        tokens = []
        count = partial(lambda seen, _, args, output: seen.append(output.shape[1]), tokens)
        pipeline.transformer.blocks[0].register_forward_hook(count)
        result = pipeline("pick it up", scene(), seed=1)
        np.savez(folder / f"{name}{rank}.npz", action=result.action, rgb=result.rgb, tokens=tokens)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
