"""Flow matching on the canvas: the transformer learns the velocity from clean latents to noise, where not given.

x_s = (1 - s) z + s eps, target eps - z; the loss is the mean over noised positions (arXiv 2604.06168 and its release).
"""

import math
from typing import Any

import torch
from torch import nn

from model.generation.canvas import add_noise, over_canvas
from model.networks.text_encoding import cleaned, encode_text
from model.networks.transformer import TIMESTEPS
from model.training.batches import Batch
from model.training.layouts import Layout, layout_for, name_of
from model.training.objectives import Loss, figure
from model.training.settings import FlowMatching
from model.training.step_rng import (
    StepRng,
    draw_dropped,
    draw_levels,
    draw_mode,
    draw_noise,
    sample_generators,
    shared_generator,
)

NEAR_ONE = 0.99  # above this noise level the target is invisible: what is right there comes from the conditioning


class FlowMatchingObjective(nn.Module):
    """Loss of an ActionImagesTransformer, and of a text encoder trained jointly with it, on Batches.

    Either `text_encoder` and `tokenizer` (of the pipeline; texts of up to `text_length` tokens), the encoder being
    trained when its parameters require gradients; or batches with precomputed embeddings, and `empty_text`
    (n, text_dim), the embeddings of the empty instruction.
    """

    def __init__(
        self,
        transformer: Any,
        settings: FlowMatching = FlowMatching(),
        *,
        text_encoder: nn.Module | None = None,
        tokenizer: Any = None,
        text_length: int = 512,
        empty_text: torch.Tensor | None = None,
    ):
        super().__init__()
        self.transformer = transformer
        self.text_encoder = text_encoder
        self.settings = settings
        self._tokenizer, self._text_length = tokenizer, text_length
        self._empty_text = empty_text

    def forward(self, batch: Batch, moment: StepRng) -> Loss:
        shared = shared_generator(moment)
        layout = layout_for(draw_mode(self.settings, shared), batch, shared)
        own = sample_generators(moment, len(batch))
        text = self._text(batch, draw_dropped(self.settings.text_dropout, own))
        levels = layout.levels(*draw_levels(self.settings.noise, own)).to(batch.rgb.device)
        clean = layout.pack(batch.rgb, batch.action).float()
        noise = draw_noise(clean.shape, own).to(clean.device)
        noisy = add_noise(clean, noise, levels.float())
        velocity = self._velocity(layout, noisy, levels.float(), text, batch).float()
        squared = (velocity - (noise - clean)).square().mean(dim=1)  # (B, F, h, w)
        return self._loss(layout, squared, clean, levels.float())

    def _velocity(
        self,
        layout: Layout,
        noisy: torch.Tensor,
        levels: torch.Tensor,
        text: torch.Tensor,
        batch: Batch,
    ) -> torch.Tensor:
        config = self.transformer.config
        timestep = TIMESTEPS * (levels if config["timestep_per_token"] else levels.amax(dim=1))
        kept = config["kept_positions"]
        return self.transformer(
            noisy,
            timestep,
            text.to(noisy.device),
            None if batch.camera is None else layout.pack_camera(batch.camera),
            action_frames=layout.is_action,
            positions=layout.positions(kept=True) if kept else None,
            pictures=None if batch.pictures is None else batch.pictures[:, : len(layout.picture_frames)],
            picture_frames=layout.picture_frames,
            return_dict=False,
        )[0]

    def _loss(self, layout: Layout, squared: torch.Tensor, clean: torch.Tensor, levels: torch.Tensor) -> Loss:
        weights = self._weights(layout, clean, levels)  # (B, F, h, w), 0 where given
        per_sample = (squared * weights).flatten(1).sum(1) / self._noised(layout, squared)
        mode = name_of(layout)
        figures = {"loss": figure(per_sample), f"{mode}.loss": figure(per_sample)}
        error = squared * over_frames(levels).square()  # v = (x - z) / s: the error of z is s times that of v
        power = clean.square().mean(dim=1)
        for kind, of_kind in (("action", layout.is_action), ("rgb", ~layout.is_action)):
            asked = (levels > NEAR_ONE) & of_kind.to(levels.device)
            if asked.any():
                # Relative to the latents' own mean square: 1 is the error of an uninformed prediction.
                asked_cells = over_frames(asked.float())
                figures[f"{mode}.{kind}_x0_error"] = (
                    (error * asked_cells).detach().sum(),
                    (power * asked_cells).sum(),
                )
        return Loss(per_sample.mean(), figures)

    def _weights(self, layout: Layout, clean: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
        """Return (B, F, h, w): the noise level's weight times the segment's, 0 where given."""
        settings = self.settings
        is_action = layout.is_action.to(levels.device)
        by_kind = torch.where(is_action, settings.action_weight, settings.rgb_weight)
        per_frame = level_weight(levels, settings.weighting) * by_kind * (levels > 0)
        weights = over_frames(per_frame).expand(-1, -1, *clean.shape[-2:])
        if settings.residual_weight == 0.0:
            return weights
        energy = clean.square().mean(dim=1)
        asked = over_frames(((levels > 0) & ~is_action).float()).expand_as(energy)
        mean = (energy * asked).sum((1, 2, 3), keepdim=True) / asked.sum((1, 2, 3), keepdim=True).clamp_min(1.0)
        tilt = 1.0 + settings.residual_weight * (energy / mean.clamp_min(1e-8) - 1.0)
        return torch.where(asked > 0, weights * tilt, weights)

    @staticmethod
    def _noised(layout: Layout, squared: torch.Tensor) -> int:
        return int((~layout.clean).sum()) * math.prod(squared.shape[-2:])

    def _text(self, batch: Batch, dropped: list[bool]) -> torch.Tensor:
        """Return embeddings (B, n, text_dim), those of the empty instruction where the text is dropped."""
        if batch.text is None:
            if self.text_encoder is None:
                raise ValueError("neither embeddings nor a text encoder")
            pairs = zip(batch.instructions, dropped, strict=True)
            texts = ["" if drop else cleaned(instruction) for instruction, drop in pairs]
            return encode_text(self._tokenizer, self.text_encoder, texts, self._text_length)
        if not any(dropped):
            return batch.text
        if self._empty_text is None:
            raise ValueError("text is dropped, so the embedding of the empty instruction is needed")
        empty = self._empty_text.to(batch.text)
        return torch.where(torch.tensor(dropped, device=empty.device)[:, None, None], empty, batch.text)


def level_weight(levels: torch.Tensor, weighting: str) -> torch.Tensor:
    """Return the weight of the squared velocity error at noise levels of any shape."""
    if weighting == "even":
        return torch.ones_like(levels)
    if weighting == "x0":
        return (levels / 0.3).clamp_max(1.0).square()  # (error of z)^2 / max(s, 0.3)^2, and that error is s times v's
    # The release: exp(-2 ((t - 500) / 1000)^2) minus its minimum over t in [0, 1000], scaled to mean one.
    lowest = math.exp(-0.5)
    mean = math.sqrt(math.pi / 2.0) * math.erf(math.sqrt(0.5)) - lowest
    return (torch.exp(-2.0 * (levels - 0.5).square()) - lowest) / mean


def over_frames(per_frame: torch.Tensor) -> torch.Tensor:
    """Reshape (B, F) for broadcasting with (B, F, h, w)."""
    return over_canvas(per_frame).squeeze(1)
