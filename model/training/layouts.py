"""Canvas layouts of training batches."""

from dataclasses import dataclass
from functools import cached_property

import torch

from model.generation.canvas import Canvas
from model.training.batches import Batch


@dataclass(frozen=True)
class OneFrame:
    """Three latent frames of view 0's policy canvas: its image, the present action, and the action at `frame` >= 1.

    A small model's first lesson: it teaches the relation of instruction and image to the arm at a tenth of the policy
    canvas's cost, and the temporal positions are those of the whole canvas, so that the result transfers.
    """

    latent_frames: int
    frame: int

    @cached_property
    def _policy(self) -> Canvas:
        return Canvas("policy", 1, self.latent_frames)

    @property
    def picture_frames(self) -> tuple[int, ...]:
        return (0,)

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


@dataclass(frozen=True)
class OneView:
    """One view of a policy: its image, the present action unless `without_present`, and the action at `frames` >= 1.

    The batch holds one view, and of its action exactly these latent frames, the present one first. `slot` is the view
    of the whole canvas whose position it takes: so what is learnt with one view transfers to every other.
    """

    latent_frames: int
    frames: tuple[int, ...]
    slot: int = 0
    without_present: bool = False

    @property
    def picture_frames(self) -> tuple[int, ...]:
        return (0,)

    @property
    def _actions(self) -> tuple[int, ...]:
        return self.frames if self.without_present else (0, *self.frames)

    @property
    def clean(self) -> torch.Tensor:
        return torch.tensor([True, *(frame == 0 for frame in self._actions)])

    @property
    def is_action(self) -> torch.Tensor:
        return torch.tensor([False, *(True for _ in self._actions)])

    def positions(self, kept: bool = False) -> tuple[int, ...]:
        length = self.latent_frames if kept else 1
        start = self.slot * (length + self.latent_frames)
        return (start, *(start + length + frame for frame in self._actions))

    def pack(self, rgb: torch.Tensor, action: torch.Tensor | None) -> torch.Tensor:
        if action is None or rgb.shape[1] != 1 or action.shape[3] != 1 + len(self.frames):
            raise ValueError(f"{self} needs one view and {1 + len(self.frames)} latent frames of its action")
        return torch.cat([rgb[:, 0, :, :1], action[:, 0, :, int(self.without_present) :]], dim=2)

    def pack_camera(self, camera: torch.Tensor) -> torch.Tensor:
        return camera[:, 0, [0, *self._actions]]

    def levels(self, rgb: torch.Tensor, action: torch.Tensor | None = None) -> torch.Tensor:
        action = rgb if action is None else action
        return torch.where(self.clean.to(rgb.device), torch.zeros_like(action)[:, None], action[:, None])


Layout = Canvas | OneFrame | OneView


def layout_for(mode: str, batch: Batch, generator: torch.Generator) -> Layout:
    """Return the batch's canvas in `mode`; "policy" for first frames only, "video" without action data."""
    if batch.layout is not None:
        return batch.layout
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
    return {OneFrame: "one_frame", OneView: "one_view"}.get(type(layout)) or layout.mode  # type: ignore[union-attr]
