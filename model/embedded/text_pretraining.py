"""Pretraining of the text encoder: classification of an instruction's content, before any images.

Grounding the named object in an image is hard to learn for a model that cannot read yet, and reading is quick to learn
alone. The classification heads are discarded; the encoder is trained further with the transformer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from model.embedded.scene_data import SceneData
from model.networks.text_encoding import cleaned
from model.training.objectives import Loss, figure
from model.training.step_rng import StepRng


@dataclass(frozen=True)
class Texts:
    """Instructions (B,), and their content as class indices (B, 4)."""

    instructions: tuple[str, ...]
    asked: torch.Tensor

    def __len__(self) -> int:
        return len(self.instructions)


def parts_asked(asked: tuple[str, str, str]) -> tuple[str, str, str, str]:
    """Split into kind of task, the object's first word ("" when it has only one), its last word, and the goal."""
    kind, thing, goal = asked
    words = thing.split()
    return kind, words[0] if len(words) > 1 else "", words[-1], goal


class TextObjective(nn.Module):
    """Cross entropy of the four parts, each classified by a linear head on the mean of the text's hidden states."""

    def __init__(self, text_encoder: Any, tokenizer: Any, text_dim: int, classes: Sequence[int], seed: int = 0):
        super().__init__()
        self.text_encoder, self._tokenizer = text_encoder, tokenizer
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.heads = nn.ModuleList(nn.Linear(text_dim, count) for count in classes)

    def forward(self, batch: Texts, moment: StepRng) -> Loss:
        tokens = self._tokenizer(list(batch.instructions), padding=True, return_tensors="pt").to(batch.asked.device)
        states = self.text_encoder(tokens.input_ids, attention_mask=tokens.attention_mask).last_hidden_state
        mask = tokens.attention_mask[..., None].to(states)
        mean = (states * mask).sum(1) / mask.sum(1)
        said = [head(mean).float() for head in self.heads]
        losses = [nn.functional.cross_entropy(one, batch.asked[:, i]) for i, one in enumerate(said)]
        right = torch.stack([one.argmax(1) == batch.asked[:, i] for i, one in enumerate(said)]).all(0)
        loss = torch.stack(losses).sum()
        return Loss(loss, {"loss": figure(loss[None]), "right": figure(right)})


class TextBatches:
    """Batches of instructions from the motions, balanced over the kinds of task."""

    def __init__(self, shots: SceneData, batch: int, seed: int):
        self.batch_size, self.seed = batch, seed
        parts = [parts_asked(asked) for asked in shots.asked]
        self._classes = [sorted({one[i] for one in parts}) for i in range(4)]
        self._asked = np.array([[names.index(p) for names, p in zip(self._classes, one, strict=True)] for one in parts])
        self._instructions = shots.instructions
        kinds = self._asked[:, 0]
        self._chances = 1.0 / np.bincount(kinds)[kinds] / len(set(kinds))

    @property
    def classes(self) -> list[int]:
        """Number of classes of each part."""
        return [len(names) for names in self._classes]

    def __call__(self, first: int, process: int, processes: int) -> Iterator[Texts]:
        while True:
            generator = np.random.default_rng([self.seed, first, 0x7EAD])
            chosen = generator.choice(len(self._asked), self.batch_size, p=self._chances)
            which = generator.random(self.batch_size)
            texts = [
                cleaned(self._instructions[m][int(w * len(self._instructions[m]))])
                for m, w in zip(chosen, which, strict=True)
            ]
            own = slice(process * self.batch_size // processes, (process + 1) * self.batch_size // processes)
            yield Texts(tuple(texts[own]), torch.from_numpy(self._asked[chosen])[own])
            first += 1
