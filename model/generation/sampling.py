"""Denoising of a canvas from noise to latents, in steps, with given frames unchanged."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from model.generation.canvas import Canvas, over_canvas
from model.networks.cpu_autocast import cpu_autocast
from model.networks.transformer import TIMESTEPS, clean_from_velocity


@dataclass(frozen=True, eq=False)
class Conditions:
    """Conditioning of the transformer besides the canvas, for N samples.

    `text`, and `no_text` for classifier-free guidance, (N, n, d); `camera` (1, F, K, h, w); `pictures` (N, V, 3, H, W)
    for transformers that also read the first frames. For Wan2.1's image-to-video models also `image` (N, m, e), CLIP's
    features, and `given` (N, 4 + C, F, h, w), a mask and the given latents.
    """

    text: torch.Tensor
    no_text: torch.Tensor | None
    camera: torch.Tensor
    pictures: torch.Tensor | None = None
    image: torch.Tensor | None = None
    given: torch.Tensor | None = None


@dataclass(frozen=True)
class Reuse:
    """The release's step cache: the last prediction is reused while successive ones hardly change direction.

    After two computed predictions whose cosine similarity is above `threshold` (the release: 0.93 to 0.95), the next
    `most` steps reuse the later one; then it is computed again.
    """

    threshold: float = 0.95
    most: int = 1


@dataclass(eq=False)
class Predictor:
    """Velocity prediction with classifier-free guidance (optionally on two process groups) and step caching."""

    transformer: Any
    canvas: Canvas
    conditions: Conditions
    guidance_scale: float = 1.0
    reuse: Reuse | None = None
    guidance_group: Any = None  # torch.distributed group of two: one predicts with the text, the other without
    computed: int = 0  # predictions that were not reused
    _last: torch.Tensor | None = field(default=None, init=False)
    _left: int = field(default=0, init=False)

    def __call__(self, latents: torch.Tensor, levels: torch.Tensor, index: int) -> torch.Tensor:
        """Return the velocity (N, C, F, h, w) at noise `levels` (N, F), 0 where clean."""
        if self._last is not None and self._left > 0:
            self._left -= 1
            return self._last
        velocity = self._guided(latents, levels, index)
        self.computed += 1
        if self.reuse is not None:
            if self._last is not None:
                open_ = ~self.canvas.clean.to(velocity.device)  # predictions for given frames are meaningless
                last, now = (v[:, :, open_].flatten(1) for v in (self._last, velocity))
                alike = float(functional.cosine_similarity(last, now).min())
                self._left = self.reuse.most if alike > self.reuse.threshold else 0
            self._last = velocity
        return velocity

    def forget(self) -> None:
        """Reset the step caches, e.g. between stages."""
        self._last, self._left = None, 0
        if hasattr(self.transformer, "_reset_stateful_cache"):
            self.transformer._reset_stateful_cache()

    def _guided(self, latents: torch.Tensor, levels: torch.Tensor, index: int) -> torch.Tensor:
        if self.guidance_scale == 1.0 or self.conditions.no_text is None:
            return self._velocity(latents, levels, index, "cond", self.conditions.text)
        texts = {"cond": self.conditions.text, "uncond": self.conditions.no_text}
        if self.guidance_group is None:
            both = [self._velocity(latents, levels, index, name, text) for name, text in texts.items()]
        else:
            mine = ("cond", "uncond")[torch.distributed.get_rank(self.guidance_group)]
            velocity = self._velocity(latents, levels, index, mine, texts[mine]).contiguous()
            both = [torch.empty_like(velocity) for _ in range(2)]
            torch.distributed.all_gather(both, velocity, group=self.guidance_group)
        told, untold = both
        return untold + self.guidance_scale * (told - untold)

    def _velocity(
        self, latents: torch.Tensor, levels: torch.Tensor, index: int, name: str, text: torch.Tensor
    ) -> torch.Tensor:
        transformer, settings = self.transformer, self.transformer.config
        hidden_states = latents
        if self.conditions.given is not None:
            hidden_states = torch.cat([latents, self.conditions.given.to(latents)], dim=1)
        # One timestep per sample, that of the noised frames; the release does not distinguish clean frames.
        timestep = TIMESTEPS * (levels if settings.timestep_per_token else levels.amax(dim=1))
        kept = self.canvas.positions(kept=True) if settings.kept_positions else None
        cached = getattr(transformer, "cache_context", None)
        with cached(name, step_index=index) if cached else nullcontext(), cpu_autocast(transformer):
            (velocity,) = transformer(
                hidden_states.to(transformer.dtype),
                timestep,
                text.to(transformer.dtype),
                self.conditions.camera,
                action_frames=self.canvas.is_action,
                positions=kept,
                pictures=self.conditions.pictures,
                picture_frames=self.canvas.picture_frames,
                encoder_hidden_states_image=self.conditions.image,
                return_dict=False,
            )
        return velocity.float()


@dataclass(frozen=True)
class Stage:
    """A stage of denoising: the frames (F,) that it denoises, and those (F,) that wait as pure noise."""

    name: str  # "action", "video" or "both"
    active: torch.Tensor
    waiting: torch.Tensor


def stages(canvas: Canvas, two_stage: bool) -> list[Stage]:
    """Return the denoising stages in order: everything at once, or first the action and then the video given it."""
    open_, action = ~canvas.clean, canvas.is_action
    nothing = torch.zeros_like(open_)
    parts = [("action", open_ & action), ("video", open_ & ~action)]
    parts = [(name, frames) for name, frames in parts if frames.any()]
    if len(parts) == 2 and not two_stage:
        return [Stage("both", open_, nothing)]
    later = [*(frames for _, frames in parts[1:]), nothing]
    return [Stage(name, frames, later[i]) for i, (name, frames) in enumerate(parts)]


@dataclass(frozen=True, eq=False)
class Denoised:
    """State after a step: `latents`, and `clean`, the current estimate of the denoised latents, (N, C, F, h, w)."""

    done: int
    total: int
    stage: str
    latents: torch.Tensor
    clean: torch.Tensor


def denoise(
    predictor: Predictor,
    scheduler: Any,
    latents: torch.Tensor,
    plan: list[tuple[Stage, int]],
    on_timestep: Callable[[float], None] = lambda level: None,
) -> Iterator[Denoised]:
    """Denoise `latents` (N, C, F, h, w), noise except in the given frames, stage by stage with the planned steps.

    Yields after every step, so that the caller can display it, or stop. The schedule is Wan's: noise levels evenly
    spaced from 1 to 0, shifted by the scheduler: FlowMatchEulerDiscreteScheduler, or UniPCMultistepScheduler with flow
    sigmas.
    """
    total, done = sum(steps for _, steps in plan), 0
    for stage, steps in plan:
        predictor.forget()
        scheduler.set_timesteps(sigmas=np.linspace(1.0, 0.0, steps + 1)[:-1], device=latents.device)
        active = stage.active.to(latents.device)
        mask = over_canvas(active)
        waiting = stage.waiting.to(latents.device).float()
        for index, timestep in enumerate(scheduler.timesteps):
            level = float(scheduler.sigmas[index])
            on_timestep(TIMESTEPS * level)
            levels = (active.float() * level + waiting).expand(len(latents), -1)
            velocity = predictor(latents, levels, done)
            clean = clean_from_velocity(latents, velocity, TIMESTEPS * levels)
            (stepped,) = scheduler.step(velocity, timestep, latents, return_dict=False)
            latents = torch.where(mask, stepped, latents)
            done += 1
            given = over_canvas((~active & (waiting == 0)).to(latents.device))
            yield Denoised(done, total, stage.name, latents, torch.where(given, latents, clean))
