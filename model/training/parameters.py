"""Selection of the trained parameters, and of their optimisers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from peft import LoraConfig
from torch import nn

from model.errors import ModelError
from model.training.objectives import trained
from model.training.settings import TrainingSettings

# Parts that the release trains when it does not train everything.
RELEASE_PARTS = ("cam_encoder", "projector", "attn1", "condition_embedder.text_embedder")
LORA_TARGETS = ("to_q", "to_k", "to_v", "to_out.0", "projector", "ffn.net.0.proj", "ffn.net.2")


@dataclass(frozen=True)
class Lora:
    """Low-rank updates of the linear layers whose names end in one of `targets`; `name` is the adapter's."""

    rank: int = 16
    alpha: int = 16
    targets: tuple[str, ...] = LORA_TARGETS
    name: str = "default"


def train_everything(transformer: nn.Module) -> None:
    """Train every parameter, in float32: bfloat16 would lose small updates to rounding."""
    transformer.requires_grad_(True).float()


def train_parts(transformer: nn.Module, parts: tuple[str, ...] = RELEASE_PARTS) -> None:
    """Train the parameters whose names contain one of `parts`, in float32; the others are frozen."""
    transformer.requires_grad_(False)
    chosen = [p for name, p in transformer.named_parameters() if any(part in name for part in parts)]
    if not chosen:
        raise ModelError(f"The transformer has no parameters called {', '.join(parts)}: there is nothing to train.")
    for parameter in chosen:
        parameter.requires_grad_(True)
        parameter.data = parameter.data.float()


def train_lora(transformer: Any, lora: Lora = Lora(), seed: int = 0) -> None:
    """Add low-rank adapters to an ActionImagesTransformer and train only them, in float32.

    The same seed gives the same initial values. Save them with `transformer.save_lora_adapter(folder)`.
    """
    transformer.requires_grad_(False)
    config = LoraConfig(r=lora.rank, lora_alpha=lora.alpha, target_modules=list(lora.targets))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        transformer.add_adapter(config, adapter_name=lora.name)
    for parameter in trained(transformer).values():
        parameter.data = parameter.data.float()


def optimisers(module: nn.Module, settings: TrainingSettings) -> list[torch.optim.Optimizer]:
    """Build the optimisers of `module`'s trainable parameters; `rate_share` is each group's share of the learning rate.

    With "muon", matrices inside `blocks` use Muon (Jordan 2024, scaled to AdamW's update size as in Moonlight), the
    others AdamW. Vectors (norms, biases, tables) have no weight decay.
    """
    groups: dict[tuple[str, float, bool], list[tuple[str, nn.Parameter]]] = {}
    for name, parameter in trained(module).items():
        muon = settings.optimiser == "muon" and parameter.ndim == 2 and ".blocks." in f".{name}"
        share = 1.0 if muon or settings.optimiser == "adamw" else settings.other_rate
        if "text_encoder." in name:
            muon, share = False, settings.text_rate
        key = ("muon" if muon else "adamw", share, parameter.ndim >= 2)
        groups.setdefault(key, []).append((name, parameter))
    if not groups:
        raise ModelError("Nothing in the model is set to be trained.")
    decay = settings.weight_decay
    parts: dict[str, list[dict[str, Any]]] = {"muon": [], "adamw": []}
    for (kind, share, decayed), members in groups.items():
        parts[kind].append({"params": members, "rate_share": share, "weight_decay": decay if decayed else 0.0})
    made: list[torch.optim.Optimizer] = []
    if parts["muon"]:
        made.append(torch.optim.Muon(parts["muon"], lr=settings.learning_rate, adjust_lr_fn="match_rms_adamw"))
    if parts["adamw"]:
        made.append(torch.optim.AdamW(parts["adamw"], lr=settings.learning_rate, betas=(0.9, 0.95)))
    return made


def set_rate(made: list[torch.optim.Optimizer], rate: float) -> None:
    """Set every group's learning rate to its share of `rate`."""
    for optimiser in made:
        for group in optimiser.param_groups:
            group["lr"] = rate * group["rate_share"]


def optimiser_tensors(made: list[torch.optim.Optimizer]) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the whole state, as `<optimiser> <parameter> <entry>` and tensor."""
    for i, optimiser in enumerate(made):
        for group in optimiser.param_groups:
            for name, parameter in zip(group["param_names"], group["params"], strict=True):
                for entry, value in optimiser.state.get(parameter, {}).items():
                    yield f"{i} {name} {entry}", torch.as_tensor(value)


def load_optimiser_tensors(made: list[torch.optim.Optimizer], tensors: Mapping[str, torch.Tensor]) -> None:
    """Restore the state from `optimiser_tensors`. ModelError when it belongs to other parameters."""
    wanted: dict[str, tuple[torch.optim.Optimizer, nn.Parameter]] = {}
    for i, optimiser in enumerate(made):
        for group in optimiser.param_groups:
            for name, parameter in zip(group["param_names"], group["params"], strict=True):
                wanted[f"{i} {name}"] = (optimiser, parameter)
                optimiser.state.pop(parameter, None)
    for key, tensor in tensors.items():
        owner, _, entry = key.rpartition(" ")
        if owner not in wanted:
            raise ModelError(f"The checkpoint's optimiser state {key!r} fits no parameter of this model.")
        optimiser, parameter = wanted[owner]
        # AdamW counts its steps on the CPU in float32, wherever the parameter is.
        kept = tensor.clone() if entry == "step" else tensor.to(parameter.device, copy=True)
        optimiser.state[parameter][entry] = kept
