"""Conversion of the published transformers, in the original or diffusers' naming, to our transformer."""

from collections.abc import Mapping
from typing import Any

import torch
from accelerate import init_empty_weights

from model.checkpoints import tensor_names
from model.checkpoints.config_inference import transformer_config
from model.checkpoints.shape_check import check_names
from model.checkpoints.tensor_files import Tensors
from model.errors import WeightsError
from model.networks.transformer import ActionImagesTransformer

_CAMERA = (".attn1.cam_encoder.", ".attn1.projector.")
# diffusers' image-to-video files hold a norm that neither its class nor the original code uses.
_UNUSED = ".attn2.norm_added_q."


def from_released(state_dict: Mapping[str, torch.Tensor], **config: Any) -> ActionImagesTransformer:
    """Build the transformer from published weights: Action Images', or Wan's with an inactive camera branch.

    `state_dict` may have the original names or diffusers', and is shared, not copied. The configuration is inferred
    from the tensors' shapes; `config` (arguments of ActionImagesTransformer) takes precedence, and must name
    `num_attention_heads` of a model whose width is no multiple of 128. WeightsError names the tensors that do not fit.
    """
    tensors, model = matched_transformer(state_dict, "The file", **config)
    model.load_state_dict(tensors, strict=True, assign=True)
    return model


def matched_transformer(
    state_dict: Mapping[str, torch.Tensor], what: str, **config: Any
) -> tuple[Tensors, ActionImagesTransformer]:
    """Return the tensors under our transformer's names, and that transformer without weights (on the meta device)."""
    names = tensor_names.renamed(state_dict, tensor_names.TRANSFORMER)
    tensors = {names[name]: tensor for name, tensor in state_dict.items() if _UNUSED not in names[name]}
    if len(tensors) < sum(_UNUSED not in name for name in names.values()):
        raise WeightsError(f"{what} holds the same tensors twice, in the original names and in diffusers'.")
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    model = empty_transformer(transformer_config(shapes, what, **config), what)
    expected = model.state_dict()
    if not any(part in name for name in tensors for part in _CAMERA):
        tensors |= {name: idle_camera(name, tensor, tensors) for name, tensor in expected.items() if _is_camera(name)}
    check_names(what, expected, tensors)
    return tensors, model


def empty_transformer(config: Mapping[str, Any], what: str) -> ActionImagesTransformer:
    """Build our transformer on the meta device, with its position tables in memory."""
    try:
        with init_empty_weights():
            return ActionImagesTransformer(**config)
    except (ValueError, TypeError, ZeroDivisionError, RuntimeError, IndexError) as error:
        raise WeightsError(f"{what} describes a transformer that cannot be built ({error}).") from error


def idle_camera(name: str, like: torch.Tensor, others: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return a tensor of a camera branch without effect: the identity, or zeros that take no memory."""
    dtype = next(iter(others.values())).dtype
    if name.endswith("projector.weight"):
        return torch.eye(like.shape[0], dtype=dtype)
    return torch.zeros((), dtype=dtype).expand(like.shape)


def _is_camera(name: str) -> bool:
    return any(part in name for part in _CAMERA)
