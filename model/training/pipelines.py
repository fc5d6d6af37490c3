"""Conversion of a pipeline to its training objective, and of the trained result back to a pipeline folder."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from model.errors import ModelError
from model.networks.text_encoding import cleaned, encode_text
from model.training.cache import TensorCache, fingerprint
from model.training.flow_matching import FlowMatchingObjective
from model.training.loop import load_averaged
from model.training.parameters import train_everything
from model.training.settings import FlowMatching


def objective_of(pipeline: Any, settings: FlowMatching, *, train_text: bool = False) -> FlowMatchingObjective:
    """Build the objective of an ActionImagesPipeline's transformer, and of its text encoder with `train_text`.

    The trained part of the transformer is chosen beforehand, with `parameters.train_...`. Without `train_text` batches
    hold their embeddings (see `embed_texts`), and the text encoder need not stay in memory.
    """
    if train_text:
        train_everything(pipeline.text_encoder)
        length = int(pipeline.config.max_text_length)
        return FlowMatchingObjective(
            pipeline.transformer,
            settings,
            text_encoder=pipeline.text_encoder,
            tokenizer=pipeline.tokenizer,
            text_length=length,
        )
    return FlowMatchingObjective(pipeline.transformer, settings, empty_text=embed_texts(pipeline, [""])[0])


@torch.no_grad()
def embed_texts(pipeline: Any, instructions: Sequence[str], cache: TensorCache | None = None) -> torch.Tensor:
    """Embed instructions as (B, max_text_length, text_dim), each computed only once with a cache."""
    length = int(pipeline.config.max_text_length)
    encoder, tokenizer = pipeline.text_encoder, pipeline.tokenizer

    def one(text: str) -> torch.Tensor:
        return encode_text(tokenizer, encoder, [text], length)[0]

    texts = [cleaned(instruction) for instruction in instructions]
    if cache is None:
        return torch.stack([one(text) for text in texts])
    model = fingerprint(encoder, length)
    return torch.stack([cache.get(fingerprint(model, t), lambda t=t: {"text": one(t)})["text"] for t in texts])


def save_trained(pipeline: Any, objective: torch.nn.Module, checkpoint: Path, folder: Path) -> None:
    """Write the pipeline with a checkpoint's averaged weights atomically into `folder`, which must not exist.

    `objective` is the one that was trained, and keeps these weights. ModelError when writing fails.
    """
    if folder.exists():
        raise ModelError(f"{folder} already exists. Choose another name for the trained model.")
    load_averaged(objective, checkpoint)
    part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        pipeline.save_pretrained(part)
        part.rename(folder)
    except OSError as error:
        raise ModelError(f"The trained model cannot be written to {folder}: {error.strerror}. Make room, or choose "
                         "another folder; the checkpoint is still there.") from error  # fmt: skip
    finally:
        shutil.rmtree(part, ignore_errors=True)
