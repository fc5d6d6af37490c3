"""Recognition of a user's path: the release's checkpoint, an original Wan folder, or a diffusers folder.

Each is converted to `Component`s: tensors under the names of our classes, and the configurations of those classes.
Nothing is loaded: the tensors are memory-mapped files.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import init_empty_weights
from diffusers.loaders.single_file_utils import convert_wan_vae_to_diffusers
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from transformers import UMT5Config, UMT5EncoderModel

from model.checkpoints import config_inference, tensor_names
from model.checkpoints.released_transformer import matched_transformer
from model.checkpoints.shape_check import check_names
from model.checkpoints.tensor_files import TORCH_ENDINGS, Tensors, read_all, read_tensors, shard_files
from model.errors import WeightsError

_LIBRARIES = ("diffusers", "transformers", "model")
_COPIED = (".json", ".safetensors", ".txt", ".model")
WEIGHTS, TEXT_WEIGHTS = "diffusion_pytorch_model", "model"  # file names of diffusers and of transformers


@dataclass(frozen=True)
class Component:
    """One component of a pipeline: `tensors` to be written as `stem`, `texts` and `copies` by file name."""

    name: str
    library: str
    class_name: str
    stem: str = WEIGHTS
    tensors: Mapping[str, torch.Tensor] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    copies: Mapping[str, Path] = field(default_factory=dict)


def components_of(path: Path, **transformer: Any) -> dict[str, Component]:
    """Return component name -> component of everything found at `path`; `transformer` overrides its configuration.

    WeightsError when nothing is recognised, or what is found is damaged or incomplete.
    """
    if path.is_dir():
        if (path / "model_index.json").is_file():
            return _diffusers_folder(path, transformer)
        found = _original_folder(path, transformer)
        if found:
            return found
        raise WeightsError(
            f"{path} holds no model: there is neither a model_index.json, nor weights named like Wan's or Action "
            "Images'. Choose the folder into which the model was downloaded."
        )
    return {"transformer": _transformer(read_tensors(path), path.name, _settings_beside(path) | transformer)}


def backbone_settings(path: Path) -> dict[str, Any]:
    """Read the attention heads from a Wan folder of either layout, even without its transformer; {} if not stated."""
    for settings in (path / "config.json", path / "transformer" / "config.json"):
        if settings.is_file():
            values = _transformer_settings(_json(settings))
            return {name: values[name] for name in ("num_attention_heads", "attention_head_dim") if name in values}
    return {}


def _original_folder(path: Path, given: Mapping[str, Any]) -> dict[str, Component]:
    """Read Wan's own layout: config.json, diffusion_pytorch_model*.safetensors, Wan2.*_VAE.pth, models_t5_*.pth."""
    found: dict[str, Component] = {}
    weights = shard_files(path, WEIGHTS) or sorted(path.glob("*.ckpt"))
    if weights:
        settings = _settings_beside(weights[0]) | dict(given)
        found["transformer"] = _transformer(read_all(weights), weights[0].name, settings)
    for vae in _with_endings(path, "*VAE*"):
        found["vae"] = _vae(read_tensors(vae), vae.name)
    for text in _with_endings(path, "models_t5*"):
        found["text_encoder"] = _text_encoder(read_tensors(text), text.name)
    tokenizer = path / "google" / "umt5-xxl"
    if tokenizer.is_dir():
        found["tokenizer"] = _copied("tokenizer", tokenizer, "transformers", "T5TokenizerFast")
    return found


def _diffusers_folder(path: Path, given: Mapping[str, Any]) -> dict[str, Component]:
    index = _json(path / "model_index.json")
    found: dict[str, Component] = {}
    for name, entry in index.items():
        if not isinstance(entry, list) or len(entry) != 2 or not all(isinstance(part, str) for part in entry):
            continue
        folder = path / name
        if not folder.is_dir():
            raise WeightsError(f"{path} lacks its folder {name}. Download the model whole.")
        if name == "transformer":
            settings = _transformer_settings(_json(folder / "config.json")) | dict(given)
            files = _weight_files(folder, WEIGHTS)
            found[name] = _transformer(read_all(files), f"{path.name}/{name}", settings)
        else:
            found[name] = _copied(name, folder, *entry)
    return found


def _transformer(tensors: Tensors, what: str, settings: Mapping[str, Any]) -> Component:
    tensors, model = matched_transformer(tensors, what, **settings)
    return Component(
        "transformer", "model.networks.transformer", "ActionImagesTransformer", WEIGHTS, tensors,
        {"config.json": model.to_json_string()},
    )  # fmt: skip


