"""Loading of a pipeline from its folder: checked, with its memory estimated first, on the best available device."""

import contextlib
import json
from pathlib import Path
from typing import Any

import torch
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from model.checkpoints import manifest
from model.checkpoints.default_weights import model_folder
from model.checkpoints.memory_estimate import available_memory, check_memory, gigabytes, needed_to_load
from model.errors import ModelError, ModelMemoryError, WeightsError
from model.generation.pipeline import ActionImagesPipeline
from model.networks.cpu_autocast import choose_autocast

_NEEDED = ("transformer", "vae", "text_encoder", "tokenizer", "scheduler")
_LIBRARIES = ("diffusers", "transformers", "model")
# A CPU computes as fast in 32 bits as in 16; a model of this size would not fit twice.
_LARGE = 8 << 30


def best_device() -> str:
    """Return "cuda" where torch can use a GPU, else "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def load_pipeline(folder: Path | str, device: str | None = None) -> ActionImagesPipeline:
    """Load the pipeline in a folder, or "embedded", the program's own, on `device`.

    On a GPU that is too small for the whole pipeline, its components are offloaded to the CPU in turn. Raises
    ModelError when the folder holds no complete model, ModelMemoryError when the machine cannot hold it.
    """
    folder = model_folder(folder)
    check_folder(folder)
    device = device or best_device()
    needed = needed_to_load(folder)
    small = torch.float32 if device == "cpu" and needed < _LARGE else torch.bfloat16
    needed = needed_to_load(folder, small.itemsize)
    check_memory(folder, value_bytes=small.itemsize)
    # Wan's VAE loses detail in 16 bits.
    dtypes: Any = {"default": small, "vae": torch.float32} if small != torch.float32 else small
    with _quietly():
        try:
            pipeline = ActionImagesPipeline.from_pretrained(
                folder, dtype=dtypes, use_safetensors=True, local_files_only=True
            )
        except (OSError, ValueError, TypeError, LookupError, AttributeError, ImportError) as error:
            raise WeightsError(f"The model in {folder} cannot be loaded ({error}). Import it again.") from error
    pipeline.set_progress_bar_config(disable=True)
    if small == torch.float32:
        choose_autocast(pipeline.transformer, torch.device(device))
    return _placed(pipeline, device, needed)


def check_folder(folder: Path) -> None:
    """Raise ModelError unless the folder holds all components of a pipeline, of manifest size and of known classes."""
    if not (folder / "model_index.json").is_file():
        raise ModelError(f"There is no model in {folder}. Import one with `rehearse model import`, or fetch one.")
    manifest.check(folder, contents=False)
    try:
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
        parts = {name: entry for name, entry in index.items() if isinstance(entry, list) and entry != [None, None]}
    except (OSError, ValueError, AttributeError) as error:
        raise WeightsError(f"{folder / 'model_index.json'} is damaged. Import the model again.") from error
    for name, entry in parts.items():
        if str(entry[0]).split(".")[0] not in _LIBRARIES:
            raise WeightsError(f"The model asks for a part {name} from {entry[0]}, which is refused.")
    missing = [name for name in _NEEDED if name not in parts or not (folder / name).is_dir()]
    if missing:
        raise ModelError(
            f"The model in {folder} lacks its {', '.join(missing)}. Import it again with --backbone and the folder of "
            "Wan2.2-TI2V-5B."
        )


def _placed(pipeline: ActionImagesPipeline, device: str, needed: int) -> ActionImagesPipeline:
    if not device.startswith("cuda"):
        return pipeline.to(device)
    free, _ = torch.cuda.mem_get_info()
    try:
        if needed < 0.8 * free:  # the rest is for the canvas
            return pipeline.to(device)
        if needed > available_memory():
            raise ModelMemoryError(
                f"The model needs {gigabytes(needed)}, and neither the GPU ({gigabytes(free)} free) nor the memory "
                f"({gigabytes(available_memory())} free) holds it. Choose a smaller model."
            )
        pipeline.enable_model_cpu_offload(device=device)
    except torch.OutOfMemoryError as error:
        raise ModelMemoryError(f"The GPU has no room for the model ({gigabytes(needed)}). Free its memory.") from error
    return pipeline


@contextlib.contextmanager
def _quietly():
    """Disable the libraries' progress bars."""
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        diffusers_logging.enable_progress_bar()
        transformers_logging.enable_progress_bar()
