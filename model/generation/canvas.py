"""The canvas: the videos of all views, and their action videos, concatenated along latent time.

    [ rgb of view 0 | action of view 0 | rgb of view 1 | action of view 1 | ... ]

The transformer sees one long video. Given latents stay clean, all others are noised and denoised; which latent frames
are given distinguishes the modes (Action Images, arXiv 2604.06168, and its release). In every mode the first latent
frame of every segment is given: the cameras' images, and the arm's present pose as an action image.

| mode            | given besides the first frames | question it answers                     |
|-----------------|--------------------------------|-----------------------------------------|
| joint           | nothing                        | how would this instruction be done?     |
| action_to_video | all action segments            | what would happen if the arm did this?  |
| video_to_action | all rgb segments               | what did the arm do in this video?      |
| view_transfer   | the rgb segment of view 0      | how does this look from the other view? |
| video           | (there are no action segments) | how would this instruction look?        |
| policy          | (rgb segments are cut to their first frame) | what should the arm do?    |

Shapes: B samples, V views, C channels, T latent frames of a full segment, F latent frames of the canvas, h and w the
latent height and width. A canvas of latents is (B, C, F, h, w), the layout of Wan's transformer.
"""

from dataclasses import dataclass
from functools import cached_property

import torch

from model.networks.sizes import MODES

WITHOUT_ACTION, WITHOUT_VIDEO = ("video",), ("policy",)


@dataclass(frozen=True)
class Segment:
    """One view's rgb or action video: `frames` latent frames from `start` of the canvas; `given` as a whole or not."""

    kind: str  # "rgb" or "action"
    view: int
    start: int
    frames: int
    given: bool

    @property
    def span(self) -> slice:
        return slice(self.start, self.start + self.frames)


@dataclass(frozen=True)
class Canvas:
    """Layout of `views` views of `latent_frames` latent frames each in one of MODES."""

    mode: str
    views: int
    latent_frames: int

    def __post_init__(self):
        if self.mode not in MODES:
            raise ValueError(f"there is no mode {self.mode!r}; the modes are {', '.join(MODES)}")
        if self.views < 1 or self.latent_frames < 1:
            raise ValueError(f"a canvas needs views and frames, not {self.views} and {self.latent_frames}")

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """Segments view by view, rgb before action."""
        segments: list[Segment] = []
        start = 0
        for view in range(self.views):
            for kind in ("rgb",) if self.mode in WITHOUT_ACTION else ("rgb", "action"):
                frames = 1 if kind == "rgb" and self.mode in WITHOUT_VIDEO else self.latent_frames
                segments.append(Segment(kind, view, start, frames, self._is_given(kind, view)))
                start += frames
        return tuple(segments)

    def _is_given(self, kind: str, view: int) -> bool:
        return (
            (self.mode == "action_to_video" and kind == "action")
            or (self.mode == "video_to_action" and kind == "rgb")
            or (self.mode == "view_transfer" and kind == "rgb" and view == 0)
        )

    @property
    def frames(self) -> int:
        """F, the latent frames of the whole canvas."""
        return self.segments[-1].span.stop

    @property
    def picture_frames(self) -> tuple[int, ...]:
        """Latent frames (V,) that hold the cameras' first images."""
        return tuple(segment.start for segment in self.segments if segment.kind == "rgb")

    @cached_property
    def clean(self) -> torch.Tensor:
        """Bool (F,): latent frames that are given, and stay bit for bit unchanged."""
        clean = torch.zeros(self.frames, dtype=torch.bool)
        for segment in self.segments:
            clean[segment.start] = True
            if segment.given:
                clean[segment.span] = True
        return clean

    @cached_property
    def is_action(self) -> torch.Tensor:
        """Bool (F,): latent frames of action segments."""
        return torch.tensor([s.kind == "action" for s in self.segments for _ in range(s.frames)])

    def positions(self, kept: bool = False) -> tuple[int, ...]:
        """Return the temporal positions (F,) for the rotary embedding.

        They are 0 to F - 1, as in the release also where segments are cut; or, with `kept`, the positions that the same
        frames have on a canvas of whole segments.
        """
        if not kept:
            return tuple(range(self.frames))
        whole = self.latent_frames * len(self.segments)
        starts = range(0, whole, self.latent_frames)
        return tuple(place for s, at in zip(self.segments, starts, strict=True) for place in range(at, at + s.frames))

    def pack(self, rgb: torch.Tensor, action: torch.Tensor | None) -> torch.Tensor:
        """Concatenate rgb and action latents (B, V, C, T, h, w) to a canvas (B, C, F, h, w).

        Where the mode cuts rgb, its first frames suffice; action is ignored in modes without it.
        """
        latents = {"rgb": rgb, "action": action}
        parts = []
        for segment in self.segments:
            source = latents[segment.kind]
            if source is None or source.shape[1] != self.views or source.shape[3] < segment.frames:
                shape = None if source is None else tuple(source.shape)
                raise ValueError(
                    f"{self} needs {segment.kind} (B, {self.views}, C, {segment.frames}, h, w), not {shape}"
                )
            parts.append(source[:, segment.view, :, : segment.frames])
        return torch.cat(parts, dim=2)

    def unpack(self, canvas: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Split a canvas (B, C, F, h, w) into rgb (B, V, C, T or 1, h, w) and action or None: the inverse of `pack`."""
        views = {
            kind: [canvas[:, :, segment.span] for segment in self.segments if segment.kind == kind]
            for kind in ("rgb", "action")
        }
        action = torch.stack(views["action"], dim=1) if views["action"] else None
        return torch.stack(views["rgb"], dim=1), action

    def pack_camera(self, camera: torch.Tensor) -> torch.Tensor:
        """Return (B, F, K, h, w) from camera features (B, V, T, K, h, w), the same for both segments of a view."""
        return torch.cat([camera[:, segment.view, : segment.frames] for segment in self.segments], dim=1)

    def levels(self, rgb: torch.Tensor, action: torch.Tensor | None = None) -> torch.Tensor:
        """Return noise levels (B, F) in [0, 1] from one per sample (B,), or one per kind; 0 where clean."""
        action = rgb if action is None else action
        levels = torch.where(self.is_action.to(rgb.device), action[:, None], rgb[:, None])
        return torch.where(self.clean.to(rgb.device), torch.zeros_like(levels), levels)


def over_canvas(per_frame: torch.Tensor) -> torch.Tensor:
    """Reshape (F,) or (B, F) for broadcasting with a canvas (B, C, F, h, w)."""
    return per_frame.reshape(*(per_frame.shape[:-1] or (1,)), 1, -1, 1, 1)


def add_noise(canvas: torch.Tensor, noise: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
    """Compute x_s = (1 - s) z + s eps, with s (B, F); where s = 0 the canvas itself, bit for bit."""
    s = over_canvas(levels).to(canvas.dtype)
    return torch.where(s == 0, canvas, (1 - s) * canvas + s * noise)


def relative_to_still(rgb: torch.Tensor, still: torch.Tensor) -> torch.Tensor:
    """Subtract the latents of a static video from rgb latents (B, V, C, T, h, w), except in the first frame."""
    return torch.cat([rgb[..., :1, :, :], rgb[..., 1:, :, :] - still[..., 1:, :, :]], dim=-3)


def absolute_from_still(relative: torch.Tensor, still: torch.Tensor) -> torch.Tensor:
    """Invert `relative_to_still`."""
    return torch.cat([relative[..., :1, :, :], relative[..., 1:, :, :] + still[..., 1:, :, :]], dim=-3)