def _vae(tensors: Tensors, what: str) -> Component:
    if any(name.startswith("encoder.downsamples.0.downsamples.") for name in tensors):
        names = tensor_names.renamed(tensors, tensor_names.VAE)
        tensors = {names[name]: tensor for name, tensor in tensors.items()}
        config = config_inference.vae_config(_shapes(tensors), what)
    else:  # Wan 2.1's, the defaults of diffusers' class
        tensors, config = convert_wan_vae_to_diffusers(dict(tensors)), {}
    model = _check_vae(tensors, what, config)
    return Component("vae", "diffusers", "AutoencoderKLWan", WEIGHTS, tensors, {"config.json": model.to_json_string()})


def _text_encoder(tensors: Tensors, what: str) -> Component:
    names = tensor_names.renamed(tensors, tensor_names.TEXT_ENCODER)
    tensors = {names[name]: tensor for name, tensor in tensors.items()}
    config = UMT5Config(**config_inference.text_encoder_config(_shapes(tensors), what))
    config.architectures = ["UMT5EncoderModel"]
    with init_empty_weights():
        model = UMT5EncoderModel(config)
    tied = "encoder.embed_tokens.weight"  # tied to `shared.weight`
    check_names(what, {name: t for name, t in model.state_dict().items() if name != tied}, tensors)
    return Component(
        "text_encoder", "transformers", "UMT5EncoderModel", TEXT_WEIGHTS, tensors,
        {"config.json": config.to_json_string(use_diff=False)},
    )  # fmt: skip


def _copied(name: str, folder: Path, library: str, class_name: str) -> Component:
    """Return a component that is copied unchanged: configurations, vocabularies and safetensors, no code."""
    if library.split(".")[0] not in _LIBRARIES:
        raise WeightsError(f"The model asks for a part {name} from {library}, which is refused. Use a published model.")
    files = {f.name: f for f in sorted(folder.iterdir()) if f.is_file() and f.suffix in _COPIED}
    weights = [path for path in files.values() if path.suffix == ".safetensors"]
    if class_name == "AutoencoderKLWan":
        _check_vae(read_all(weights), f"{folder.parent.name}/{name}", _json(folder / "config.json"))
    else:
        read_all(weights)  # validates that files are complete and names unique
    return Component(name, library, class_name, copies=files)


def _check_vae(tensors: Tensors, what: str, config: Mapping[str, Any]) -> AutoencoderKLWan:
    try:
        with init_empty_weights():
            model = AutoencoderKLWan.from_config(dict(config))
    except (ValueError, TypeError, RuntimeError, LookupError, ZeroDivisionError, AssertionError) as error:
        raise WeightsError(f"{what} describes an autoencoder that cannot be built ({error}).") from error
    assert isinstance(model, AutoencoderKLWan)
    check_names(what, model.state_dict(), tensors)
    return model


def _weight_files(folder: Path, stem: str) -> list[Path]:
    files = shard_files(folder, stem)
    if not files:
        raise WeightsError(f"There is no {stem}.safetensors in {folder}. Download the model whole.")
    return files


def _settings_beside(weights: Path) -> dict[str, Any]:
    """Read what Wan's own config.json adds to the tensors: the number of heads, and eps."""
    path = weights.with_name("config.json")
    return _transformer_settings(_json(path)) if path.is_file() else {}


def _transformer_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    names = {"num_heads": "num_attention_heads", "eps": "eps"}
    ours = ("num_attention_heads", "attention_head_dim", "eps", "rope_max_seq_len", "qk_norm")
    ours += ("camera", "camera_channels", "camera_pool", "timestep_per_token", "two_stage", "prediction")
    ours += ("segment_layers", "relative_rgb", "kept_positions", "in_channels", "out_channels")
    return {names.get(name, name): value for name, value in values.items() if name in names or name in ours}


def _with_endings(folder: Path, pattern: str) -> list[Path]:
    files = [path for path in sorted(folder.glob(pattern)) if path.suffix in (*TORCH_ENDINGS, ".safetensors")]
    if len(files) > 1:
        raise WeightsError(f"{folder} holds several files {pattern}: {', '.join(f.name for f in files)}. Keep one.")
    return files


def _json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WeightsError(f"There is no {path.name} in {path.parent}. Download the model whole.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path} is damaged. Download it again.") from error
    if not isinstance(values, dict):
        raise WeightsError(f"{path} is damaged. Download it again.")
    return values


def _shapes(tensors: Mapping[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}
