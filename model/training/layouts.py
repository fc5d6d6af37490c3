"""Which canvas a batch is taught on."""

from dataclasses import dataclass
from functools import cached_property

import torch

from model.canvas import Canvas
from model.training.batches import Batch


@dataclass(frozen=True)
class OneFrame:
    """Three latent frames of view 0's policy canvas: its picture, the present action, and the action at `frame` >= 1.

    A small model's first lesson: it teaches what the words and the picture have to do with the arm at a tenth of the
    policy canvas's cost, and the places in time are those of the whole canvas, so that what is learnt carries over.
    """

    latent_frames: int
    frame: int

    @cached_property
    def _policy(self) -> Canvas:
        return Canvas("policy", 1, self.latent_frames)

    @property
    def _columns(self) -> torch.Tensor:
        return torch.tensor([0, 1, 1 + self.frame])

    @property
    def frames(self) -> int:
        return 3

    @property
    def clean(self) -> torch.Tensor:
        return self._policy.clean[self._columns]

    @property
    def is_action(self) -> torch.Tensor:
        return self._policy.is_action[self._columns]

    def positions(self, kept: bool = False) -> tuple[int, ...]:
        places = self._policy.positions(kept)
        return tuple(places[column] for column in self._columns)

    def pack(self, rgb: torch.Tensor, action: torch.Tensor | None) -> torch.Tensor:
        if action is None:
            raise ValueError("the lesson of one action frame needs action latents")
        return self._policy.pack(rgb[:, :1], action[:, :1])[:, :, self._columns]

    def pack_camera(self, camera: torch.Tensor) -> torch.Tensor:
        return self._policy.pack_camera(camera[:, :1])[:, self._columns]

    def levels(self, rgb: torch.Tensor, action: torch.Tensor | None = None) -> torch.Tensor:
        return self._policy.levels(rgb, action)[:, self._columns]


Layout = Canvas | OneFrame


def layout_for(mode: str, batch: Batch, generator: torch.Generator) -> Layout:
    """The batch's canvas in `mode`; policies where it holds only first pictures, videos where it knows no action."""
    views = batch.rgb.shape[1]
    latent_frames = (batch.rgb if batch.action is None else batch.action).shape[3]
    if batch.action is None:
        mode = "video"
    elif batch.rgb.shape[3] < latent_frames and mode != "one_frame":
        mode = "policy"
    if mode == "one_frame":
        return OneFrame(latent_frames, int(torch.randint(1, latent_frames, (), generator=generator)))
    return Canvas(mode, views, latent_frames)


def name_of(layout: Layout) -> str:
    return layout.mode if isinstance(layout, Canvas) else "one_frame"
