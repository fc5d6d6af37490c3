"""Generation on several GPUs: tokens split by diffusers' context parallelism, guidance split over two groups.

Every process runs the same program on the same request (started with torchrun); all obtain the same result.
"""

from dataclasses import dataclass
from typing import Any

import torch
from diffusers.models._modeling_parallel import ContextParallelConfig
from torch import distributed
from torch.distributed.device_mesh import init_device_mesh

from model.errors import ModelError


@dataclass(frozen=True)
class Parallel:
    """`sequence` processes share a forward pass; with `guidance`, twice as many, one half without the instruction."""

    sequence: int
    guidance: bool
    guidance_group: Any = None


def parallelise(transformer: Any, *, sequence: int = 1, guidance: bool = False) -> Parallel:
    """Distribute a transformer's work over all processes of the (initialised) default group.

    `sequence` must divide the attention heads (Ulysses: every process attends with some of them). Raises ModelError
    when the number of processes is not sequence * (2 with guidance).
    """
    if not distributed.is_initialized():
        raise ModelError("Several GPUs need one process each. Start the program with torchrun.")
    groups = 2 if guidance else 1
    world = distributed.get_world_size()
    if world != groups * sequence:
        raise ModelError(
            f"{sequence} parts of the sequence{' with guidance apart' if guidance else ''} need {groups * sequence} "
            f"processes, and there are {world}. Start as many."
        )
    heads = transformer.config.num_attention_heads
    if heads % sequence:
        raise ModelError(f"{heads} attention heads cannot be divided among {sequence} processes. Choose a divisor.")
    device = torch.accelerator.current_accelerator() or torch.device("cpu")
    mesh = init_device_mesh(device.type, (groups, 1, sequence), mesh_dim_names=("guidance", "ring", "ulysses"))
    if sequence > 1:
        transformer.enable_parallelism(
            config=ContextParallelConfig(ulysses_degree=sequence, ulysses_anything=True, mesh=mesh["ring", "ulysses"])
        )
    return Parallel(sequence, guidance, mesh["guidance"].get_group() if guidance else None)
