"""Text embeddings of instructions, with the same interface for UMT5-XXL and for the embedded model's byte encoder.

Both are a tokenizer and a T5 encoder of transformers; the small one is trained jointly with the transformer.
"""

import re
from typing import Any

import torch
from diffusers.pipelines.wan.pipeline_wan import prompt_clean
from diffusers.utils.torch_utils import get_module_execution_device
from transformers import ByT5Tokenizer, T5Config, T5EncoderModel

from model.errors import ModelError
from model.networks.sizes import BYTE_ENCODER

# No instruction for an arm needs more; longer texts were pasted into the field by mistake.
LONGEST_CHARACTERS = 1000


def cleaned(instruction: str) -> str:
    """Clean the instruction like the release's training: no full stops, no underscores, single spaces."""
    text = prompt_clean(instruction.replace(".", "").replace("_", " "))
    return re.sub(r"\s+", " ", text).strip()


def checked(instruction: str, tokenizer: Any, longest: int) -> str:
    """Clean and validate the instruction; ModelError when it is empty, or longer than `longest` tokens."""
    text = cleaned(instruction[: 10 * LONGEST_CHARACTERS])
    if not text:
        raise ModelError('The instruction is empty. Say what the arm should do, for example "pick up the red cube".')
    if len(instruction) <= LONGEST_CHARACTERS:
        tokens = len(tokenizer([text]).input_ids[0])
        if tokens <= longest:
            return text
        raise ModelError(
            f"The instruction has {len(instruction)} characters ({tokens} of the model's units of text), and the model "
            f"reads at most {longest} units. Shorten it."
        )
    raise ModelError(
        f"The instruction has {len(instruction)} characters; one or two sentences are meant, at most "
        f"{LONGEST_CHARACTERS} characters. Shorten it."
    )


def encode_text(tokenizer: Any, text_encoder: Any, texts: list[str], longest: int) -> torch.Tensor:
    """Embed cleaned texts as (B, longest, d), zero-padded after each text's end, as Wan expects.

    Longer texts are truncated. With gradients where enabled: the small encoder is trained through this.
    """
    tokens = tokenizer(texts, padding="max_length", max_length=longest, truncation=True, return_tensors="pt")
    # Padding is not encoded: the longest text of the batch determines the length.
    used = max(int(tokens.attention_mask.sum(dim=1).max()), 1)
    device = get_module_execution_device(text_encoder)
    ids, mask = tokens.input_ids[:, :used].to(device), tokens.attention_mask[:, :used].to(device)
    states = text_encoder(ids, attention_mask=mask).last_hidden_state
    states = states * mask[..., None].to(states)
    return torch.nn.functional.pad(states, (0, 0, 0, longest - used))


def byte_tokenizer() -> ByT5Tokenizer:
    """Build the embedded model's tokenizer: UTF-8 bytes and an end token."""
    return ByT5Tokenizer()


def byte_encoder(**changes: Any) -> T5EncoderModel:
    """Build the embedded model's text encoder, untrained; `changes` to sizes.BYTE_ENCODER."""
    return T5EncoderModel(T5Config(**{**BYTE_ENCODER, **changes}))
